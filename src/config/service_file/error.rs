//! What can be wrong with a TOML file of settings.

use std::path::PathBuf;

use crate::error::{Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::sys::file::hint_of_unreadable;

/// Why a service file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceFileError {
    /// It cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The parser's words.
        message: String,
    },
    /// A key that is no option.
    #[error("{}:{line}:{column}: unknown key '{key}'", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The key.
        key: String,
        /// What was meant.
        remedy: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("{}:{line}: {key}: must be {wanted}", path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The key.
        key: String,
        /// The right kind, with an example.
        wanted: String,
    },
    /// `exec` and `script`.
    #[error("{}:{line}: exec and script both name the worker", path.display())]
    TwoWorkers {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
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
