//! Errors in a TOML file of settings. Lines and columns count from 1.

use std::path::PathBuf;

use crate::error::{Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::sys::file::hint_of_unreadable;

/// Why a service file cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of the message")]
pub enum ServiceFileError {
    /// It cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read { path: PathBuf, source: std::io::Error },
    /// It is not TOML.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },
    /// A key that is not an option.
    #[error("{}:{line}:{column}: unknown key '{key}'", path.display())]
    UnknownKey { path: PathBuf, line: usize, column: usize, key: String, remedy: Option<String> },
    /// A value of the wrong kind.
    #[error("{}:{line}: {key}: must be {wanted}", path.display())]
    WrongKind {
        path: PathBuf,
        line: usize,
        key: String,
        /// The right kind, with an example.
        wanted: String,
    },
    /// `exec` and `script`.
    #[error("{}:{line}: exec and script both name the worker", path.display())]
    TwoWorkers { path: PathBuf, line: usize },
}

impl Problem for ServiceFileError {
    fn exit(&self) -> Exit {
        match self {
            ServiceFileError::Read { source, .. } => exit_of_io(source),
            ServiceFileError::Syntax { .. }
            | ServiceFileError::UnknownKey { .. }
            | ServiceFileError::WrongKind { .. }
            | ServiceFileError::TwoWorkers { .. } => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ServiceFileError::UnknownKey { remedy, .. } => remedy.clone(),
            ServiceFileError::Read { source, .. } => hint_of_unreadable(source),
            ServiceFileError::Syntax { .. }
            | ServiceFileError::WrongKind { .. }
            | ServiceFileError::TwoWorkers { .. } => None,
        }
    }
}
