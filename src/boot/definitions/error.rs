//! What can be wrong with definitions.

use std::path::PathBuf;

use crate::error::Problem;
use crate::exit::Exit;
use crate::plan::DEFAULT_USER;
use crate::service::InvalidName;
use crate::sys::nofollow::PathError;

/// What can be wrong with a directory of definitions, or with one of them.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The source cannot be opened.
    #[error("unable to open the directory of definitions: {0}")]
    Source(PathError),
    /// A definition cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// The definition.
        path: String,
        /// Why.
        reason: String,
    },
    /// Somebody else than root and abc has a hand in it.
    #[error("others than root and {DEFAULT_USER} can write '{}'", .0.display())]
    Others(PathBuf),
    /// There is nobody to run it as.
    #[error("it is not root's, and there is no user '{DEFAULT_USER}'")]
    NoUser,
    /// There is no more room for those who are not root.
    #[error("there are more than {0} definitions that others than root can write")]
    TooMany(usize),
    /// The same.
    #[error("the definitions that others than root can write have more than {0} bytes")]
    TooLarge(usize),
    /// It was published, and its `run` is gone.
    #[error("'{}' has no run any more: what was published of it stays", .0.display())]
    NoRun(PathBuf),
    /// s6-svscan looks for a logger when it takes a service up.
    #[error("its logger comes or goes when the supervisor of the service is started again")]
    LoggerWaits,
    /// A name that no service can have.
    #[error("its name {0}")]
    Name(InvalidName),
    /// Another definition has the name.
    #[error("'{}' is passed over: '{}' has the same name", passed.display(), counts.display())]
    Shadowed {
        /// This one.
        passed: PathBuf,
        /// The one that counts.
        counts: PathBuf,
    },
}

impl Problem for DefinitionsError {
    fn exit(&self) -> Exit {
        match self {
            DefinitionsError::Source(_) | DefinitionsError::Directory { .. } => Exit::SYSTEM,
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            DefinitionsError::Others(path) => {
                Some(format!("chown {DEFAULT_USER} {0}; chmod o-w {0}", path.display()))
            }
            DefinitionsError::NoRun(_) => Some("remove the directory to have it pruned".to_string()),
            _ => None,
        }
    }
}
