//! Errors in the files of a definition.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::error::{Problem, reason_of};
use crate::exit::Exit;
use crate::service::layout;
use crate::service::run_script::NotLauncherScript;
use crate::shell_quote::shell_word;

/// An error in a file of a definition.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read { path: PathBuf, source: std::io::Error },
    /// Its content is invalid.
    #[error("{}: {what}", path.display())]
    Content { path: PathBuf, what: &'static str },
    /// It is not a command of the launcher.
    #[error("'{}' is not a futo-launch script: {why}", path.display())]
    NotLauncherScript { path: PathBuf, why: NotLauncherScript },
    /// `--trust-run` makes root execute a user-writable script.
    #[error("root executes '{}', which is writable by non-root users: they can become root", .0.display())]
    Trusted(PathBuf),
    /// It has Windows line endings.
    #[error("{}: CR LF line endings are read as LF", .0.display())]
    Crlf(PathBuf),
    /// `--trust-run` publishes a script that is not executable.
    #[error("'{}' is not executable", .0.display())]
    NotExecutable(PathBuf),
}

impl Problem for FileError {
    fn exit(&self) -> Exit {
        match self {
            FileError::Read { .. } => Exit::SYSTEM,
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            FileError::NotLauncherScript { path, .. } => {
                let is_finish = path.file_name() == Some(OsStr::new(layout::FINISH));
                let or_remove = if is_finish { "remove it, or " } else { "" };
                Some(format!(
                    "{or_remove}rewrite {} as one line, exec futo-launch …; --trust-run publishes it unchanged, and \
                     anyone who can write it can become root",
                    shell_word(&path.to_string_lossy())
                ))
            }
            FileError::Trusted(_) => {
                Some("rewrite it as one line, exec futo-launch …, and drop --trust-run".to_string())
            }
            FileError::NotExecutable(path) => {
                Some(format!("chmod +x {}", shell_word(&path.to_string_lossy())))
            }
            FileError::Crlf(path) => {
                Some(format!("sed -i 's/\\r$//' {}", shell_word(&path.to_string_lossy())))
            }
            _ => None,
        }
    }
}
