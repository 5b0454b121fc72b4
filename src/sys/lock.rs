//! Exclusive locks on open files, as taken by flock(1) and respected by every program that uses flock(2). Of POSIX
//! locks, as used by s6, only the holder can be queried.
#![expect(unsafe_code, reason = "nix's guard panics when the system refuses to unlock, as NFS and FUSE may")]

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::clock::{self, BootTime};

/// The maximum number of retries after an interruption by a signal.
const MAX_TRIES: u32 = 16;

/// How often a lock is tried that another process holds.
const NAP: Duration = Duration::from_millis(5);

/// A lock that this process holds until it is dropped.
#[derive(Debug)]
pub struct FileLock(OwnedFd);

/// The outcome of a nonblocking request.
#[derive(Debug)]
pub enum Tried {
    /// This process holds the lock.
    Ours(FileLock),
    /// Another process holds it; the open file, for another attempt.
    Others(OwnedFd),
}

impl FileLock {
    /// Takes the lock if no other process holds it.
    pub fn try_exclusive(file: OwnedFd) -> Result<Tried, Errno> {
        match flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) {
            Ok(()) => Ok(Tried::Ours(FileLock(file))),
            Err(Errno::EWOULDBLOCK) => Ok(Tried::Others(file)),
            Err(errno) => Err(errno),
        }
    }
}

/// Takes the lock of an open file, which stays open beside it, and waits at most this long; returns None if another
/// process has it until then.
pub fn within(patience: Duration, file: &OwnedFd) -> Result<Option<FileLock>, Errno> {
    let end = BootTime::now().after(patience);
    loop {
        let copy = file.try_clone().map_err(|_| Errno::EMFILE)?;
        match FileLock::try_exclusive(copy)? {
            Tried::Ours(lock) => return Ok(Some(lock)),
            Tried::Others(_) if BootTime::now() >= end => return Ok(None),
            Tried::Others(_) => clock::pause(NAP),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // a copy of the descriptor in a child would keep the lock; if unlocking fails, closing must do
        let _ = flock(self.0.as_raw_fd(), libc::LOCK_UN);
    }
}

/// Blocks in the kernel until the lock of an open file is taken. The lock belongs to the open file, and so to every
/// process that shares it. Returns an exit code.
pub fn wait_exclusive(descriptor: RawFd) -> i32 {
    i32::from(flock(descriptor, libc::LOCK_EX).is_err())
}

fn flock(descriptor: RawFd, operation: i32) -> Result<(), Errno> {
    for _ in 1..MAX_TRIES {
        // SAFETY: takes two numbers
        match Errno::result(unsafe { libc::flock(descriptor, operation) }) {
            Err(Errno::EINTR) => {}
            result => return result.map(drop),
        }
    }
    Err(Errno::EINTR)
}

/// The pid of the holder of a conflicting POSIX lock on this file, if any. It is 0 for a process in another container,
/// negative for an open file description lock, and may have been reused by now.
pub fn posix_holder(file: BorrowedFd<'_>) -> Option<i32> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    #[test]
    fn is_held_until_it_is_dropped_also_while_a_copy_of_the_descriptor_is_open() {
        let path = scratch::directory("lock").join("lock");
        let open = || OwnedFd::from(std::fs::File::create(&path).expect("a file"));
        let file = open();
        let copy = file.try_clone().expect("a copy");
        let Ok(Tried::Ours(held)) = FileLock::try_exclusive(file) else { panic!("it is free") };
        let Ok(Tried::Others(waiting)) = FileLock::try_exclusive(open()) else { panic!("it is held") };
        drop(held);
        assert!(matches!(FileLock::try_exclusive(waiting), Ok(Tried::Ours(_))));
        drop(copy);
    }
}
