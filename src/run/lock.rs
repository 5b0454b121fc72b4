//! Lock files: opening them, and waiting for another holder while still handling signals.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};

use super::child::Child;
use crate::error::{Finding, reason};
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::lock::{FileLock, Tried, wait_exclusive};
use crate::sys::nofollow::{self, Missing, PathError};
use crate::wait::handled;

/// The delay before a helper that ended without the lock (it was killed) is replaced.
const HELPER_RESTART_DELAY: Duration = Duration::from_secs(1);

/// The outcome of waiting for another process's lock.
pub(super) enum Waited {
    /// The other process released it, and this process holds it.
    Ours(FileLock),
    /// A stop arrived first.
    Stopped,
    /// The system refused a process to wait in, or the lock.
    Refused(Finding),
}

/// Who may use a lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    /// Everyone who may read it.
    Readers,
    /// Its owner only.
    Owner,
}

/// Sleeps until an event; breaks to end the wait.
pub(super) type Step<'a> = &'a mut dyn FnMut(Option<BootTime>) -> Result<ControlFlow<()>, Finding>;

/// Waits for a lock that another process holds. The lock belongs to the open file, which a child shares: a helper
/// blocks on it in the kernel, and its end is reported by a signal. Polling would be late or busy.
pub(super) fn wait_for(mut file: OwnedFd, step: Step<'_>) -> Result<Waited, Finding> {
    loop {
        let descriptor = file.as_raw_fd();
        let mut helper = match sys::fork::helper(handled(), || wait_exclusive(descriptor)) {
            Ok(helper) => Child::of(helper),
            Err(errno) => return Ok(Waited::Refused(Finding::refused("start a process", errno.into()))),
        };
        loop {
            helper.reap();
            if helper.ended().is_some() {
                break;
            }
            if step(None)?.is_break() {
                helper.signal(libc::SIGKILL);
                return Ok(Waited::Stopped);
            }
        }
        file = match FileLock::try_exclusive(file) {
            Ok(Tried::Ours(lock)) => return Ok(Waited::Ours(lock)),
            Ok(Tried::Others(file)) => file,
            Err(errno) => return Ok(Waited::Refused(Finding::refused("wait for a lock", errno.into()))),
        };
        let until = BootTime::now().after(HELPER_RESTART_DELAY);
        while BootTime::now() < until {
            if step(Some(until))?.is_break() {
                return Ok(Waited::Stopped);
            }
        }
    }
}

/// Opens a lock file, creating it if missing; follows no link, and opens only a regular file.
pub(super) fn open(path: &Path, users: Users) -> Result<OwnedFd, String> {
    let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or(OsStr::new("."));
    let (missing, access, mode) = match users {
        Users::Readers => (Missing::Refuse, OFlag::O_RDONLY, 0o644),
        // a lock on NFS requires write access; the directory is that of log and record
        Users::Owner => (Missing::Create, OFlag::O_RDWR, 0o600),
    };
    let directory =
        nofollow::open_directory(parent, missing).map_err(|error: PathError| error.to_string())?;
    let flags =
        access | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file =
        openat(&directory, name, flags, Mode::from_bits_truncate(mode)).map_err(|errno| match errno {
            Errno::ELOOP => "it is a symbolic link".to_string(),
            errno => reason(errno),
        })?;
    let status = fstat(&file).map_err(reason)?;
    match sys::file::kind_name(sys::file::kind(&status)) {
        None => Ok(file),
        Some(kind) => Err(format!("it is {kind}, not a regular file")),
    }
}
