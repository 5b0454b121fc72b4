//! Whether a service directory has a supervisor.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use crate::boot::directory::Directory;
use crate::service::{control, layout};
use crate::sys::{self, proc};

/// The holder of the lock that a supervisor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::boot) enum Holder {
    /// The lock is free.
    None,
    /// A supervisor: a process of root, this user or another container that reads `control`.
    Supervisor,
    /// Another process, with its pid if it is a live process of another user. Any user who can read the file can lock
    /// it.
    Other(Option<i32>),
}

/// Whether there is a supervisor: like other supervisors, s6-supervise holds a lock during its lifetime.
pub(super) fn is_supervised(directory: &Directory) -> bool {
    lock_holder(directory) == Holder::Supervisor
}

/// The holder of the lock. A user may own the directory: links in it are not followed.
pub(super) fn lock_holder(directory: &Directory) -> Holder {
    let Ok(supervise) = directory.try_open(OsStr::new(layout::SUPERVISE)) else { return Holder::None };
    let Ok(lock) = open_lock(&supervise) else { return Holder::None };
    let Some(pid) = sys::lock::posix_holder(lock.as_fd()) else { return Holder::None };
    // a delegated group has only write access, so a reader is a supervisor
    let has_reader = || control::probe(&supervise.fd).is_ok();
    let trusted = [0, geteuid().as_raw()];
    match (pid, proc::ids(pid).ok()) {
        // a process in another container
        (0, _) if has_reader() => Holder::Supervisor,
        (1.., Some(ids)) if ids.uids().iter().any(|uid| !trusted.contains(uid)) => Holder::Other(Some(pid)),
        // the pid may have been reused: the lock belongs to the table of open files, which processes can share
        (1.., Some(_)) if has_reader() || directory.is_worked_in_by(pid) => Holder::Supervisor,
        (1.., None) if proc::ids(own_pid()).is_err() && has_reader() => Holder::Supervisor,
        // a process that has exited, or an open file description lock, which s6 does not use
        _ => Holder::Other(None),
    }
}

/// Opens the lock in the directory of s6-supervise or s6-svscan.
pub(super) fn open_lock(of_supervisor: &Directory) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(&of_supervisor.fd, layout::LOCK, flags, Mode::empty())
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// The pid of the process that holds a lock on a file, if it is visible.
fn holder(file: BorrowedFd<'_>) -> Option<i32> {
    sys::lock::posix_holder(file).filter(|pid| *pid > 0)
}

/// Whether all ids of a process are 0.
pub(super) fn is_root(pid: i32) -> bool {
    proc::ids(pid).is_ok_and(|ids| ids.only_uid() == Some(0))
}

/// The pid of the root-owned process that holds the lock of a service directory's supervisor.
pub(super) fn root_with_lock(slot: &Directory) -> Option<i32> {
    let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).ok()?;
    let lock = open_lock(&supervise).ok()?;
    holder(lock.as_fd()).filter(|pid| is_root(*pid))
}

/// Whether a root-owned process holds the lock on a file: any user could hold one.
pub(super) fn is_held_by_root(file: BorrowedFd<'_>) -> bool {
    holder(file).is_some_and(is_root)
}
