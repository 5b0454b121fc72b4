//! One service directory in the scan directory: examined, published and updated, always by a single rename.
//!
//! A new one is created under a dot name, which s6-svscan ignores, and renamed; its files are plain files. An update of
//! a live one has to replace several files at once. Therefore, before the first update, each name becomes a link into
//! `.cur`, which itself is a link to a generation with the same files. An update writes a new generation and renames a
//! new `.cur` over the old one. s6 treats a dangling link (a file missing from this generation) as an absent file.

pub(super) mod compare;
mod leftovers;
pub mod marker;
pub(super) mod publish;
pub(super) mod update;

use std::ffi::OsStr;

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::directory::{Directory, StepError};
use crate::error::Problem;
use crate::exit::Exit;
use crate::sys::capability::{self, Capability};
use marker::{MARKER, MAX_MARKER, Marker};

/// The change to a service directory, actual or in a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryChange {
    /// It is new.
    Published,
    /// Its files were replaced.
    Updated,
    /// It matched its manifest.
    Unchanged,
    /// It was removed.
    Pruned,
}

/// Why a service directory does not match its manifest.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// An operation failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The name is taken by something else.
    #[error("'{name}' already exists in the scan directory and {what}")]
    Foreign {
        /// The name.
        name: String,
        /// What it is, for the message.
        what: String,
    },
    /// Its predecessor was removed, but the supervisor of that has not exited.
    #[error("'{name}' was removed, but its supervisor has not exited yet")]
    StillSupervised {
        /// The name.
        name: String,
    },
    /// A member of the group that may control it holds the supervisor's lock.
    #[error(
        "'{name}' is published, but its supervisor cannot start: a process of another user holds its lock"
    )]
    LockedByOtherUser {
        /// The name.
        name: String,
        /// The pid, if it is visible.
        pid: Option<i32>,
    },
    /// s6-svscan was notified but has not picked it up.
    #[error("'{name}' is published, but s6-svscan has not picked it up")]
    NotPickedUp {
        /// The name.
        name: String,
    },
}

impl Problem for PublishError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        match self {
            PublishError::Foreign { name, .. } => Some(format!(
                "stop it if it is running, and remove it from the scan directory: {name}"
            )),
            PublishError::StillSupervised { .. } if !capability::has(Capability::Kill) => Some(
                "root lacks the capability KILL and cannot stop processes of other users: docker run --cap-add KILL"
                    .to_string(),
            ),
            PublishError::StillSupervised { .. } => Some("the next run completes the change".to_string()),
            PublishError::LockedByOtherUser { pid, .. } => {
                pid.map(|pid| format!("kill {pid}, which holds supervise/lock in the service directory"))
            }
            PublishError::Step(_) => None,
            PublishError::NotPickedUp { .. } => {
                Some("see the log of s6-svscan; its limit of services is option -C (-c before s6 2.12)".to_string())
            }
        }
    }
}

impl PublishError {
    /// Whether it resolves by itself.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            PublishError::StillSupervised { .. }
                | PublishError::LockedByOtherUser { .. }
                | PublishError::NotPickedUp { .. }
        )
    }
}

/// The file with a name in the scan directory.
pub(super) enum Occupant {
    /// Nothing.
    Absent,
    /// A service directory of this maker.
    Ours(Directory, Box<Marker>),
    /// Something else.
    Foreign(String),
}

/// Examines a name; `maker` is the first line of our marker.
pub(super) fn inspect(scan: &Directory, name: &str, maker: &str) -> Result<Occupant, StepError> {
    let directory = match scan.try_open(OsStr::new(name)) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(Occupant::Absent),
        Err(Errno::ELOOP) => return Ok(Occupant::Foreign("is a symbolic link".to_string())),
        Err(Errno::ENOTDIR) => match scan.target(name) {
            Some(target) => {
                return Ok(Occupant::Foreign(format!(
                    "is a symbolic link to '{}'",
                    target.to_string_lossy()
                )));
            }
            None => return Ok(Occupant::Foreign("is not a directory".to_string())),
        },
        Err(errno) => return Err(scan.refused_to("open directory", name, errno)),
    };
    // a user who can write there could have copied a marker
    let owner = directory.own_status()?.st_uid;
    if owner != geteuid().as_raw() {
        return Ok(Occupant::Foreign(format!("is owned by uid {owner}")));
    }
    match directory.read(MARKER, MAX_MARKER)? {
        Some((status, text)) => match Marker::read(status, &String::from_utf8_lossy(&text), maker) {
            Some(marker) => Ok(Occupant::Ours(directory, Box::new(marker))),
            None => Ok(Occupant::Foreign("was created by another command or for another user".to_string())),
        },
        None => Ok(Occupant::Foreign("was not created by futo".to_string())),
    }
}
