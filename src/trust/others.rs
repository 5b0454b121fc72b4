//! What somebody else than root and abc can write: nothing is done with it.

use std::path::{Path, PathBuf};

use super::writers::{Hand, Numbers};
use crate::config::DEFAULT_USER;
use crate::error::Problem;
use crate::exit::Exit;
use crate::shell_quote::shell_word;
use crate::sys::capability;

/// Somebody else than root and abc can write it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("'{}' {}", path.display(), in_words(*hand, *abc))]
pub struct Others {
    /// What they can write.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) hand: Hand,
    /// The numbers of abc.
    pub(crate) abc: Numbers,
    /// The directory of definitions, or the definition.
    pub(crate) place: PathBuf,
}

impl Problem for Others {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        Some(remedy(&self.path, self.hand, &self.place))
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
