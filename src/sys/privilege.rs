//! Whether a process is root, which determines which links are followed and what may be executed.

use nix::unistd::{Uid, geteuid};

/// The privilege of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root. A link is followed only if only root can have created it.
    Root,
    /// Another user, limited by their own permissions.
    User,
}

impl Privilege {
    /// The privilege of this user.
    pub fn of(uid: Uid) -> Self {
        if uid.is_root() { Privilege::Root } else { Privilege::User }
    }

    /// The current privilege of this process. It changes while acting as another user.
    pub fn current() -> Self {
        Privilege::of(geteuid())
    }

    /// Whether this is root.
    pub fn is_root(self) -> bool {
        self == Privilege::Root
    }
}
