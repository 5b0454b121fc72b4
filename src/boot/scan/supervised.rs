//! Whether a supervisor is at work in a service directory.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use crate::boot::directory::Directory;
use crate::service::layout;
use crate::sys::process;

/// Who holds the lock that a supervisor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// It is free.
    Nobody,
    /// A process of root's or of this user's, or one that cannot be seen from here.
    Supervisor,
    /// A process of another user; its number, if the kernel tells. Whoever can read the file can lock it.
    Stranger(Option<i32>),
}

/// s6-supervise, like other supervisors, holds a lock for as long as it lives.
pub(super) fn is_supervised(directory: &Directory) -> bool {
    lock_holder(directory) == Holder::Supervisor
}

/// Who holds the lock. The directory may be a user's: no link in it is followed.
pub(super) fn lock_holder(directory: &Directory) -> Holder {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let supervise = directory.try_open(OsStr::new(layout::SUPERVISE));
    let lock = supervise.and_then(|supervise| openat(&supervise.fd, "lock", flags, Mode::empty()));
    lock.map_or(Holder::Nobody, |lock| holder_of(lock.as_fd()))
}

fn holder_of(file: BorrowedFd<'_>) -> Holder {
    let mut lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or(0),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or(0),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let asked = fcntl(file, FcntlArg::F_GETLK(&mut lock));
    if asked.is_err() || i32::from(lock.l_type) == libc::F_UNLCK {
        return Holder::Nobody;
    }
    let trusted = [0, geteuid().as_raw()];
    let is_trusted = |uids: Vec<u32>| uids.iter().all(|uid| trusted.contains(uid));
    match lock.l_pid {
        // of another container
        0 => Holder::Supervisor,
        pid @ 1.. if process::uids_of(pid).is_none_or(is_trusted) => Holder::Supervisor,
        pid @ 1.. => Holder::Stranger(Some(pid)),
        // the lock of an open file, which s6 does not use
        _ => Holder::Stranger(None),
    }
}
