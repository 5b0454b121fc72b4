//! Handles the end of a run: updates the record, the log and the next run.

use super::failures::Failures;
use super::journal::Journal;
use super::pacer::Now;
use super::pacing::Pacing;
use super::waiter::LoopWaiter;
use crate::config::timing::{Pace, Timing};
use crate::log::Log;
use crate::record::{EndedRun, Resting, RestingKind};
use crate::report::{Audience, Level};
use crate::run::run_end::RunEnd;

/// Counts the run, reports how it ended, and schedules the next.
pub(super) fn conclude(
    end: &RunEnd,
    log: &Log,
    failures: &mut Failures,
    pacing: &mut Pacing,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) {
    let now = Now::read();
    let judgement = end.judge(log);
    let ended = EndedRun::new(now.wall, end.exit, end.how, &end.what, end.duration);
    journal.record.ended(ended, judgement);
    if end.stopped.is_some() {
        return;
    }
    let reporter = &journal.reporter;
    if end.exit.is_ok() {
        match failures.reset() {
            0 => {}
            1 => reporter.info("worker recovered after 1 failed run"),
            failed => reporter.info(&format!("worker recovered after {failed} failed runs")),
        }
        pacing.pacer.ended(now, None);
        waiter.report_success();
        return;
    }
    failures.add(end.duration);
    pacing.pacer.ended(now, failures.stretched_delay(&pacing.timing));
    let (audience, row) = match failures.in_a_row {
        1 => (Audience::Everyone, String::new()),
        failed => (Audience::LogOnly, format!(" ({failed} times in a row)")),
    };
    let next = match failures.are_too_many(&pacing.timing) {
        true => String::new(),
        false => pacing.next_in_words(now),
    };
    reporter.say(Level::Warning, audience, &format!("worker failed: {}{row}{next}", end.in_words()));
}

/// Why this run is the last, if it is.
pub(super) fn end_of_loop(end: &RunEnd, failures: &Failures, timing: &Timing) -> Option<Resting> {
    if matches!(timing.pace, Pace::Once { .. }) && end.exit.is_ok() {
        return Some(Resting::done("the run succeeded"));
    }
    failures.are_too_many(timing).then(|| {
        let reason = format!("{} failures in a row, the last: {}", failures.in_a_row, end.in_words());
        Resting::now(RestingKind::MaxFailures, reason, end.exit)
    })
}
