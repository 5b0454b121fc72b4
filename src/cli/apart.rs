//! `--interval 1 min`: a value that was written in two words.

use std::ffi::OsStr;

use super::CommandLineError;
use crate::config::flags::Flag;
use crate::config::value::Delay;
use crate::options::Takes;
use crate::schedule::Schedule;

/// A word that goes on with the value of the option before it, and that nobody calls a program.
/// Looked at before each start: it must cost nothing.
pub(crate) fn value_apart(flag: &Flag, word: &OsStr) -> Option<CommandLineError> {
    let text = word.to_str()?;
    // a unit in upper case is refused together with its number
    let is_duration = |text: &str| Delay::parse_or_zero(&text.to_ascii_lowercase()).is_ok();
    let goes_on = match flag.takes {
        Takes::Value("DURATION" | "F:MAX") => is_duration(text) || is_duration(&format!("1{text}")),
        Takes::Value("WHEN") => Schedule::is_part(text),
        _ => false,
    };
    goes_on.then(|| CommandLineError::ValueApart { long: flag.long, word: text.to_string() })
}
