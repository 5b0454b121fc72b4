//! `--interval 1 min`: a value that was written in two words.

use std::ffi::OsStr;

use super::{CommandLineError, Flag, Takes};
use crate::config::value::Delay;
use crate::schedule::{Schedule, Zone};

/// A word that goes on with the value of the option before it, and that nobody calls a program.
pub(crate) fn value_apart(flag: &'static Flag, value: &OsStr, word: &OsStr) -> Option<CommandLineError> {
    let text = word.to_str()?;
    // a unit in upper case is refused together with its number
    let is_duration = |text: &str| Delay::parse_or_zero(&text.to_ascii_lowercase()).is_ok();
    let goes_on = match flag.takes {
        Takes::Value("DURATION" | "F:MAX") => is_duration(text) || is_duration(&format!("1{text}")),
        Takes::Value("WHEN") => {
            let whole = format!("{} {text}", value.to_string_lossy());
            Schedule::is_field(text)
                || (!text.contains('/') && Schedule::parse(&whole).is_ok())
                || Zone::named(text).is_ok()
        }
        _ => false,
    };
    goes_on.then(|| CommandLineError::ValueApart { long: flag.long, word: text.to_string() })
}
