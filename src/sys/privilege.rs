//! Whether a process is root: it decides which links are followed, and what may be executed.

use nix::unistd::{Uid, geteuid};

/// The rights of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root's. A link is followed only where root alone can have made it.
    Root,
    /// Those of another user, who reaches no further than their own rights.
    User,
}

impl Privilege {
    /// Those of this user.
    pub fn of(uid: Uid) -> Self {
        if uid.is_root() { Privilege::Root } else { Privilege::User }
    }

    /// Those of this process now. They change while it acts as another user.
    pub fn current() -> Self {
        Privilege::of(geteuid())
    }

    /// Whether they are root's.
    pub fn is_root(self) -> bool {
        self == Privilege::Root
    }
}
