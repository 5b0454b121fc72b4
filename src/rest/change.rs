//! What a change means for a rest, and whether links are followed to detect it.

/// What has changed; the greater value takes precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    /// Nothing relevant.
    Nothing,
    /// Files that another attempt reads again.
    UsersFiles,
    /// Files that are read again only after a restart by the supervisor.
    RunFile,
}

/// Whether symbolic links are followed: root follows none that a user could have created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// Every link on the way counts, and its target.
    Followed,
    /// Only the first link counts.
    NotFollowed,
}
