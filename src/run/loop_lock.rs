//! A service has one loop. A supervisor that is killed leaves its loop running, and the next one starts another: this
//! lock, which a loop under a supervisor holds for its life, keeps the second from running before the first has
//! ended.

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

/// Where the system refuses what the wait needs: how long until it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// The lock of this process's loop, for as long as the process lives.
#[derive(Debug, Default)]
pub(crate) struct LoopLock(Option<FileLock>);

/// Whether the loop may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MayBegin {
    /// It may: no other loop holds the lock, or there is none to hold.
    Yes,
    /// A stop came while another loop held it, or the supervisor has gone.
    Stopped,
}

impl LoopLock {
    /// Takes the lock; waits for the end of another loop of this service. Where no lock is to be had the loop
    /// begins all the same, and the reason is reported.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        waiter: &mut Waiter,
        reporter: &mut Reporter,
    ) -> Result<MayBegin, Finding> {
        if self.0.is_some() {
            return Ok(MayBegin::Yes);
        }
        loop {
            match self.attempt(plan, waiter, reporter)? {
                Attempt::Ended(may_begin) => return Ok(may_begin),
                Attempt::Refused(finding) => {
                    reporter.trouble(Topic::LoopLock, Some(finding));
                    let until = BootTime::now().after(ASK_AGAIN);
                    while BootTime::now() < until {
                        if step(waiter, Some(until))?.is_break() {
                            return Ok(MayBegin::Stopped);
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
        // a record that cannot be written is reported for the same reason
        let Some(path) = path(plan) else { return Ok(Attempt::Ended(MayBegin::Yes)) };
        let tried = lock::open(&path, Users::Owner)
            .and_then(|file| FileLock::try_exclusive(file).map_err(reason))
            .map_err(|why| unlocked(&path, &why));
        let file = match tried {
            Ok(Tried::Ours(lock)) => {
                self.0 = Some(lock);
                return Ok(Attempt::Ended(MayBegin::Yes));
            }
            Ok(Tried::Others(file)) => file,
            Err(trouble) => {
                reporter.trouble(Topic::LoopLock, Some(trouble));
                return Ok(Attempt::Ended(MayBegin::Yes));
            }
        };
        report_wait(plan, &path, reporter);
        match lock::wait_for(file, &mut |until| step(waiter, until))? {
            Waited::Stopped => Ok(Attempt::Ended(MayBegin::Stopped)),
            Waited::Refused(finding) => Ok(Attempt::Refused(finding)),
            Waited::Ours(lock) => {
                self.0 = Some(lock);
                reporter.trouble(Topic::LoopLock, None);
                reporter.info("the other loop has ended: starting");
                Ok(Attempt::Ended(MayBegin::Yes))
            }
        }
    }
}

enum Attempt {
    Ended(MayBegin),
    /// Another loop holds the lock, and it cannot be waited for.
    Refused(Finding),
}

/// The lock's file, beside the record. No service's file begins with a dot.
fn path(plan: &Plan) -> Option<PathBuf> {
    plan.state_dir.as_ref().map(|directory| directory.join(format!(".{}.loop", plan.name)))
}

fn unlocked(path: &Path, why: &str) -> Finding {
    let text = format!(
        "unable to lock '{}': {why}; if the supervisor is killed, another loop of this service may start before this \
         one has ended its run",
        path.display()
    );
    Finding::trouble(text, None)
}

/// Notes in the log and the record what this loop waits for. The other loop may replace the record until it ends.
fn report_wait(plan: &Plan, path: &Path, reporter: &mut Reporter) {
    let other =
        plan.state_dir.as_ref().and_then(|directory| read(directory, plan.name.as_str()).ok().flatten());
    let own = std::process::id().cast_signed();
    let former = other.and_then(|(record, _)| former_of(&record, own));
    let pid = former.map_or(String::new(), |former| format!(" (pid {})", former.pid));
    let text = format!("another loop of this service{pid} has not ended: waiting for it");
    let hint = "it ends with its run if its supervisor was killed; services that share a state directory need \
                different names (--name)";
    reporter.trouble(Topic::LoopLock, Some(Finding::trouble(text, Some(hint.to_string()))));
    let mut record = RecordFile::open(plan, reporter);
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
