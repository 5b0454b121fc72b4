//! A single run: from the worker's start to its end or, after a stop or timeout, the end of its group.

use std::time::Duration;

use super::journal::Journal;
use super::limits_hit::name_limits_hit;
use super::setup::Setup;
use super::waiter::LoopWaiter;
use crate::config::timing::Timing;
use crate::error::Finding;
use crate::run::child::Child;
use crate::run::ending::RunEnding;
use crate::run::run_end::RunEnd;
use crate::sys::clock::BootTime;
use crate::wait::is_stop;

/// The start of a run is recorded after this time; of a shorter run, only the end.
const RECORD_START_AFTER: Duration = Duration::from_secs(1);

/// Starts the worker and supervises it.
pub(super) fn run(
    started: BootTime,
    timing: &Timing,
    setup: &Setup<'_>,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<RunEnd, Finding> {
    let before = setup.cgroup.events();
    let mut end = match Child::start(&setup.launch(&journal.log)) {
        Ok(worker) => {
            let timeout_at = timing.timeout.map(|timeout| started.after(timeout.duration()));
            let ending = RunEnding::new(started, timeout_at, timing.stop);
            supervise(worker, started, ending, waiter, journal)?
        }
        Err(error) => RunEnd::not_started(setup.not_started(error)),
    };
    if !end.exit.is_ok() {
        name_limits_hit(&mut end, before, setup.cgroup.events());
    }
    Ok(end)
}

/// Supervises the worker until it has ended; after a stop or timeout, or with `--on-exit kill`, until its group has.
fn supervise(
    mut worker: Child,
    started: BootTime,
    mut ending: RunEnding,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<RunEnd, Finding> {
    let mut record_at = Some(started.after(RECORD_START_AFTER));
    loop {
        worker.reap();
        let now = BootTime::now();
        if let Some(end) = ending.is_over(&worker, now, journal.reporter) {
            return Ok(end);
        }
        if record_at.is_some_and(|at| now >= at) {
            record_at = None;
            // the next supervisor's loop may have recorded that it waits for this one
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
                // except as PID 1, only USR1, USR2 and WINCH get here
                forwarded => worker.signal(forwarded),
            }
        }
    }
}
