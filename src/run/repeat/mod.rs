//! The loop: wait, run, record, repeat. A failing or missing worker never ends it; a stop does.

mod conclude;
mod failures;
mod hook;
mod journal;
mod limits_hit;
mod one_run;
mod pacer;
mod pacing;
mod run_lock;
mod setup;
mod step;
mod waiter;

use std::time::Duration;

use conclude::{conclude, end_of_loop};
use failures::Failures;
use hook::HookOutcome;
use journal::Journal;
use pacer::Now;
use pacing::Pacing;
use run_lock::{Lock, Wait};
use setup::Setup;
use step::{Turn, WaitOutcome};
use waiter::LoopWaiter;

use super::gates::{self, Gates};
use super::outcome::Outcome;
use super::readiness::Readiness;
use super::run_end::RunEnd;
use crate::config::timing::{Timing, TimingSpec};
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::log::Opening;
use crate::plan::{Mode, Plan};
use crate::ready::{Ready, c_path};
use crate::record::{RecordFile, Resting};
use crate::report::Reporter;
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::lock::FileLock;
use crate::wait::{Waiter, is_stop};

/// Several `s6-svc -a` within this time of the first request a single run. One that arrives after the run has started
/// requests another.
const GATHER_REQUESTS: Duration = Duration::from_millis(50);

/// Runs the worker repeatedly; the first time after `first_delay` or the plan's delay.
pub(crate) fn run_loop(
    ready: Ready<'_>,
    timing: Timing,
    first_delay: Option<Duration>,
    waiter: &mut Waiter,
    reporter: &mut Reporter,
) -> Result<Outcome, Findings> {
    let mut run_loop = RunLoop::new(ready, timing, waiter, reporter)?;
    let outcome = run_loop.run(first_delay);
    run_loop.journal.finish_record();
    run_loop.journal.log.settle_as_init();
    Ok(outcome?)
}

/// The state of the loop. Each step gets only the parts it needs.
struct RunLoop<'a> {
    plan: &'a Plan,
    pacing: Pacing,
    failures: Failures,
    setup: Setup<'a>,
    waiter: LoopWaiter<'a>,
    journal: Journal<'a>,
}

impl<'a> RunLoop<'a> {
    fn new(
        ready: Ready<'a>,
        timing: Timing,
        waiter: &'a mut Waiter,
        reporter: &'a mut Reporter,
    ) -> Result<Self, Finding> {
        let arguments = ready.arguments();
        let Ready { plan, environment, timing: _, log, notification, ready_timeout } = ready;
        nix::sys::prctl::set_child_subreaper(true)
            .map_err(|errno| Finding::refused("become a subreaper", errno.into()))?;
        let mut record = RecordFile::open(plan, reporter);
        // left by a launcher killed at rest
        if record.content.resting.take().is_some() {
            record.write(reporter);
        }
        let directory = plan.chdir.as_deref().map(c_path);
        let variables = environment.to_vector();
        let readiness =
            Readiness::begin(plan, notification, ready_timeout, &variables, directory.as_deref(), reporter);
        Ok(RunLoop {
            plan,
            pacing: Pacing::new(plan, timing, &mut record, reporter),
            failures: Failures::default(),
            setup: Setup::new(plan, arguments, directory, environment, readiness.variable().cloned()),
            waiter: LoopWaiter::new(waiter, readiness),
            journal: Journal::new(plan, log, record, reporter),
        })
    }

    fn run(&mut self, first_delay: Option<Duration>) -> Result<Outcome, Finding> {
        if let Some(delay) = first_delay {
            self.pacing.pacer.first_after(delay, Now::read());
        }
        // for an immediate first run, its end is more informative
        if self.pacing.pacer.next_in(Now::read()) != Some(Duration::ZERO) {
            self.note_next_due();
        }
        sys::process::give_back_memory();
        loop {
            match self.sleep()? {
                WaitOutcome::Due => {}
                WaitOutcome::Stopped => return Ok(self.stopped()),
                WaitOutcome::Orphaned => return Ok(self.orphaned()),
                WaitOutcome::NoMore => {
                    return Ok(self.over(Resting::done("the schedule has no further starts")));
                }
            }
            let (end, log) = match self.turn()? {
                Turn::Ended(end, log) => (end, log),
                Turn::Stopped if self.waiter.has_lost_supervisor() => return Ok(self.orphaned()),
                Turn::Stopped => return Ok(self.stopped()),
                Turn::Skipped => {
                    self.pacing.skip(&self.waiter, &mut self.journal);
                    continue;
                }
                Turn::Closed(closed) => {
                    self.journal.catch_up();
                    return Ok(Outcome::GateClosed(closed));
                }
            };
            conclude(&end, &log, &mut self.failures, &mut self.pacing, &mut self.waiter, &mut self.journal);
            if let Some(exit) = end.stopped {
                self.journal.write_record();
                return Ok(Outcome::Left(exit));
            }
            let around = &self.pacing.timing.around;
            if let HookOutcome::Stopped =
                hook::run(&end, around, &self.setup, &mut self.waiter, &mut self.journal)?
            {
                self.journal.write_record();
                return Ok(Outcome::Left(Exit::OK));
            }
            self.pacing.pacer.skip_passed(Now::read());
            self.pacing.count_dropped(&mut self.journal);
            if let Some(resting) = end_of_loop(&end, &self.failures, &self.pacing.timing) {
                return Ok(self.over(resting));
            }
            self.note_next_due();
        }
    }

    /// Sleeps until a run is due, or none will be.
    fn sleep(&mut self) -> Result<WaitOutcome, Finding> {
        let mut asked = self.waiter.take_run_request().then(BootTime::now);
        loop {
            if self.waiter.has_lost_supervisor() {
                return Ok(WaitOutcome::Orphaned);
            }
            let Some(deadline) = self.pacing.deadline(asked) else { return Ok(WaitOutcome::NoMore) };
            for signal in self.waiter.wait(deadline)? {
                match signal {
                    signal if is_stop(signal) => return Ok(WaitOutcome::Stopped),
                    libc::SIGALRM => {
                        asked.get_or_insert(BootTime::now().after(GATHER_REQUESTS));
                    }
                    libc::SIGHUP => {
                        self.journal.hang_up();
                        self.renew_timing();
                    }
                    libc::SIGCHLD => sys::process::reap_orphans(),
                    // there is no worker to forward it to
                    _ => {}
                }
            }
            let now = Now::read();
            let is_due = asked.is_some_and(|at| at <= now.boot) || self.pacing.pacer.is_due(now);
            if is_due && !self.waiter.has_lost_supervisor() {
                return Ok(WaitOutcome::Due);
            }
            self.pacing.report_dropped(&self.waiter, &mut self.journal);
        }
    }

    /// One run, unless something prevents it.
    fn turn(&mut self) -> Result<Turn, Finding> {
        match self.refresh()? {
            Gates::Open => {}
            Gates::Closed(closed) => return Ok(Turn::Closed(closed)),
            Gates::Stopped => return Ok(Turn::Stopped),
            Gates::Undecided(finding) => return self.run_with(Err(finding)),
        }
        let around = &self.pacing.timing.around;
        let path = around.lock.as_deref().map(|path| self.plan.own(path));
        // held until this run ends
        let lock = match run_lock::take(path.as_deref(), around.on_lock, &mut self.waiter, &mut self.journal)?
        {
            Lock::Stopped => return Ok(Turn::Stopped),
            Lock::Skipped => return Ok(Turn::Skipped),
            Lock::None => Ok(None),
            Lock::Held(lock, Wait::None) => Ok(Some(lock)),
            Lock::Held(lock, Wait::Some) => {
                // that may have been long ago
                match self.refresh()? {
                    Gates::Open => Ok(Some(lock)),
                    Gates::Closed(closed) => return Ok(Turn::Closed(closed)),
                    Gates::Stopped => return Ok(Turn::Stopped),
                    Gates::Undecided(finding) => Err(finding),
                }
            }
            Lock::Broken(finding) => Err(finding),
        };
        self.run_with(lock)
    }

    /// One run, which holds this lock, or fails for this reason.
    fn run_with(&mut self, lock: Result<Option<FileLock>, Finding>) -> Result<Turn, Finding> {
        if self.waiter.has_lost_supervisor() {
            return Ok(Turn::Stopped);
        }
        let now = Now::read();
        // the worker's log, even if HUP reopens it during the run
        let log = self.journal.log.clone();
        self.pacing.begin(now, &mut self.journal);
        let end = match lock {
            Ok(_lock) => {
                one_run::run(now.boot, &self.pacing.timing, &self.setup, &mut self.waiter, &mut self.journal)?
            }
            Err(finding) => RunEnd::not_started(finding),
        };
        Ok(Turn::Ended(end, log))
    }

    /// Applies changes since the last run, and looks at the switches.
    fn refresh(&mut self) -> Result<Gates, Finding> {
        self.renew_variables();
        self.journal.reopen_log(Opening::Run);
        self.waiter.look_after(&self.journal.log);
        let (waiter, journal) = (&mut self.waiter, &mut self.journal);
        gates::switches(self.plan, self.setup.environment(), &mut |deadline| {
            let signals = waiter.wait_until(deadline)?;
            if signals.contains(&libc::SIGHUP) {
                journal.hang_up();
            }
            Ok(signals)
        })
    }

    fn renew_variables(&mut self) {
        let Some((environment, timing)) = self.setup.read_again(&mut self.journal) else { return };
        if let Some(timing) = timing {
            self.pacing.change(self.plan, timing, &mut self.journal);
        }
        self.setup.take_up(environment, &mut self.journal);
    }

    /// HUP between runs: options that depend on variables may change the time of the next run.
    fn renew_timing(&mut self) {
        if matches!(&self.plan.mode, Mode::Loop(TimingSpec::Open(_))) {
            self.renew_variables();
            self.note_next_due();
        }
    }

    fn note_next_due(&mut self) {
        self.pacing.note_next_due(&self.waiter, &mut self.journal);
    }

    /// Ends the loop after a stop between runs.
    fn stopped(&mut self) -> Outcome {
        self.journal.catch_up();
        Outcome::Left(Exit::OK)
    }

    /// Ends the loop after its supervisor is gone. The next loop continues from the record, which it may have replaced
    /// with an older state while waiting.
    fn orphaned(&mut self) -> Outcome {
        self.journal.write_record();
        self.journal.reporter.warn("the supervisor is gone (was it killed?): exiting");
        Outcome::Left(Exit::OK)
    }

    /// Ends the loop with a rest.
    fn over(&mut self, resting: Resting) -> Outcome {
        self.journal.record.content.set_next_due(None);
        self.journal.write_record();
        let signature = self.setup.take_signature();
        let delay = self.pacing.pacer.next_in(Now::read()).unwrap_or_default();
        Outcome::Over { resting, signature, delay }
    }
}
