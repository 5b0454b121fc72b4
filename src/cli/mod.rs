//! argv → [`Request`](crate::config::request::Request): the words as typed, not yet understood. `--help` and `--version` too.
//!
//! Deliberately absent: abbreviations of long options (a run file must mean the same next year),
//! options behind the program, and short options but `-h` and `-V`.

mod apart;
mod foreign;
pub mod help;
mod parse;

pub(crate) use apart::value_apart;
pub use parse::{CommandLineError, parse};
