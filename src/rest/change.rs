//! What a change means for a rest, and which links lead to one.

/// What has changed; the greater counts for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    /// Nothing that counts.
    Nothing,
    /// What another attempt reads again.
    UsersFiles,
    /// What only another start by the supervisor reads again.
    RunFile,
}

/// Whether symbolic links are followed: root follows none that a user can have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// Each link on the way counts, and where it leads.
    Followed,
    /// The first link counts.
    NotFollowed,
}
