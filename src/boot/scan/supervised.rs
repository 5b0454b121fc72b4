//! Whether a supervisor is at work in a service directory.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::sys::stat::{FileStat, Mode, fstat, stat};
use nix::unistd::geteuid;

use crate::boot::directory::{Directory, FileId};
use crate::service::{control, layout};
use crate::sys::process;

/// Who holds the lock that a supervisor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// It is free.
    Nobody,
    /// A supervisor: a process of root's or of this user's, or of another container, that reads `control`.
    Supervisor,
    /// Anybody else; the number of a process of another user that still lives. Whoever can read the file can
    /// lock it.
    Stranger(Option<i32>),
}

/// s6-supervise, like other supervisors, holds a lock for as long as it lives.
pub(super) fn is_supervised(directory: &Directory) -> bool {
    lock_holder(directory) == Holder::Supervisor
}

/// Who holds the lock. The directory may be a user's: no link in it is followed.
pub(super) fn lock_holder(directory: &Directory) -> Holder {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Ok(supervise) = directory.try_open(OsStr::new(layout::SUPERVISE)) else { return Holder::Nobody };
    let Ok(lock) = openat(&supervise.fd, layout::LOCK, flags, Mode::empty()) else { return Holder::Nobody };
    let Some(pid) = pid_of_lock(lock.as_fd()) else { return Holder::Nobody };
    // those to whom control is delegated may only write it: a reader is a supervisor
    let has_reader = || control::look(&supervise.fd).is_ok();
    let trusted = [0, geteuid().as_raw()];
    match (pid, process::uids_of(pid)) {
        // of another container
        (0, _) if has_reader() => Holder::Supervisor,
        (1.., Some(uids)) if uids.iter().any(|uid| !trusted.contains(uid)) => Holder::Stranger(Some(pid)),
        // a number may be another process's by now: the lock lives as long as the table of open files, which
        // processes share
        (1.., Some(_)) if has_reader() || works_in(pid, directory) => Holder::Supervisor,
        (1.., None) if process::uids_of(own_pid()).is_none() && has_reader() => Holder::Supervisor,
        // one that has ended, or the lock of an open file, which s6 does not use
        _ => Holder::Stranger(None),
    }
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// Whether a process has this working directory, as a supervisor has before it takes the lock and makes its FIFO.
fn works_in(pid: i32, directory: &Directory) -> bool {
    let id = |status: FileStat| FileId::of(&status);
    let working = stat(format!("/proc/{pid}/cwd").as_str()).map(id);
    working.is_ok_and(|working| fstat(&directory.fd).map(id) == Ok(working))
}

/// The number of the process that has locked this; none if nobody has.
fn pid_of_lock(file: BorrowedFd<'_>) -> Option<i32> {
    let mut lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or(0),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or(0),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let asked = fcntl(file, FcntlArg::F_GETLK(&mut lock));
    (asked.is_ok() && i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid)
}
