//! Errors in the requested settings, apart from the syntax of a service file.

use super::value::{Delay, ExpansionError};
use crate::error::Problem;
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::schedule::ZoneError;

/// An error in the requested settings.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of the message")]
pub enum SpecError {
    /// A value that the option does not accept. The value of `--env` is not shown.
    #[error("{place}: invalid value{}: {}", shown.as_ref().map_or(String::new(), |value| format!(" '{value}'")), invalid.reason)]
    Value {
        /// `--interval` or `./run:3: interval`
        place: String,
        /// The value, unless it may be a secret.
        shown: Option<String>,
        invalid: Invalid,
    },
    /// An option that would be ignored.
    #[error("{place}: needs a timing option: it works only in a loop")]
    NeedsTiming { place: String },
    /// A variable in a value is missing.
    #[error("{place}: {error}")]
    Expansion { place: String, error: ExpansionError },
    /// Nothing to run.
    #[error("no program given")]
    NoProgram,
    /// `--file` and a program.
    #[error("unexpected argument '{word}': only options and the service name may follow --file")]
    TwoPrograms { word: String },
    /// exec or script missing.
    #[error("{path}: neither exec nor script is set")]
    NoWorker { path: String },
    /// A maximum that is shorter than the interval.
    #[error("{place}: the maximum of {max} is shorter than the delay of {delay}")]
    BackoffBelowDelay { place: String, max: Delay, delay: Delay },
    /// Two options that set the pace.
    #[error("{place}: cannot be combined with {other}")]
    TwoPaces { place: String, other: String },
    /// An option without effect under the timing option.
    #[error("{place}: has no effect with --{pace}: {why}")]
    NoEffect { place: String, pace: &'static str, why: &'static str },
    /// `--ready-timeout` without a condition to probe.
    #[error("{place}: no condition to wait for")]
    NothingToWaitFor { place: String },
    /// The time zone of a schedule that names none cannot be determined.
    #[error("{place}: {error}")]
    Zone { place: String, error: ZoneError },
    /// An option about rotated logs where none is kept.
    #[error("--{option}: has no meaning with --{other} 0: there is no rotated log")]
    NoRotatedLog { option: &'static str, other: &'static str },
    /// An option about a log file where there is none.
    #[error("--{option}: has no meaning here: {why}")]
    NoLogFile { option: &'static str, why: &'static str },
    /// `--show-values` without `--explain`.
    #[error("--show-values: requires --explain")]
    ShowValues,
}

impl Problem for SpecError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            SpecError::Value { invalid, .. } => invalid.hint.clone(),
            SpecError::NeedsTiming { .. } => {
                Some("add --interval DURATION, --every DURATION, --schedule WHEN or --once".to_string())
            }
            SpecError::Zone { error, .. } => error.hint(),
            SpecError::NothingToWaitFor { .. } => {
                Some("use it with --ready tcp:PORT, file:PATH or cmd:COMMAND".to_string())
            }
            SpecError::Expansion { error, .. } => error.hint(),
            SpecError::TwoPaces { .. } => {
                Some("choose one of --interval, --every, --schedule and --once".to_string())
            }
            SpecError::NoProgram => Some("futo-launch [OPTION…] [--] PROGRAM [ARG…]".to_string()),
            SpecError::NoWorker { .. } => Some("add exec = [\"PROGRAM\", \"ARG\"]".to_string()),
            SpecError::NoLogFile { .. } => Some("name a file with --log PATH, or leave it out".to_string()),
            SpecError::TwoPrograms { .. }
            | SpecError::NoRotatedLog { .. }
            | SpecError::BackoffBelowDelay { .. }
            | SpecError::NoEffect { .. }
            | SpecError::ShowValues => None,
        }
    }
}
