//! Who can write a definition: it is never granted more rights than its writers have.

use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, SFlag};

use crate::machine::Host;
use crate::machine::accounts;
use crate::plan::Identity;
use crate::sys::file::kind;

/// Who can write a file, or a directory and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writers {
    /// Only root.
    Root,
    /// Root and abc.
    Abc,
    /// Another user.
    Others(WriteAccess),
}

/// What grants another user write access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WriteAccess {
    /// This user owns it.
    User(u32),
    /// This group can write it.
    Group(u32),
    /// It is world-writable.
    Everyone,
}

/// The ids of abc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AbcIds {
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// The other members of that group.
    pub members: Members,
    /// The other members of root's group.
    pub root_members: Members,
}

/// The members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    /// At most abc and root: the usual private group.
    OnlyAbc,
    /// Other users as well.
    Others,
}

impl Members {
    /// Who can write a group-writable file.
    fn writers(self, gid: u32) -> Writers {
        match self {
            Members::OnlyAbc => Writers::Abc,
            Members::Others => Writers::Others(WriteAccess::Group(gid)),
        }
    }
}

impl AbcIds {
    /// The ids of abc, and the other members of the two groups.
    pub(crate) fn of(identity: &Identity, host: &dyn Host) -> AbcIds {
        let (uid, gid) = (identity.uid.as_raw(), identity.gid.as_raw());
        let (passwd, group) = (host.passwd(), host.group());
        let members = |gid| match (&passwd, &group) {
            (Ok(passwd), Ok(group)) if !accounts::has_others(passwd, group, gid, uid) => Members::OnlyAbc,
            // an unreadable file may list any user
            _ => Members::Others,
        };
        AbcIds { uid, gid, members: members(gid), root_members: members(0) }
    }
}

/// Who evaluates write access.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Judge {
    /// Root, with the ids of abc if that user exists.
    Root(Option<AbcIds>),
    /// A user running their own supervisor, who has no rights to grant.
    User,
}

/// Who can write the parts of a definition seen so far; the least trusted writer decides.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    judge: Judge,
    pub(crate) writers: Writers,
    /// The first path writable by another user.
    others: Option<PathBuf>,
}

impl Provenance {
    pub(crate) fn nothing(judge: Judge) -> Self {
        Provenance { judge, writers: Writers::Root, others: None }
    }

    /// Adds a file or directory.
    pub(crate) fn see(&mut self, path: &Path, status: &FileStat) {
        let Judge::Root(abc) = self.judge else { return };
        let writers = writers_of(status, abc);
        if self.others.is_none() && matches!(writers, Writers::Others(_)) {
            self.others = Some(path.to_path_buf());
            self.writers = writers;
        }
        if self.others.is_none() {
            self.writers = self.writers.max(writers);
        }
    }

    /// The first path writable by a user other than root and abc, and what grants the access.
    pub(crate) fn others(&self) -> Option<(&Path, WriteAccess)> {
        match (&self.others, self.writers) {
            (Some(path), Writers::Others(access)) => Some((path, access)),
            _ => None,
        }
    }
}

/// Who can write a file. A sticky directory (/tmp), in which users can create files but not rename those of other
/// users, counts as writable by its owner only.
fn writers_of(status: &FileStat, abc: Option<AbcIds>) -> Writers {
    let is_sticky = kind(status) == SFlag::S_IFDIR && status.st_mode & 0o1000 != 0;
    let owner = match (status.st_uid, abc) {
        (0, _) => Writers::Root,
        (uid, Some(abc)) if uid == abc.uid => Writers::Abc,
        (uid, _) => return Writers::Others(WriteAccess::User(uid)),
    };
    let group = match (status.st_mode & 0o020 != 0 && !is_sticky, abc) {
        (false, _) => Writers::Root,
        (true, Some(abc)) if status.st_gid == abc.gid => abc.members.writers(abc.gid),
        (true, Some(abc)) if status.st_gid == 0 => abc.root_members.writers(0),
        (true, _) => return Writers::Others(WriteAccess::Group(status.st_gid)),
    };
    if status.st_mode & 0o002 != 0 && !is_sticky {
        return Writers::Others(WriteAccess::Everyone);
    }
    let sticky = if is_sticky && status.st_mode & 0o022 != 0 { Writers::Abc } else { Writers::Root };
    owner.max(group).max(sticky)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_trusted_of_owner_group_and_others_counts() {
        let numbers =
            AbcIds { uid: 911, gid: 1000, members: Members::OnlyAbc, root_members: Members::OnlyAbc };
        let abc = Some(numbers);
        for (mode, uid, gid, expected) in [
            (0o100_755, 0, 0, Writers::Root),
            (0o100_755, 0, 1000, Writers::Root),
            (0o100_755, 911, 1000, Writers::Abc),
            (0o100_775, 0, 1000, Writers::Abc),
            (0o100_775, 911, 0, Writers::Abc),
            (0o100_775, 911, 100, Writers::Others(WriteAccess::Group(100))),
            (0o100_757, 0, 0, Writers::Others(WriteAccess::Everyone)),
            (0o100_755, 912, 0, Writers::Others(WriteAccess::User(912))),
            (0o041_777, 0, 0, Writers::Abc),
            (0o040_777, 0, 0, Writers::Others(WriteAccess::Everyone)),
        ] {
            let mut status = nix::sys::stat::stat("/").expect("a status");
            (status.st_mode, status.st_uid, status.st_gid) = (mode, uid, gid);
            assert_eq!(writers_of(&status, abc), expected, "{mode:o} {uid}:{gid}");
        }
        let shared = Some(AbcIds { members: Members::Others, root_members: Members::Others, ..numbers });
        for (mode, uid, gid, expected) in [
            (0o100_775, 911, 1000, Writers::Others(WriteAccess::Group(1000))),
            (0o100_755, 911, 1000, Writers::Abc),
            (0o100_775, 0, 0, Writers::Others(WriteAccess::Group(0))),
            (0o100_755, 0, 0, Writers::Root),
        ] {
            let mut status = nix::sys::stat::stat("/").expect("a status");
            (status.st_mode, status.st_uid, status.st_gid) = (mode, uid, gid);
            assert_eq!(writers_of(&status, shared), expected, "{mode:o} {uid}:{gid} shared");
        }
        let mut status = nix::sys::stat::stat("/").expect("a status");
        (status.st_mode, status.st_uid, status.st_gid) = (0o100_644, 911, 0);
        assert_eq!(writers_of(&status, None), Writers::Others(WriteAccess::User(911)));
    }
}
