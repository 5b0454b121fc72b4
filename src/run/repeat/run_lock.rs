//! `--lock`: held during a run.

use std::ops::ControlFlow;
use std::path::Path;

use super::journal::Journal;
use super::pacer::Now;
use super::waiter::LoopWaiter;
use crate::config::settings::OnLock;
use crate::error::Finding;
use crate::exit::Exit;
use crate::report::Topic;
use crate::run::lock::{Users, Waited, open, wait_for};
use crate::sys::clock::BootTime;
use crate::sys::lock::{FileLock, Tried};
use crate::wait::is_stop;

/// Whether there was a wait for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// No other process held it.
    None,
    /// Another process held it.
    Some,
}

/// The lock of a run.
pub(super) enum Lock {
    /// There is no lock.
    None,
    /// Held until it is dropped.
    Held(FileLock, Wait),
    /// Another process holds it: the run is skipped.
    Skipped,
    /// It cannot be taken: the run fails.
    Broken(Finding),
    /// A stop arrived first, or the supervisor is gone.
    Stopped,
}

/// Takes the lock of this path, however long that takes, unless the run is to be skipped.
pub(super) fn take(
    path: Option<&Path>,
    on_lock: OnLock,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<Lock, Finding> {
    let Some(path) = path else { return Ok(Lock::None) };
    let file = match open(path, Users::Readers) {
        Ok(file) => file,
        Err(why) => {
            let text = format!("unable to lock '{}': {why}", path.display());
            let hint = Some("its directory must exist and be writable by the worker's user".to_string());
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
    if on_lock == OnLock::Skip {
        let text = format!("skipping runs while another process holds lock '{}'", path.display());
        journal.reporter.trouble(Topic::RunLock, Some(Finding::trouble(text, None)));
        return Ok(Lock::Skipped);
    }
    let text = format!("waiting for lock '{}', held by another process", path.display());
    journal.reporter.trouble(Topic::RunLock, Some(Finding::trouble(text, None)));
    journal.note_due_since(Now::read());
    journal.record.content.waits_for_lock(path, None);
    journal.write_record();
    Ok(match wait_for(file, &mut |until| step(until, waiter, journal))? {
        Waited::Ours(lock) => Lock::Held(lock, Wait::Some),
        Waited::Stopped => Lock::Stopped,
        // a failed run, as with a worker that cannot be started
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
            // ALRM requests the run that is already waiting
            _ => {}
        }
    }
    Ok(if waiter.has_lost_supervisor() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}
