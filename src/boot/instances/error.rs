//! Errors in instances.

use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;

use super::system::System;
use crate::boot::quota::QuotaExceeded;
use crate::error::{Problem, reason};
use crate::exit::Exit;
use crate::service::InvalidName;
use crate::service::control::ControlError;
use crate::sys::nofollow::PathError;

/// An error in a system of instances, or in an instance.
#[derive(Debug, thiserror::Error)]
pub enum InstancesError {
    /// The file of `--config` lacks a key.
    #[error("{}: {key} is missing", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// The home cannot be opened.
    #[error("unable to open the home of the instances: {error}")]
    Home {
        /// The path that cannot be opened.
        error: PathError,
        /// The variable that names the home.
        variable: Option<String>,
    },
    /// The directory of an instance, or the one above, cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// Relative to the home.
        path: String,
        /// Why.
        reason: String,
    },
    /// A directory that would be an instance, but for its name.
    #[error("'{path}' is skipped: its name does not match [a-z0-9][a-z0-9_-]*")]
    NoInstance {
        /// Relative to the home.
        path: String,
    },
    /// The configuration names an instance that does not exist.
    #[error("policies: there is no instance '{0}'")]
    PolicyOfNone(String),
    /// The name is not a valid instance name.
    #[error("its name does not match [a-z0-9][a-z0-9_-]*")]
    Name,
    /// The name of its service is not valid.
    #[error("the name of its service {0}")]
    ServiceName(InvalidName),
    /// Its name is reserved for the root instance.
    #[error("'{path}' is skipped: the name '{name}' is reserved for the home itself")]
    Reserved {
        /// Relative to the home.
        path: String,
        /// The name.
        name: String,
    },
    /// A service directory of another tool has its name, and is running.
    #[error("it still runs from its previous service directory, which is replaced once the service stops")]
    Predecessor,
    /// The command for its changed desired state could not be sent.
    #[error("its desired state has changed, but its supervisor cannot be notified: {0}")]
    Order(ControlError),
    /// A missing state file cannot be created.
    #[error("unable to write '{file}': {}", reason(*errno))]
    Seed {
        /// In the instance's directory.
        file: String,
        /// Why.
        errno: Errno,
    },
    /// The quota is exceeded.
    #[error("{}", match .0 {
        QuotaExceeded::Services(most) => format!("there are more than {most} instances"),
        QuotaExceeded::Bytes(most) => format!("the services of the instances exceed {most} bytes"),
    })]
    QuotaExceeded(QuotaExceeded),
    /// There are too many instances.
    #[error("there are more than {most} instances: {count} are not published, starting with '{first}'")]
    LeftOut {
        /// The limit.
        most: usize,
        /// The number of instances that are not published.
        count: usize,
        /// The first of them, by name.
        first: String,
    },
    /// They took too long to read.
    #[error(
        "the instances before '{name}' used up {} s of CPU time: the rest was not read", most.as_secs()
    )]
    NoTimeLeft {
        /// The time limit.
        most: Duration,
        /// The first that was not read.
        name: String,
    },
    /// A stale file cannot be removed.
    #[error("unable to remove '{file}': {}", reason(*errno))]
    Stale {
        /// In the instance's directory.
        file: String,
        /// Why.
        errno: Errno,
    },
}

impl InstancesError {
    /// The error for a home that cannot be opened.
    pub(super) fn home(system: &System, error: PathError) -> Self {
        InstancesError::Home { error, variable: system.home_variable.clone() }
    }
}

impl Problem for InstancesError {
    fn exit(&self) -> Exit {
        match self {
            InstancesError::Stale { .. }
            | InstancesError::Directory { .. }
            | InstancesError::Seed { .. }
            | InstancesError::Order(_) => Exit::SYSTEM,
            InstancesError::Home { .. } => Exit::NOTHING_DONE,
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            InstancesError::Home { variable: Some(name), .. } => {
                Some(format!("set {name} or use --home DIR to select another directory"))
            }
            InstancesError::Home { .. } => Some("use --home DIR to select another directory".to_string()),
            InstancesError::Seed { .. } => Some("the service is started anyway".to_string()),
            InstancesError::Predecessor => {
                Some("stop it, then run this command again (not needed with --watch)".to_string())
            }
            InstancesError::Name | InstancesError::NoInstance { .. } => {
                Some("rename its directory".to_string())
            }
            InstancesError::Reserved { .. } => Some("rename the directory".to_string()),
            _ => None,
        }
    }
}
