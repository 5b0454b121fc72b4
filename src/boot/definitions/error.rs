//! Errors in definitions.

use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;

use crate::boot::directory::StepError;
use crate::boot::quota::QuotaExceeded;
use crate::boot::scan::legacy::Legacy;
use crate::trust::WritableByOthers;

use crate::config::DEFAULT_USER;
use crate::error::Problem;
use crate::exit::Exit;
use crate::service::InvalidName;
use crate::sys::nofollow::PathError;

/// What can be wrong with a directory of definitions, or with a definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The directory of definitions cannot be opened.
    #[error("unable to open the directory of definitions: {0}")]
    Source(PathError),
    /// It cannot be listed.
    #[error(transparent)]
    List(StepError),
    /// It was a link to the definition, and is now a service directory.
    #[error("was a link to the definition, which root executes as it is: {}", in_time(*.0))]
    TookOver(Legacy),
    /// A definition cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// The definition.
        path: String,
        /// Why.
        reason: String,
    },
    /// It is writable by somebody other than root and abc.
    #[error(transparent)]
    Others(#[from] WritableByOthers),
    /// There is no user to run it as.
    #[error("'{}' is not owned by root, and there is no user '{DEFAULT_USER}'", .0.display())]
    NoUser(PathBuf),
    /// The quota of services that users may publish is used up.
    #[error("{}", no_room(*.0))]
    NoRoom(QuotaExceeded),
    /// Reading it took too long.
    #[error("reading it took more than {} ms of processor time", .0.as_millis())]
    TooSlow(Duration),
    /// Reading the definitions before it took too long.
    #[error("it was not read: those before it took {} s of processor time", .0.as_secs())]
    NoTimeLeft(Duration),
    /// It was published, and its `run` is gone.
    #[error("'{}' has no run any more: what was published of it stays", .0.display())]
    NoRun(PathBuf),
    /// s6-svscan only starts or stops a logger when it picks the service up.
    #[error("its logger comes or goes when the supervisor of the service is started again")]
    LoggerWaits,
    /// The name is not a valid service name.
    #[error("its name {0}")]
    Name(InvalidName),
    /// Another definition has the same name.
    #[error("'{}' is passed over: '{}' has the same name", passed.display(), counts.display())]
    Shadowed {
        /// This one.
        passed: PathBuf,
        /// The one that takes precedence.
        counts: PathBuf,
    },
}

impl DefinitionsError {
    /// Whether the directory does not exist.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, DefinitionsError::Source(PathError::Refused(_, Errno::ENOENT)))
    }
}

impl Problem for DefinitionsError {
    fn exit(&self) -> Exit {
        match self {
            DefinitionsError::Source(_) | DefinitionsError::Directory { .. } | DefinitionsError::List(_) => {
                Exit::SYSTEM
            }
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            DefinitionsError::Others(others) => others.hint(),
            DefinitionsError::TookOver(_) => {
                Some("take out the init hook that makes these links".to_string())
            }
            DefinitionsError::NoRun(_) => Some("remove the directory to have it pruned".to_string()),
            _ => None,
        }
    }
}

fn no_room(full: QuotaExceeded) -> String {
    match full {
        QuotaExceeded::Services(most) => {
            format!("there are more than {most} definitions that others than root can write")
        }
        QuotaExceeded::Bytes(most) => {
            format!("the definitions that others than root can write have more than {most} bytes")
        }
    }
}

fn in_time(legacy: Legacy) -> &'static str {
    match legacy {
        Legacy::Idle => "replaced",
        Legacy::Supervised => "replaced, and its service restarted",
    }
}
