//! What somebody else than root and abc can write: nothing is done with it.

use std::path::{Path, PathBuf};

use super::writers::{AbcIds, WriteAccess};
use crate::config::DEFAULT_USER;
use crate::error::Problem;
use crate::exit::Exit;
use crate::shell_quote::shell_word;
use crate::sys::capability;

/// Somebody else than root and abc can write it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("'{}' {}", path.display(), in_words(*access, *abc))]
pub struct WritableByOthers {
    /// What they can write.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) access: WriteAccess,
    /// The numbers of abc.
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

/// What lets somebody else write.
fn in_words(access: WriteAccess, abc: AbcIds) -> String {
    match access {
        WriteAccess::User(uid) => format!("belongs to uid {uid}, and {DEFAULT_USER} is uid {}", abc.uid),
        WriteAccess::Group(gid) if gid == abc.gid || gid == 0 => {
            format!("is writable by group {gid}, in which others than root and {DEFAULT_USER} are")
        }
        WriteAccess::Group(gid) => {
            format!("is writable by group {gid}, and {DEFAULT_USER}'s group is {}", abc.gid)
        }
        WriteAccess::Everybody => "is writable by everybody".to_string(),
    }
}

/// Takes rights away, or gives those of one user to abc: never what belongs to root, and through no link.
fn remedy(path: &Path, access: WriteAccess, source: &Path) -> String {
    let quoted = |path: &Path| shell_word(&path.to_string_lossy());
    match access {
        WriteAccess::User(uid) if capability::is_unmapped(uid) => {
            "its owner is not mapped in this user namespace".to_string()
        }
        WriteAccess::User(uid) => {
            let whole = if path.starts_with(source) { source } else { path };
            format!(
                "if {DEFAULT_USER} had this uid before (PUID): chown -hR --from={uid} {DEFAULT_USER}: {}",
                quoted(whole)
            )
        }
        WriteAccess::Group(_) => format!("chmod g-w {}", quoted(path)),
        WriteAccess::Everybody => format!("chmod o-w {}", quoted(path)),
    }
}
