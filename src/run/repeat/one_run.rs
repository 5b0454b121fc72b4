//! One run: from the lock to the end of the worker, and after a stop or timeout of its group.

use std::time::Duration;

use super::Cycle;
use super::ending::Ending;
use super::pacer::Now;
use crate::config::settings::Persist;
use crate::error::Finding;
use crate::exit::Exit;
use crate::log::Rotation;
use crate::record::How;
use crate::run::child::{Child, not_started};
use crate::run::gates::{self, Closed};
use crate::run::lock::{Lock, Wait};
use crate::sys::clock::BootTime;
use crate::sys::spawn::Launch;
use crate::wait::handled;

/// A run that lasts longer is recorded as begun; of a shorter one the end is enough.
const RECORD_BEGIN_AFTER: Duration = Duration::from_secs(1);

/// What became of a turn of the loop.
pub(super) enum Turn {
    /// A run.
    Ended(RunEnd),
    /// A stop came while it waited for the lock, or the supervisor has gone.
    Stopped,
    /// A gate has been closed.
    Closed(Closed),
}

/// How a run ended, and whether another follows.
pub(super) struct RunEnd {
    pub(super) exit: Exit,
    pub(super) how: How,
    pub(super) what: String,
    /// The remedy, where there is one.
    pub(super) hint: Option<String>,
    pub(super) duration: Duration,
    pub(super) stopped: Option<Exit>,
    pub(super) cut_short: CutShort,
}

/// Whether a stop ended the run, which says nothing of the worker then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutShort {
    /// A stop did.
    ByStop,
    /// The worker ended by itself, or by `--timeout`.
    No,
}

impl RunEnd {
    /// A run whose worker did not start.
    fn not_begun(finding: Finding) -> Self {
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
}

impl Cycle<'_> {
    /// One run, if nothing is in its way.
    pub(super) fn one_run(&mut self) -> Result<Turn, Finding> {
        if let Some(closed) = self.look_around() {
            return Ok(Turn::Closed(closed));
        }
        // held until this run is over
        let lock = match self.take_lock()? {
            Lock::Stopped => return Ok(Turn::Stopped),
            Lock::None => Ok(None),
            Lock::Held(lock, Wait::None) => Ok(Some(lock)),
            Lock::Held(lock, Wait::Some) => {
                // that may have been long ago
                if let Some(closed) = self.look_around() {
                    return Ok(Turn::Closed(closed));
                }
                Ok(Some(lock))
            }
            Lock::Broken(finding) => Err(finding),
        };
        if self.has_lost_supervisor() {
            return Ok(Turn::Stopped);
        }
        let now = Now::read();
        self.run_log = self.log.clone();
        self.pacer.began(now);
        self.count_dropped();
        self.record.content.started(now.wall);
        self.record.content.set_considered(self.pacer.considered());
        if self.timing.persist == Persist::Yes {
            // a launcher that is killed now must not begin this run again
            self.record.write(self.reporter);
        }
        let _lock = match lock {
            Ok(lock) => lock,
            Err(finding) => return Ok(Turn::Ended(RunEnd::not_begun(finding))),
        };

        let started = now.boot;
        let launched = Child::start(&Launch {
            candidates: &self.prepared.candidates,
            arguments: &self.arguments,
            environment: &self.prepared.vector,
            output: self.log.descriptor(),
            join: self.log.join(),
            directory: self.directory.as_deref(),
            umask: self.plan.umask,
            limits: &self.limits,
            handled: handled(),
            foreground: false,
        });
        match launched {
            Ok(worker) => self.supervise(worker, started).map(Turn::Ended),
            Err(error) => {
                Ok(Turn::Ended(RunEnd::not_begun(not_started(error, self.plan, &self.prepared.environment))))
            }
        }
    }

    /// Takes up what has changed since the last run; gives a switch that is off by now.
    fn look_around(&mut self) -> Option<Closed> {
        self.renew_environment();
        self.reopen_log(Rotation::WhenDue);
        gates::switched_off(self.plan, &self.prepared.environment)
    }

    /// From the worker's start until it has ended; after a stop or timeout, and with `--on-exit kill`, until its
    /// group has.
    fn supervise(&mut self, mut worker: Child, started: BootTime) -> Result<RunEnd, Finding> {
        let timeout_at = self.timing.timeout.map(|timeout| started.after(timeout.duration()));
        let mut record_at = Some(started.after(RECORD_BEGIN_AFTER));
        let mut ending = Ending::new(started, timeout_at, self.timing.stop);
        loop {
            worker.reap();
            let now = BootTime::now();
            if let Some(end) = ending.is_over(&worker, now, self.reporter) {
                return Ok(end);
            }
            if record_at.is_some_and(|at| now >= at) {
                record_at = None;
                // the next supervisor's loop may have said in the record that it waits for this one
                if !self.has_lost_supervisor() {
                    self.record.write(self.reporter);
                }
            }
            ending.proceed(&worker, now);
            let deadline = record_at.into_iter().chain(ending.deadline(&worker, now)).min();
            for signal in self.wait_until(deadline)? {
                match signal {
                    libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => ending.stop(signal, &worker),
                    libc::SIGALRM => self.run_again = true,
                    libc::SIGHUP => self.hang_up(),
                    libc::SIGCHLD | libc::SIGURG => {}
                    // elsewhere than as PID 1 only USR1, USR2 and WINCH come here
                    forwarded => worker.signal(forwarded),
                }
            }
        }
    }
}
