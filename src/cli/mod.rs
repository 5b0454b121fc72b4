//! argv → [`Request`](crate::config::request::Request): the words as typed, their values not yet read. `--help` and
//! `--version` too.
//!
//! Deliberately absent: options after the program, and short options other than `-h` and `-V`.

mod apart;
mod error;
mod foreign;
pub mod help;
mod parse;

pub(crate) use apart::value_apart;
pub use error::CommandLineError;
pub use parse::parse;
