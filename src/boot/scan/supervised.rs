//! Whether a supervisor is at work in a service directory.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use crate::boot::directory::Directory;
use crate::service::{control, layout};
use crate::sys::{self, proc};

/// Who holds the lock that a supervisor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::boot) enum Holder {
    /// It is free.
    None,
    /// A supervisor: a process of root, of this user or of another container that reads `control`.
    Supervisor,
    /// Anybody else, with the pid if it is a live process of another user. Whoever can read the file can lock it.
    Other(Option<i32>),
}

/// Whether a supervisor is at work: s6-supervise holds a lock for as long as it lives, as other supervisors do.
pub(super) fn is_supervised(directory: &Directory) -> bool {
    lock_holder(directory) == Holder::Supervisor
}

/// Who holds the lock. The directory may belong to a user: links in it are not followed.
pub(super) fn lock_holder(directory: &Directory) -> Holder {
    let Ok(supervise) = directory.try_open(OsStr::new(layout::SUPERVISE)) else { return Holder::None };
    let Ok(lock) = open_lock(&supervise) else { return Holder::None };
    let Some(pid) = sys::lock::posix_holder(lock.as_fd()) else { return Holder::None };
    // those to whom control is delegated may only write it, so that a reader is a supervisor
    let has_reader = || control::probe(&supervise.fd).is_ok();
    let trusted = [0, geteuid().as_raw()];
    match (pid, proc::ids(pid).ok()) {
        // it lives in another container
        (0, _) if has_reader() => Holder::Supervisor,
        (1.., Some(ids)) if ids.uids().iter().any(|uid| !trusted.contains(uid)) => Holder::Other(Some(pid)),
        // the pid may have been reused: the lock lives as long as the table of open files, which processes can
        // share
        (1.., Some(_)) if has_reader() || directory.is_worked_in_by(pid) => Holder::Supervisor,
        (1.., None) if proc::ids(own_pid()).is_err() && has_reader() => Holder::Supervisor,
        // a process that has ended, or the lock of an open file description, which s6 does not use
        _ => Holder::Other(None),
    }
}

/// Opens the lock in a supervisor's own directory: s6-supervise's, or s6-svscan's.
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

/// Whether all ids of a process are root's.
pub(super) fn is_root(pid: i32) -> bool {
    proc::ids(pid).is_ok_and(|ids| ids.only_uid() == Some(0))
}

/// The pid of the root-owned process that holds the lock of a service directory's supervisor.
pub(super) fn root_with_lock(slot: &Directory) -> Option<i32> {
    let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).ok()?;
    let lock = open_lock(&supervise).ok()?;
    holder(lock.as_fd()).filter(|pid| is_root(*pid))
}

/// Whether a root-owned process holds a lock on a file: anybody could hold one.
pub(super) fn is_held_by_root(file: BorrowedFd<'_>) -> bool {
    holder(file).is_some_and(is_root)
}
