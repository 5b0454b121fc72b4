//! `--lock`: held during a run, waited for without being deaf to signals.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, fstat};

use super::cycle::Cycle;
use super::signals::HANDLED;
use super::worker::{Worker, system_refused};
use crate::error::{Finding, reason};
use crate::exit::Exit;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// Whether another process held the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It did not.
    None,
    /// It did.
    Some,
}

/// The lock of a run.
pub(super) enum Lock {
    /// There is none to take.
    None,
    /// It is ours until it is dropped.
    Held(Flock<OwnedFd>, Wait),
    /// It cannot be taken: the run has failed.
    Broken(Finding),
    /// A stop came first.
    Stopped,
}

impl Cycle<'_> {
    /// Takes the lock, however long that takes.
    pub(super) fn take_lock(&mut self) -> Result<Lock, Finding> {
        let Some(path) = self.timing.around.lock.as_deref() else { return Ok(Lock::None) };
        let path = self.plan.own(path);
        let broken = |reason: String| {
            let text = format!("unable to lock '{}': {reason}", path.display());
            let hint =
                Some("its directory must be there, and the worker's user be able to write it".to_string());
            Lock::Broken(Finding { exit: Exit::EDIT, text, hint })
        };
        let file = match open(&path) {
            Ok(file) => file,
            Err(why) => return Ok(broken(why)),
        };
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => {
                self.reporter.trouble("lock", None);
                return Ok(Lock::Held(held, Wait::None));
            }
            Err((file, Errno::EWOULDBLOCK)) => file,
            Err((_, errno)) => return Ok(broken(reason(errno))),
        };
        let text = format!("waiting for the lock '{}', which another process holds", path.display());
        self.reporter.trouble("lock", Some(Finding::trouble(text, None)));
        self.record.waits_for_lock(&path, self.reporter);
        match self.wait_for_lock(&file)? {
            Waited::Stopped => return Ok(Lock::Stopped),
            // as for a worker that does not start: a failed run
            Waited::Refused(errno) => {
                return Ok(Lock::Broken(system_refused("start a process", errno.into())));
            }
            Waited::Ended => {}
        }
        Ok(match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Lock::Held(held, Wait::Some),
            Err((_, errno)) => broken(reason(errno)),
        })
    }

    /// A lock belongs to the open file, which a child shares: one that does nothing else can wait for it
    /// in the kernel, and its end is a signal like others. To ask again and again would be late or busy.
    fn wait_for_lock(&mut self, file: &OwnedFd) -> Result<Waited, Finding> {
        let descriptor = file.as_raw_fd();
        let helper = sys::fork::helper(&HANDLED, || sys::fork::wait_for_lock(descriptor));
        let mut helper = match helper {
            Ok(helper) => Worker::of(helper),
            Err(errno) => return Ok(Waited::Refused(errno)),
        };
        loop {
            helper.reap();
            if helper.ended().is_some() {
                return Ok(Waited::Ended);
            }
            for signal in self.wait_until(None)? {
                match signal {
                    Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT => {
                        helper.signal(Signal::SIGKILL);
                        return Ok(Waited::Stopped);
                    }
                    Signal::SIGHUP => self.hang_up(),
                    _ => {}
                }
            }
        }
    }
}

enum Waited {
    Ended,
    Stopped,
    /// The system gives no process to wait in.
    Refused(Errno),
}

/// The file, made if it is not there; no link is followed, and nothing but a regular file is opened.
fn open(path: &Path) -> Result<OwnedFd, String> {
    let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or(OsStr::new("."));
    let directory =
        nofollow::open_directory(parent, Missing::Refuse).map_err(|error: PathError| error.to_string())?;
    let flags = OFlag::O_RDONLY
        | OFlag::O_CREAT
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file =
        openat(&directory, name, flags, Mode::from_bits_truncate(0o644)).map_err(|errno| match errno {
            Errno::ELOOP => "it is a symbolic link".to_string(),
            errno => reason(errno),
        })?;
    let status = fstat(&file).map_err(reason)?;
    match sys::file::kind_name(sys::file::kind(&status)) {
        None => Ok(file),
        Some(kind) => Err(format!("it is {kind}, not a regular file")),
    }
}
