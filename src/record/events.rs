//! Updates of the record by events.

use std::path::Path;
use std::time::SystemTime;

use super::form::{EndedRun, FormerLoop, LockWait, RunRecord};
use crate::sys;
use crate::sys::clock::BootTime;

/// How a finished run counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A success.
    Succeeded,
    /// A failure.
    Failed {
        /// The last lines of its output.
        last_lines: Vec<String>,
    },
    /// Neither, since a stop ended it.
    Stopped,
}

/// When the next run is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextDue {
    /// By the current wall clock.
    pub(crate) wall: SystemTime,
    /// In seconds of BOOTTIME, unless the wall clock decides.
    pub(crate) boot: Option<BootTime>,
}

impl NextDue {
    /// Now, independent of later changes to the wall clock.
    pub(crate) fn now() -> Self {
        NextDue { wall: sys::clock::wall_now(), boot: Some(BootTime::now()) }
    }
}

impl RunRecord {
    /// A run starts.
    pub(crate) fn started(&mut self, at: SystemTime) {
        // the record may contain any number
        self.runs = self.runs.saturating_add(1);
        self.last_start = Some(sys::clock::utc_to_the_millisecond(at));
        self.last_start_boot = Some(seconds_since_boot(BootTime::now()));
        self.waiting_since = None;
        self.last_end = None;
        self.last_status = None;
        self.last_duration = None;
        self.waiting_for_lock = None;
        self.resting = None;
        self.set_next_due(None);
    }

    /// Sets when the next run is due, if there is one.
    pub(crate) fn set_next_due(&mut self, due: Option<NextDue>) {
        self.next_due = due.map(|due| sys::clock::utc(due.wall));
        self.next_due_boot = due.and_then(|due| due.boot).map(seconds_since_boot);
    }

    /// Sets the tick up to which a schedule has been considered.
    pub(crate) fn set_considered(&mut self, tick: Option<SystemTime>) {
        if self.schedule.is_some() {
            self.considered = tick.map(sys::clock::utc_to_the_millisecond);
        }
    }

    /// A due run waits for this lock, or for the end of a former loop.
    pub(crate) fn waits_for_lock(&mut self, path: &Path, former: Option<FormerLoop>) {
        let since = sys::clock::utc_now();
        self.waiting_for_lock = Some(LockWait { path: path.display().to_string(), since, former });
    }

    /// A run has ended.
    pub(crate) fn ended(&mut self, run: EndedRun, judgement: Judgement) {
        self.last_end = Some(run.end.clone());
        self.last_status = Some(run.status);
        self.last_duration = Some(run.duration);
        self.ended_run = Some(run);
        match judgement {
            Judgement::Succeeded => self.consecutive_failures = 0,
            Judgement::Failed { last_lines } => {
                self.failures = self.failures.saturating_add(1);
                self.consecutive_failures = self.consecutive_failures.saturating_add(1);
                self.last_errors = last_lines;
            }
            Judgement::Stopped => {}
        }
    }
}

/// To the millisecond.
fn seconds_since_boot(at: BootTime) -> f64 {
    (at.since_boot().as_secs_f64() * 1000.0).round() / 1000.0
}
