//! What can be wrong with definitions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;

use super::writers::{Hand, Numbers};
use crate::boot::directory::StepError;
use crate::boot::room::Full;
use crate::boot::scan::Legacy;

use crate::error::Problem;
use crate::exit::Exit;
use crate::plan::DEFAULT_USER;
use crate::report::shell_word;
use crate::service::InvalidName;
use crate::sys::capability;
use crate::sys::nofollow::PathError;

/// What can be wrong with a directory of definitions, or with one of them.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The source cannot be opened.
    #[error("unable to open the directory of definitions: {0}")]
    Source(PathError),
    /// It cannot be listed.
    #[error(transparent)]
    List(StepError),
    /// It was a link to the definition, and is a service directory now.
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
    /// Somebody else than root and abc can write it.
    #[error("'{}' {}", path.display(), in_words(*hand, *abc))]
    Others {
        /// What they can write.
        path: PathBuf,
        /// Why.
        hand: Hand,
        /// The numbers of abc.
        abc: Numbers,
        /// The directory of definitions.
        source_path: PathBuf,
    },
    /// There is nobody to run it as.
    #[error("'{}' is not owned by root, and there is no user '{DEFAULT_USER}'", .0.display())]
    NoUser(PathBuf),
    /// There is no more room for those who are not root.
    #[error("{}", no_room(*.0))]
    NoRoom(Full),
    /// Reading it took too long.
    #[error("reading it took more than {} ms of processor time", .0.as_millis())]
    TooSlow(Duration),
    /// Reading those before it took too long.
    #[error("it was not read: those before it took {} s of processor time", .0.as_secs())]
    NoTimeLeft(Duration),
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

impl DefinitionsError {
    /// Whether there is no such directory.
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
            DefinitionsError::Others { path, hand, source_path, .. } => {
                Some(remedy(path, *hand, source_path))
            }
            DefinitionsError::TookOver(_) => {
                Some("take out the init hook that makes these links".to_string())
            }
            DefinitionsError::NoRun(_) => Some("remove the directory to have it pruned".to_string()),
            _ => None,
        }
    }
}

/// What lets somebody else write.
fn in_words(hand: Hand, abc: Numbers) -> String {
    match hand {
        Hand::User(uid) => format!("belongs to uid {uid}, and {DEFAULT_USER} is uid {}", abc.uid),
        Hand::Group(gid) if gid == abc.gid || gid == 0 => {
            format!("is writable by group {gid}, in which others than root and {DEFAULT_USER} are")
        }
        Hand::Group(gid) => {
            format!("is writable by group {gid}, and {DEFAULT_USER}'s group is {}", abc.gid)
        }
        Hand::Everybody => "is writable by everybody".to_string(),
    }
}

fn no_room(full: Full) -> String {
    match full {
        Full::Services(most) => {
            format!("there are more than {most} definitions that others than root can write")
        }
        Full::Bytes(most) => {
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

/// Takes rights away, or gives those of one user to abc: never what belongs to root, and through no link.
fn remedy(path: &Path, hand: Hand, source: &Path) -> String {
    let quoted = |path: &Path| shell_word(&path.to_string_lossy());
    match hand {
        Hand::User(uid) if capability::is_unmapped(uid) => {
            "its owner is not mapped in this user namespace".to_string()
        }
        Hand::User(uid) => {
            let whole = if path.starts_with(source) { source } else { path };
            format!(
                "if {DEFAULT_USER} had this uid before (PUID): chown -hR --from={uid} {DEFAULT_USER}: {}",
                quoted(whole)
            )
        }
        Hand::Group(_) => format!("chmod g-w {}", quoted(path)),
        Hand::Everybody => format!("chmod o-w {}", quoted(path)),
    }
}
