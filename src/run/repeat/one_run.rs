//! One run: from the worker's start to its end, and after a stop or timeout to that of its group.

use std::time::Duration;

use super::ending::RunEnding;
use super::journal::Journal;
use super::setup::Setup;
use super::waiter::LoopWaiter;
use crate::config::timing::Timing;
use crate::error::Finding;
use crate::exit::Exit;
use crate::log::{Log, tail};
use crate::record::{How, Judgement};
use crate::run::child::Child;
use crate::sys::clock::BootTime;
use crate::wait::is_stop;

/// A run that lasts longer is recorded as begun; of a shorter one the end is enough.
const RECORD_BEGIN_AFTER: Duration = Duration::from_secs(1);

/// How a run ended, and whether another follows.
pub(super) struct RunEnd {
    pub(super) exit: Exit,
    pub(super) how: How,
    pub(super) what: String,
    /// The remedy, where there is one.
    pub(super) hint: Option<String>,
    pub(super) duration: Duration,
    /// A stop came: the code to leave with.
    pub(super) stopped: Option<Exit>,
    pub(super) cut_short: CutShort,
}

/// Whether a stop ended the run: then its end is no judgement of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutShort {
    /// A stop did.
    ByStop,
    /// The worker ended by itself, or by `--timeout`.
    No,
}

impl RunEnd {
    /// A run whose worker did not start.
    pub(super) fn not_begun(finding: Finding) -> Self {
        RunEnd {
            exit: finding.exit,
            how: How::NotStarted,
            what: finding.text,
            hint: finding.hint,
            duration: Duration::ZERO,
            stopped: None,
            cut_short: CutShort::No,
        }
    }

    /// What it ended with, and the remedy.
    pub(super) fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.what),
            None => self.what.clone(),
        }
    }

    /// What it counts as; of a failure the end of this log is kept.
    pub(super) fn judge(&self, log: &Log) -> Judgement {
        match log {
            _ if self.cut_short == CutShort::ByStop => Judgement::Stopped,
            _ if self.exit.is_ok() => Judgement::Succeeded,
            Log::File { file, path, length } => {
                Judgement::Failed { last_lines: tail::last_lines(file, path, *length) }
            }
            Log::Inherited | Log::Unavailable => Judgement::Failed { last_lines: Vec::new() },
        }
    }
}

/// Starts the worker and stays with it.
pub(super) fn run(
    started: BootTime,
    timing: &Timing,
    setup: &Setup<'_>,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<RunEnd, Finding> {
    match Child::start(&setup.launch(&journal.log)) {
        Ok(worker) => {
            let timeout_at = timing.timeout.map(|timeout| started.after(timeout.duration()));
            let ending = RunEnding::new(started, timeout_at, timing.stop);
            supervise(worker, started, ending, waiter, journal)
        }
        Err(error) => Ok(RunEnd::not_begun(setup.not_started(error))),
    }
}

/// From the worker's start until it has ended; after a stop or timeout, and with `--on-exit kill`, until its
/// group has.
fn supervise(
    mut worker: Child,
    started: BootTime,
    mut ending: RunEnding,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<RunEnd, Finding> {
    let mut record_at = Some(started.after(RECORD_BEGIN_AFTER));
    loop {
        worker.reap();
        let now = BootTime::now();
        if let Some(end) = ending.is_over(&worker, now, journal.reporter) {
            return Ok(end);
        }
        if record_at.is_some_and(|at| now >= at) {
            record_at = None;
            // the next supervisor's loop may have noted in the record that it waits for this one
            if !waiter.has_lost_supervisor() {
                journal.write_record();
            }
        }
        ending.proceed(&worker, now);
        let deadline = record_at.into_iter().chain(ending.deadline(&worker, now)).min();
        for signal in waiter.wait_until(deadline)? {
            match signal {
                signal if is_stop(signal) => ending.stop(signal, &worker),
                libc::SIGALRM => waiter.request_run(),
                libc::SIGHUP => journal.hang_up(),
                libc::SIGCHLD | libc::SIGURG => {}
                // elsewhere than as PID 1 only USR1, USR2 and WINCH come here
                forwarded => worker.signal(forwarded),
            }
        }
    }
}
