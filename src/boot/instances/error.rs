//! What can be wrong with instances.

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

/// What can be wrong with instances.
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
    /// The volume cannot be reached.
    #[error("unable to open the home of the instances: {error}")]
    Home {
        /// Where the way ends.
        error: PathError,
        /// The variable that names the home.
        variable: Option<String>,
    },
    /// An instance's directory, or the directory that holds them, cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// Below the home.
        path: String,
        /// Why.
        reason: String,
    },
    /// A directory that nothing but its name tells from an instance.
    #[error("'{path}' is skipped: its name is not of the form [a-z0-9][a-z0-9_-]*")]
    NoInstance {
        /// Below the home.
        path: String,
    },
    /// The configuration names somebody who is not there.
    #[error("policies: there is no instance '{0}'")]
    PolicyOfNone(String),
    /// A name that is not of the form of names.
    #[error("its name is not of the form [a-z0-9][a-z0-9_-]*")]
    Name,
    /// A name whose service cannot have one.
    #[error("the name of its service {0}")]
    ServiceName(InvalidName),
    /// It would take the name of the one that is always there.
    #[error("'{path}' is skipped: the name '{name}' stands for the home itself")]
    Reserved {
        /// Below the home.
        path: String,
        /// The name.
        name: String,
    },
    /// Its service directory is that of an earlier maker, and runs.
    #[error("it runs in the service directory that was there before, which is replaced when it has stopped")]
    Predecessor,
    /// An order that its changed state asks for.
    #[error("its desired state has changed, and its supervisor cannot be notified: {0}")]
    Order(ControlError),
    /// A state file that is missing cannot be made.
    #[error("unable to write '{file}': {}", reason(*errno))]
    Seed {
        /// In the instance's directory.
        file: String,
        /// Why.
        errno: Errno,
    },
    /// There is no more room.
    #[error("{}", match .0 {
        QuotaExceeded::Services(most) => format!("there are more than {most} instances"),
        QuotaExceeded::Bytes(most) => format!("the services of the instances have more than {most} bytes"),
    })]
    NoRoom(QuotaExceeded),
    /// There is no room for all.
    #[error("there are more than {most} instances: {count} are left out, the first of them '{first}'")]
    LeftOut {
        /// So many are published.
        most: usize,
        /// The others.
        count: usize,
        /// By name.
        first: String,
    },
    /// Reading them took too long.
    #[error(
        "those before '{name}' took {} s of processor time: the rest was not read", most.as_secs()
    )]
    NoTimeLeft {
        /// So much may be taken.
        most: Duration,
        /// The first that was not read.
        name: String,
    },
    /// A file that means nothing any more.
    #[error("unable to remove '{file}': {}", reason(*errno))]
    Stale {
        /// In the instance's directory.
        file: String,
        /// Why.
        errno: Errno,
    },
}

impl InstancesError {
    /// The home of this system cannot be opened.
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
                Some(format!("{name} or --home DIR names another one"))
            }
            InstancesError::Home { .. } => Some("--home DIR names another one".to_string()),
            InstancesError::Seed { .. } => Some("the service is started all the same".to_string()),
            InstancesError::Predecessor => {
                Some("stop it, and run this again; with --watch the stop alone does it".to_string())
            }
            InstancesError::Name | InstancesError::NoInstance { .. } => {
                Some("rename its directory".to_string())
            }
            InstancesError::Reserved { .. } => Some("rename the directory".to_string()),
            _ => None,
        }
    }
}
