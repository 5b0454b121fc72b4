//! Making a directory for a user below directories that only root can write. No link is followed that another user can
//! have made, and each step is relative to a directory that is open, so that no user can come between.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

use super::file::kind;
use super::nofollow::{self, Missing, PathError, belongs_to_root_alone, only_root_put_it_there};

/// The owner and the permission bits of a new directory.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// The owner.
    pub uid: Uid,
    /// The group.
    pub gid: Gid,
    /// The permission bits.
    pub mode: u32,
}

/// Makes a missing directory; missing directories above it are owned by root, 0755. Does nothing if something has its
/// name, or if the path leads through a directory that another user can write: there the user makes it.
///
/// It appears with its rights: it is made under another name, and renamed.
pub fn make(path: &Path, rights: Rights) -> Result<(), PathError> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let is_foreign = Cell::new(false);
    let walked = nofollow::walk(above, Missing::Create, |component, status, above| match kind(status) {
        SFlag::S_IFDIR if belongs_to_root_alone(status) => Ok(()),
        SFlag::S_IFLNK if only_root_put_it_there(status, above) => Ok(()),
        _ => {
            is_foreign.set(true);
            Err(PathError::Link(component.to_path_buf()))
        }
    });
    match walked {
        Ok(walked) => {
            make_in(&walked.last, name, rights).map_err(|errno| PathError::Refused(path.to_path_buf(), errno))
        }
        Err(_) if is_foreign.get() => Ok(()),
        Err(error) => Err(error),
    }
}

fn make_in(above: &OwnedFd, name: &OsStr, rights: Rights) -> Result<(), Errno> {
    match fstatat(above, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => {}
        found => return found.map(drop),
    }
    // one that was left by a killed launcher of this number is as good
    let draft = OsString::from(format!(".futo-mkdir.{}", std::process::id()));
    match mkdirat(above, draft.as_os_str(), Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let made = set(above, &draft, rights).and_then(|()| publish(above, &draft, name));
    if made != Ok(()) {
        let _ = unlinkat(above, draft.as_os_str(), UnlinkatFlags::RemoveDir);
    }
    match made {
        // made by another process of root
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

fn set(above: &OwnedFd, draft: &OsStr, rights: Rights) -> Result<(), Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = openat(above, draft, flags, Mode::empty())?;
    fchown(&directory, Some(rights.uid), Some(rights.gid))?;
    // after the change of owner, which clears bits; whatever was inherited from above
    fchmod(&directory, Mode::from_bits_truncate(rights.mode))
}

fn publish(above: &OwnedFd, draft: &OsStr, name: &OsStr) -> Result<(), Errno> {
    match renameat2(above, draft, above, name, RenameFlags::RENAME_NOREPLACE) {
        // a file system without this flag; only root could have taken the name in between
        Err(Errno::EINVAL | Errno::ENOSYS) => renameat(above, draft, above, name),
        result => result,
    }
}
