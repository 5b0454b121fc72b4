//! Whether a supervisor is at work in a service directory.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use crate::boot::directory::Directory;
use crate::service::{control, layout};
use crate::sys::{self, proc};

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
    let Some(pid) = sys::lock::posix_holder(lock.as_fd()) else { return Holder::Nobody };
    // those to whom control is delegated may only write it: a reader is a supervisor
    let has_reader = || control::probe(&supervise.fd).is_ok();
    let trusted = [0, geteuid().as_raw()];
    match (pid, proc::ids(pid).ok()) {
        // of another container
        (0, _) if has_reader() => Holder::Supervisor,
        (1.., Some(ids)) if ids.uids().iter().any(|uid| !trusted.contains(uid)) => {
            Holder::Stranger(Some(pid))
        }
        // a number may be another process's by now: the lock lives as long as the table of open files, which
        // processes share
        (1.., Some(_)) if has_reader() || directory.is_worked_in_by(pid) => Holder::Supervisor,
        (1.., None) if proc::ids(own_pid()).is_err() && has_reader() => Holder::Supervisor,
        // one that has ended, or the lock of an open file, which s6 does not use
        _ => Holder::Stranger(None),
    }
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}
