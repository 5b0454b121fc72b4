//! `--lock`: held during a run.

use std::ops::ControlFlow;
use std::path::Path;

use super::journal::Journal;
use super::pacer::Now;
use super::waiter::LoopWaiter;
use crate::error::Finding;
use crate::exit::Exit;
use crate::report::Topic;
use crate::run::lock::{Users, Waited, open, wait_for};
use crate::sys::clock::BootTime;
use crate::sys::lock::{FileLock, Tried};
use crate::wait::is_stop;

/// Whether the lock had to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nobody held it.
    None,
    /// Another process held it.
    Some,
}

/// The lock of a run.
pub(super) enum Lock {
    /// There is none to take.
    None,
    /// It is ours until it is dropped.
    Held(FileLock, Wait),
    /// It cannot be taken: the run has failed.
    Broken(Finding),
    /// A stop came first, or the supervisor has gone.
    Stopped,
}

/// Takes the lock of this path, however long that takes.
pub(super) fn take(
    path: Option<&Path>,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<Lock, Finding> {
    let Some(path) = path else { return Ok(Lock::None) };
    let file = match open(path, Users::Readers) {
        Ok(file) => file,
        Err(why) => {
            let text = format!("unable to lock '{}': {why}", path.display());
            let hint =
                Some("its directory must be there, and the worker's user be able to write it".to_string());
            return Ok(Lock::Broken(Finding { exit: Exit::EDIT, text, hint }));
        }
    };
    let file = match FileLock::try_exclusive(file) {
        Ok(Tried::Ours(lock)) => {
            journal.reporter.trouble(Topic::RunLock, None);
            return Ok(Lock::Held(lock, Wait::None));
        }
        Ok(Tried::Others(file)) => file,
        Err(errno) => {
            let what = format!("lock '{}'", path.display());
            return Ok(Lock::Broken(Finding::refused(&what, errno.into())));
        }
    };
    let text = format!("waiting for the lock '{}', which another process holds", path.display());
    journal.reporter.trouble(Topic::RunLock, Some(Finding::trouble(text, None)));
    journal.note_due_since(Now::read());
    journal.record.content.waits_for_lock(path, None);
    journal.write_record();
    Ok(match wait_for(file, &mut |until| step(until, waiter, journal))? {
        Waited::Ours(lock) => Lock::Held(lock, Wait::Some),
        Waited::Stopped => Lock::Stopped,
        // as for a worker that does not start: a failed run
        Waited::Refused(finding) => Lock::Broken(finding),
    })
}

fn step(
    until: Option<BootTime>,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<ControlFlow<()>, Finding> {
    for signal in waiter.wait_until(until)? {
        match signal {
            signal if is_stop(signal) => return Ok(ControlFlow::Break(())),
            libc::SIGHUP => journal.hang_up(),
            // the run that ALRM asks for is the one that waits
            _ => {}
        }
    }
    Ok(if waiter.has_lost_supervisor() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}
