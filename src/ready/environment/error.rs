//! Errors in the variables. No message shows a value.

use std::path::{Path, PathBuf};

use crate::config::value::ExpansionError;
use crate::error::{Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::sys::file::hint_of_unreadable;

/// Errors in the variables and the files they come from.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A file or directory cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's error, or what is wrong with the content.
        source: std::io::Error,
    },
    /// A line of a file is refused.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file that holds the line.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, without a value.
        what: String,
        /// How to write it instead.
        remedy: String,
    },
    /// `FILE__NAME`, `NAME_FILE`. The path is the value of a variable, and may be the secret itself.
    #[error("{place}: unable to read the file named by {variable}{}: {}", shown(path.as_deref()), reason_of(source))]
    NamedFile {
        /// Where the variable was set.
        place: String,
        /// `FILE__NAME` or `NAME_FILE`
        variable: String,
        /// The path, if it cannot be a secret.
        path: Option<PathBuf>,
        /// The system's error, or what is wrong with the content.
        source: std::io::Error,
    },
    /// `--secret`
    #[error("--secret: variable '{name}' is {}", if *.is_set { "empty".to_string() } else { neither(file) })]
    Secret {
        /// The required variable.
        name: String,
        /// `NAME_FILE`
        file: String,
        /// Whether it, or the file, is set but empty.
        is_set: bool,
    },
    /// `--secret`: both are set.
    #[error("--secret: both '{name}' and '{file}' are set")]
    TwoSecrets {
        /// The required variable.
        name: String,
        /// `NAME_FILE`
        file: String,
    },
    /// A variable in a value of `--env` or `--default` is missing.
    #[error("--{option} {name}: {error}")]
    Expansion {
        /// `env` or `default`
        option: &'static str,
        /// The variable to set.
        name: String,
        /// The missing variable, and the reference to it.
        error: ExpansionError,
    },
    /// `--require`
    #[error("--require: variable '{name}' is {}", if *.is_set { "empty" } else { "not set" })]
    Required {
        /// The required variable.
        name: String,
        /// Whether it is set, but empty.
        is_set: bool,
    },
}

fn neither(file: &str) -> String {
    format!("not set, and neither is {file}")
}

fn shown(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| format!(", '{}'", path.display()))
}

impl Problem for EnvironmentError {
    fn exit(&self) -> Exit {
        match self {
            EnvironmentError::Read { source, .. } | EnvironmentError::NamedFile { source, .. } => {
                exit_of_io(source)
            }
            EnvironmentError::Line { .. }
            | EnvironmentError::Expansion { .. }
            | EnvironmentError::Required { .. }
            | EnvironmentError::Secret { .. }
            | EnvironmentError::TwoSecrets { .. } => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            EnvironmentError::Line { remedy, .. } => Some(remedy.clone()),
            EnvironmentError::Read { source, .. } | EnvironmentError::NamedFile { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some("it is read as the worker's user".to_string())
            }
            EnvironmentError::Read { source, .. } | EnvironmentError::NamedFile { source, .. } => {
                hint_of_unreadable(source)
            }
            EnvironmentError::Expansion { error, .. } => error.hint(),
            EnvironmentError::Required { name, .. } => Some(format!("set {name} in config.env")),
            EnvironmentError::Secret { file, .. } => {
                Some(format!("set it, or set {file} to the path of a file that holds the value"))
            }
            EnvironmentError::TwoSecrets { .. } => Some("remove one of them".to_string()),
        }
    }
}
