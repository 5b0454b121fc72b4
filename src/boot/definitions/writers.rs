//! Who can write a definition: it never gets more rights than they have.

use nix::sys::stat::FileStat;

use crate::sys::file::kind;

/// Who can write a file, or a directory and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writers {
    /// Root alone.
    Root,
    /// abc too.
    Abc,
    /// Somebody else.
    Others,
}

/// The numbers of abc.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
}

/// Who can write this. A directory in which everybody can make files but nobody can rename another's
/// (/tmp) counts as its owner's.
pub(super) fn writers_of(status: &FileStat, abc: Option<Numbers>) -> Writers {
    let is_sticky = kind(status) == nix::sys::stat::SFlag::S_IFDIR && status.st_mode & 0o1000 != 0;
    let owner = match (status.st_uid, abc) {
        (0, _) => Writers::Root,
        (uid, Some(abc)) if uid == abc.uid => Writers::Abc,
        _ => Writers::Others,
    };
    let group = match (status.st_mode & 0o020 != 0 && !is_sticky, abc) {
        (false, _) => Writers::Root,
        (true, Some(abc)) if status.st_gid == abc.gid || status.st_gid == 0 => Writers::Abc,
        (true, _) => Writers::Others,
    };
    let others = if status.st_mode & 0o002 != 0 && !is_sticky { Writers::Others } else { Writers::Root };
    let sticky = if is_sticky && status.st_mode & 0o022 != 0 { Writers::Abc } else { Writers::Root };
    owner.max(group).max(others).max(sticky)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_trusted_of_owner_group_and_others_counts() {
        let abc = Some(Numbers { uid: 911, gid: 1000 });
        for (mode, uid, gid, expected) in [
            (0o100_755, 0, 0, Writers::Root),
            (0o100_755, 0, 1000, Writers::Root),
            (0o100_755, 911, 1000, Writers::Abc),
            (0o100_775, 0, 1000, Writers::Abc),
            (0o100_775, 911, 0, Writers::Abc),
            (0o100_775, 911, 100, Writers::Others),
            (0o100_757, 0, 0, Writers::Others),
            (0o100_755, 912, 0, Writers::Others),
            (0o041_777, 0, 0, Writers::Abc),
            (0o040_777, 0, 0, Writers::Others),
        ] {
            let mut status = nix::sys::stat::stat("/").expect("a status");
            (status.st_mode, status.st_uid, status.st_gid) = (mode, uid, gid);
            assert_eq!(writers_of(&status, abc), expected, "{mode:o} {uid}:{gid}");
        }
        let mut status = nix::sys::stat::stat("/").expect("a status");
        (status.st_mode, status.st_uid, status.st_gid) = (0o100_644, 911, 0);
        assert_eq!(writers_of(&status, None), Writers::Others);
    }
}
