//! The loop's outputs: the log, the record, and the launcher's own lines.

use super::pacer::Now;
use crate::log::{Log, Opening};
use crate::plan::Plan;
use crate::record::{NextDue, RecordFile};
use crate::report::Reporter;
use crate::sys;
use crate::wait::handled;

pub(super) struct Journal<'a> {
    plan: &'a Plan,
    pub(super) log: Log,
    pub(super) record: RecordFile,
    pub(super) reporter: &'a mut Reporter,
    /// Whether HUP has arrived since the variables were read.
    hung_up: bool,
}

impl<'a> Journal<'a> {
    pub(super) fn new(plan: &'a Plan, log: Log, record: RecordFile, reporter: &'a mut Reporter) -> Self {
        Journal { plan, log, record, reporter, hung_up: false }
    }

    /// Handles HUP: reopens the log for the launcher's own lines now, and the rest before the next run.
    pub(super) fn hang_up(&mut self) {
        self.hung_up = true;
        self.record.reopen_directory();
        self.reopen_log(Opening::Again);
    }

    /// Whether HUP has arrived since the last call.
    pub(super) fn take_hang_up(&mut self) -> bool {
        std::mem::take(&mut self.hung_up)
    }

    pub(super) fn reopen_log(&mut self, opening: Opening) {
        self.log.report_truncation(self.reporter);
        self.log = Log::open(self.plan, opening, Some(&self.log), handled(), self.reporter);
    }

    pub(super) fn write_record(&mut self) {
        self.record.write(self.reporter);
    }

    /// Writes the record if it lags.
    pub(super) fn catch_up(&mut self) {
        self.record.catch_up(self.reporter);
    }

    /// Writes what is not written yet: no run follows.
    pub(super) fn finish_record(&mut self) {
        self.record.finish(self.reporter);
    }

    /// Records that a run has been due at least since this moment, and has not started.
    pub(super) fn note_due_since(&mut self, now: Now) {
        let noted = self.record.content.next_due.as_deref().and_then(sys::clock::from_utc);
        if noted.is_none_or(|noted| noted > now.wall) {
            self.record.content.set_next_due(Some(NextDue { wall: now.wall, boot: Some(now.boot) }));
        }
    }
}
