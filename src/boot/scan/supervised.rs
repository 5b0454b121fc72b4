//! Whether a supervisor is at work in a service directory.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::sys::stat::Mode;

use crate::boot::directory::Directory;
use crate::service::layout;

/// s6-supervise, like other supervisors, holds a lock for as long as it lives. The directory may be a user's: no
/// link in it is followed.
pub(super) fn is_supervised(directory: &Directory) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let supervise = directory.try_open(OsStr::new(layout::SUPERVISE));
    let lock = supervise.and_then(|supervise| openat(&supervise.fd, "lock", flags, Mode::empty()));
    lock.is_ok_and(|lock| is_locked(lock.as_fd()))
}

/// Whether another process holds a lock on it.
fn is_locked(file: BorrowedFd<'_>) -> bool {
    let mut lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or(0),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or(0),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let asked = fcntl(file, FcntlArg::F_GETLK(&mut lock));
    asked.is_ok() && i32::from(lock.l_type) != libc::F_UNLCK
}
