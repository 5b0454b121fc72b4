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

/// An error in a directory of definitions, or in a definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The directory of definitions cannot be opened.
    #[error("unable to open the directory of definitions: {0}")]
    Source(PathError),
    /// It cannot be listed.
    #[error(transparent)]
    List(StepError),
    /// A link to the definition was replaced by a service directory.
    #[error("was a link to a definition that root executed unchecked: {}", outcome(*.0))]
    ReplacedLink(Legacy),
    /// A definition cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// The definition.
        path: String,
        /// Why.
        reason: String,
    },
    /// It is writable by a user other than root and abc.
    #[error(transparent)]
    Others(#[from] WritableByOthers),
    /// There is no user to run it as.
    #[error("'{}' is not owned by root, and there is no user '{DEFAULT_USER}'", .0.display())]
    NoUser(PathBuf),
    /// The quota of user-writable definitions is exceeded.
    #[error("{}", quota_exceeded(*.0))]
    QuotaExceeded(QuotaExceeded),
    /// It took too long to read.
    #[error("reading it took more than {} ms of CPU time", .0.as_millis())]
    TooSlow(Duration),
    /// The definitions before it took too long to read.
    #[error("not read: the definitions before it used up {} s of CPU time", .0.as_secs())]
    NoTimeLeft(Duration),
    /// It was published, but no longer has a `run`.
    #[error("'{}' no longer contains run: its service is kept", .0.display())]
    NoRun(PathBuf),
    /// s6-svscan starts or stops a logger only when it picks up the service.
    #[error("the change to its logger takes effect when its supervisor restarts")]
    LoggerWaits,
    /// The name is not a valid service name.
    #[error("its name {0}")]
    Name(InvalidName),
    /// Another definition has the same name.
    #[error("'{}' is ignored: '{}' has the same name and takes precedence", ignored.display(), preferred.display())]
    Shadowed {
        /// This one.
        ignored: PathBuf,
        /// The one that takes precedence.
        preferred: PathBuf,
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
            DefinitionsError::ReplacedLink(_) => {
                Some("remove the init hook that creates these links".to_string())
            }
            DefinitionsError::NoRun(_) => Some("remove the directory to have the service pruned".to_string()),
            _ => None,
        }
    }
}

fn quota_exceeded(full: QuotaExceeded) -> String {
    match full {
        QuotaExceeded::Services(most) => {
            format!("the definitions writable by non-root users exceed the limit of {most}")
        }
        QuotaExceeded::Bytes(most) => {
            format!("the definitions writable by non-root users exceed the limit of {most} bytes")
        }
    }
}

fn outcome(legacy: Legacy) -> &'static str {
    match legacy {
        Legacy::Idle => "replaced",
        Legacy::Supervised => "replaced, and the service restarted",
    }
}
