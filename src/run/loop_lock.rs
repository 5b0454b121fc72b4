//! A service has one loop. A killed supervisor leaves its loop running, and the next supervisor starts another. A loop
//! under a supervisor holds this lock for its lifetime, so that the second does not run before the first has ended.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lock::{self, Users, Waited};
use crate::error::{Finding, reason};
use crate::plan::Plan;
use crate::record::{FormerLoop, NextDue, RecordFile, RunRecord, read};
use crate::report::{Reporter, Topic};
use crate::sys::clock::BootTime;
use crate::sys::lock::{FileLock, Tried};
use crate::wait::{Deadline, Waiter, is_stop};

/// The delay before a wait that the system refused is retried.
const RETRY_DELAY: Duration = Duration::from_secs(60);

/// The lock of this process's loop, for as long as the process lives.
#[derive(Debug, Default)]
pub(crate) struct LoopLock(Option<FileLock>);

/// Whether the loop may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MayStart {
    /// No other loop holds the lock, or there is no lock.
    Yes,
    /// A stop arrived while another loop held it, or the supervisor is gone.
    Stopped,
}

impl LoopLock {
    /// Takes the lock; waits for another loop of this service to end. If the lock cannot be taken, reports the reason
    /// and starts anyway.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        waiter: &mut Waiter,
        reporter: &mut Reporter,
    ) -> Result<MayStart, Finding> {
        if self.0.is_some() {
            return Ok(MayStart::Yes);
        }
        loop {
            match self.attempt(plan, waiter, reporter)? {
                Attempt::Ended(may_start) => return Ok(may_start),
                Attempt::Refused(finding) => {
                    reporter.trouble(Topic::LoopLock, Some(finding));
                    let until = BootTime::now().after(RETRY_DELAY);
                    while BootTime::now() < until {
                        if step(waiter, Some(until))?.is_break() {
                            return Ok(MayStart::Stopped);
                        }
                    }
                }
            }
        }
    }

    fn attempt(
        &mut self,
        plan: &Plan,
        waiter: &mut Waiter,
        reporter: &mut Reporter,
    ) -> Result<Attempt, Finding> {
        // writing the record fails for the same reason, and is reported
        let Some(path) = path(plan) else { return Ok(Attempt::Ended(MayStart::Yes)) };
        let tried = lock::open(&path, Users::Owner)
            .and_then(|file| FileLock::try_exclusive(file).map_err(reason))
            .map_err(|why| unlocked(&path, &why));
        let file = match tried {
            Ok(Tried::Ours(lock)) => {
                self.0 = Some(lock);
                return Ok(Attempt::Ended(MayStart::Yes));
            }
            Ok(Tried::Others(file)) => file,
            Err(trouble) => {
                reporter.trouble(Topic::LoopLock, Some(trouble));
                return Ok(Attempt::Ended(MayStart::Yes));
            }
        };
        report_wait(plan, &path, reporter);
        match lock::wait_for(file, &mut |until| step(waiter, until))? {
            Waited::Stopped => Ok(Attempt::Ended(MayStart::Stopped)),
            Waited::Refused(finding) => Ok(Attempt::Refused(finding)),
            Waited::Ours(lock) => {
                self.0 = Some(lock);
                reporter.trouble(Topic::LoopLock, None);
                reporter.info("the other loop has ended: starting");
                Ok(Attempt::Ended(MayStart::Yes))
            }
        }
    }
}

enum Attempt {
    Ended(MayStart),
    /// Another loop holds the lock, and waiting for it failed.
    Refused(Finding),
}

/// The lock file, beside the record. No service name starts with a dot.
fn path(plan: &Plan) -> Option<PathBuf> {
    plan.state_dir.as_ref().map(|directory| directory.join(format!(".{}.loop", plan.name)))
}

fn unlocked(path: &Path, why: &str) -> Finding {
    let text = format!(
        "unable to lock '{}': {why}; if the supervisor is killed, a second loop of this service may start before this \
         one has finished its run",
        path.display()
    );
    Finding::trouble(text, None)
}

/// Records in the log and the record what this loop waits for. The other loop may replace the record until it ends.
fn report_wait(plan: &Plan, path: &Path, reporter: &mut Reporter) {
    let other =
        plan.state_dir.as_ref().and_then(|directory| read(directory, plan.name.as_str()).ok().flatten());
    let own = std::process::id().cast_signed();
    let former = other.and_then(|(record, _)| former_of(&record, own));
    let pid = former.map_or(String::new(), |former| format!(" (pid {})", former.pid));
    let text = format!("another loop of this service{pid} is still running: waiting for it to end");
    let hint = "if its supervisor was killed, it ends with its current run; services sharing a state directory \
                need different names (--name)";
    reporter.trouble(Topic::LoopLock, Some(Finding::trouble(text, Some(hint.to_string()))));
    let mut record = RecordFile::open(plan, reporter);
    // of a gate that has opened, or of a launcher that was killed at rest
    record.content.resting = None;
    record.content.set_next_due(Some(NextDue::now()));
    record.content.waits_for_lock(path, Some(former.unwrap_or_default()));
    record.write(reporter);
}

/// The loop that wrote this record, or the one that it was itself waiting for.
fn former_of(record: &RunRecord, own: i32) -> Option<FormerLoop> {
    let writer = FormerLoop { pid: record.pid, pid_started: record.pid_started };
    let waited_for = record.waiting_for_lock.as_ref().and_then(|lock| lock.former);
    let mut known: Vec<FormerLoop> = [Some(writer), waited_for].into_iter().flatten().collect();
    known.retain(|each| each.pid > 0 && each.pid != own);
    known.iter().find(|each| each.lives()).or(known.first()).copied()
}

fn step(waiter: &mut Waiter, until: Option<BootTime>) -> Result<ControlFlow<()>, Finding> {
    let deadline = Deadline { boot: until, wall: None };
    let signals = waiter.wait(deadline, None).map_err(|errno| Finding::refused("wait", errno.into()))?;
    match signals.into_iter().any(is_stop) || waiter.has_lost_parent() {
        true => Ok(ControlFlow::Break(())),
        false => Ok(ControlFlow::Continue(())),
    }
}
