//! Moves a definition aside, to a dot name beside it, and deletes what was moved aside before.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, open, openat, renameat2};
use nix::sys::stat::{Mode, SFlag};

use crate::boot::directory::Directory;
use crate::error::{Finding, reason};
use crate::exit::Exit;
use crate::machine::{Host, Machine};
use crate::service::ServiceName;
use crate::sys::clock;
use crate::sys::nofollow::{self, Missing};
use crate::trust::account::Account;

/// What was moved aside is deleted after this time, by a later `futo rm`.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// With more names than this in a directory of definitions, none of the old ones is deleted.
const MAX_NAMES: usize = 10_000;
/// Between the name of the service and the time.
const REMOVED: &str = ".removed-";

/// A definition that was moved aside.
#[derive(Debug)]
pub(super) struct PutAside {
    /// Where it is now.
    pub(super) path: PathBuf,
    /// What could not be deleted.
    pub(super) troubles: Vec<Finding>,
}

/// Moves a definition aside, with the ids of the owner of the directory that it is in.
pub(super) fn put_aside(definition: &Path) -> Result<PutAside, Finding> {
    let unable = |why: String| {
        let text = format!("unable to move '{}' aside: {why}", definition.display());
        Finding { exit: Exit::SYSTEM, text, hint: None }
    };
    let (Some(above), Some(name)) = (definition.parent(), definition.file_name()) else {
        return Err(unable("it has no directory above".to_string()));
    };
    let above = open_above(above).map_err(&unable)?;
    let status = above.own_status().map_err(|error| unable(error.to_string()))?;
    // in a user-owned directory root does only what that user may do
    let moved = Account::owner(&status).act(|| move_in(above, name));
    moved.map_err(|error| unable(error.to_string()))?.map_err(|errno| unable(reason(errno)))
}

fn open_above(path: &Path) -> Result<Directory, String> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = if Machine.is_root() {
        let found = nofollow::open_directory(path, Missing::Refuse).map_err(|error| error.to_string())?;
        openat(&found, ".", flags, Mode::empty())
    } else {
        open(path, flags, Mode::empty())
    };
    Ok(Directory { fd: fd.map_err(reason)?, shown: path.to_path_buf() })
}

fn move_in(above: Directory, name: &OsStr) -> Result<PutAside, Errno> {
    // a link would be moved, and what it leads to would stay
    if above.kind_of(name)? != SFlag::S_IFDIR {
        return Err(Errno::ENOTDIR);
    }
    let now = clock::wall_now();
    let aside = OsString::from(format!(".{}{REMOVED}{}", name.to_string_lossy(), stamp(now)));
    renameat2(&above.fd, name, &above.fd, aside.as_os_str(), RenameFlags::RENAME_NOREPLACE)?;
    let oldest = stamp(now.checked_sub(KEPT_FOR).unwrap_or(SystemTime::UNIX_EPOCH));
    let mut troubles = Vec::new();
    for other in above.names(MAX_NAMES).unwrap_or_default() {
        let Some(removed) = Removed::read(&other) else { continue };
        let is_old = removed.stamp < oldest.as_str() || OsStr::new(removed.service) == name;
        if is_old
            && other != aside
            && let Err(error) = above.remove_all(&other)
        {
            troubles.push(Finding::trouble(error.to_string(), None));
        }
    }
    Ok(PutAside { path: above.shown.join(&aside), troubles })
}

/// A time in UTC, to the millisecond, in a form that sorts: `20261127T134900.123Z`.
fn stamp(time: SystemTime) -> String {
    clock::utc_to_the_millisecond(time).replace(['-', ':'], "")
}

/// The name of a definition that was moved aside.
struct Removed<'n> {
    service: &'n str,
    stamp: &'n str,
}

impl<'n> Removed<'n> {
    /// Only a name that [`put_aside`] can have made.
    fn read(name: &'n OsStr) -> Option<Self> {
        let (service, stamp) = name.to_str()?.strip_prefix('.')?.rsplit_once(REMOVED)?;
        ServiceName::parse(OsStr::new(service)).ok()?;
        let form = stamp.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        form.eq(*b"00000000T000000.000Z").then_some(Removed { service, stamp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_were_given_here_are_deleted() {
        let read = |name: &'static str| Removed::read(OsStr::new(name)).map(|it| (it.service, it.stamp));
        let stamp = stamp(SystemTime::UNIX_EPOCH);
        assert_eq!(stamp, "19700101T000000.000Z");
        assert_eq!(
            read(".a.removed-b.removed-20261127T134900.123Z"),
            Some(("a.removed-b", "20261127T134900.123Z"))
        );
        for other in [
            "a.removed-20261127T134900.123Z",
            ".a",
            ".a.removed-",
            ".a.removed-old",
            ".a.removed-20261127T134900Z",
            ".a.removed-20261127T134900.123Z.bak",
            "..a.removed-20261127T134900.123Z",
            ".removed-20261127T134900.123Z",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
