//! Errors in a command line, apart from values.

use super::foreign;
use crate::error::Problem;
use crate::exit::Exit;
use crate::options::WordError;

/// Errors in a command line, apart from values.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of the message")]
pub enum CommandLineError {
    /// An unknown name, or a missing or unexpected value.
    #[error(transparent)]
    Word(WordError),
    /// `--interval 1 min`, which would run a program `min`.
    #[error("--{long}: '{word}' looks like part of the value, but would be run as the program")]
    ValueApart { long: &'static str, word: String },
    /// `--explain=yaml`
    #[error("--explain: invalid value: is neither 'text' nor 'json'")]
    ExplainForm,
}

impl Problem for CommandLineError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            CommandLineError::Word(error @ WordError::Unknown { option, .. }) => foreign::replacement(option)
                .map(|replacement| format!("in futo-launch: {replacement}"))
                .or_else(|| error.remedy())
                .or_else(|| Some("--help lists all options".to_string())),
            CommandLineError::Word(error) => error.remedy(),
            CommandLineError::ValueApart { .. } => {
                Some("quote the whole value, or write -- before a program of that name".to_string())
            }
            CommandLineError::ExplainForm => None,
        }
    }
}
