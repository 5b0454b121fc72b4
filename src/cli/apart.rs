//! `--interval 1 min`: a value written as two words.

use std::ffi::OsStr;

use super::error::CommandLineError;
use crate::config::flags::{Continuation, Flag};
use crate::config::value::Delay;
use crate::schedule::Schedule;

/// The error for a word that looks like a continuation of the value before it, not like a program. Checked at every
/// launch, so it must be cheap.
pub(crate) fn value_apart(flag: &Flag, word: &OsStr) -> Option<CommandLineError> {
    let text = word.to_str()?;
    // a unit in upper case is refused together with its number
    let is_duration = |text: &str| Delay::parse_or_zero(&text.to_ascii_lowercase()).is_ok();
    let continues = match flag.meaning.continuation {
        Continuation::Duration => is_duration(text) || is_duration(&format!("1{text}")),
        Continuation::Schedule => Schedule::is_part(text),
        Continuation::None => false,
    };
    continues.then(|| CommandLineError::ValueApart { long: flag.long, word: text.to_string() })
}
