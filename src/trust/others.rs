//! The error for a path writable by a user other than root and abc.

use std::path::{Path, PathBuf};

use super::writers::{AbcIds, WriteAccess};
use crate::config::DEFAULT_USER;
use crate::error::Problem;
use crate::exit::Exit;
use crate::shell_quote::shell_word;
use crate::sys::capability;

/// A user other than root and abc can write it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("'{}' {}", path.display(), in_words(*access, *abc))]
pub struct WritableByOthers {
    /// The writable path.
    pub(crate) path: PathBuf,
    /// What grants the access.
    pub(crate) access: WriteAccess,
    /// The ids of abc.
    pub(crate) abc: AbcIds,
    /// The directory of definitions, or the definition.
    pub(crate) place: PathBuf,
}

impl Problem for WritableByOthers {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        Some(remedy(&self.path, self.access, &self.place))
    }
}

/// What grants the access, for a message.
fn in_words(access: WriteAccess, abc: AbcIds) -> String {
    match access {
        WriteAccess::User(uid) => {
            format!("is owned by uid {uid}, not by root or {DEFAULT_USER} (uid {})", abc.uid)
        }
        WriteAccess::Group(gid) if gid == abc.gid || gid == 0 => {
            format!("is writable by group {gid}, which has members other than root and {DEFAULT_USER}")
        }
        WriteAccess::Group(gid) => {
            format!("is writable by group {gid}, which is not {DEFAULT_USER}'s group ({})", abc.gid)
        }
        WriteAccess::Everyone => "is world-writable".to_string(),
    }
}

/// A command that revokes write access, or changes the owner of one user's files to abc. It never affects root-owned
/// files, and follows no links.
fn remedy(path: &Path, access: WriteAccess, source: &Path) -> String {
    let quoted = |path: &Path| shell_word(&path.to_string_lossy());
    match access {
        WriteAccess::User(uid) if capability::is_unmapped(uid) => {
            "its owner is not mapped in this user namespace".to_string()
        }
        WriteAccess::User(uid) => {
            let whole = if path.starts_with(source) { source } else { path };
            format!(
                "if {DEFAULT_USER} previously had this uid (PUID): chown -hR --from={uid} {DEFAULT_USER}: {}",
                quoted(whole)
            )
        }
        WriteAccess::Group(_) => format!("chmod g-w {}", quoted(path)),
        WriteAccess::Everyone => format!("chmod o-w {}", quoted(path)),
    }
}
