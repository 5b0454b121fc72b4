//! One run: from the lock to the end of the worker, and after a stop or timeout of its group.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::cycle::Cycle;
use super::gates::{self, Closed};
use super::lock::{Lock, Wait};
use super::pacer::Now;
use super::signals::HANDLED;
use super::worker::{Worker, exit_of, not_started};
use crate::config::settings::{OnStop, Persist};
use crate::config::timing::StopRules;
use crate::error::Finding;
use crate::exit::Exit;
use crate::log::Rotation;
use crate::sys::clock::BootTime;
use crate::sys::process::Ending;
use crate::sys::spawn::Launch;

/// At container shutdown TERM comes up to three times within 1 ms; a second one counts as impatience
/// only after this.
const IMPATIENT_AFTER: Duration = Duration::from_secs(1);
/// A run that lasts longer is recorded as begun; of a shorter one the end is enough.
const RECORD_BEGIN_AFTER: Duration = Duration::from_secs(1);
/// How long a group that got KILL may take to be gone (uninterruptible system calls).
const KILL_TAKES: Duration = Duration::from_secs(2);

/// What became of a turn of the loop.
pub(super) enum Turn {
    /// A run.
    Ended(RunEnd),
    /// A stop came while it waited for the lock.
    Stopped,
    /// A gate has been closed.
    Closed(Closed),
}

/// How a run ended, and whether another follows.
pub(super) struct RunEnd {
    pub(super) exit: Exit,
    pub(super) what: String,
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

/// A run that is being ended, by a stop or a timeout.
#[derive(Clone, Copy)]
enum Winding {
    /// Asked to; KILL comes at this time.
    KillAt(BootTime),
    /// KILL was sent at this time.
    KilledAt(BootTime),
}

impl RunEnd {
    /// A run whose worker did not start.
    fn not_begun(finding: Finding) -> Self {
        let what = match finding.hint {
            Some(hint) => format!("{} (hint: {hint})", finding.text),
            None => finding.text,
        };
        let (duration, stopped, cut_short) = (Duration::ZERO, None, CutShort::No);
        RunEnd { exit: finding.exit, what, duration, stopped, cut_short }
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
        let now = Now::read();
        self.pacer.began(now);
        self.count_dropped();
        self.record.started(now.wall);
        self.record.has_considered(self.pacer.considered());
        if self.timing.persist == Persist::Yes {
            // a launcher that is killed now must not begin this run again
            self.record.write(self.reporter);
        }
        let _lock = match lock {
            Ok(lock) => lock,
            Err(finding) => return Ok(Turn::Ended(RunEnd::not_begun(finding))),
        };

        let started = now.boot;
        let launched = Worker::start(&Launch {
            candidates: &self.prepared.candidates,
            arguments: &self.arguments,
            environment: &self.prepared.vector,
            output: self.log.descriptor(),
            join: self.log.join(),
            directory: self.directory.as_deref(),
            umask: self.plan.umask,
            limits: &self.limits,
            handled: &HANDLED,
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

    /// From the worker's start until it has ended, and after a stop or timeout its group too.
    fn supervise(&mut self, mut worker: Worker, started: BootTime) -> Result<RunEnd, Finding> {
        let timeout_at = self.timing.timeout.map(|timeout| started.after(timeout.duration()));
        let mut record_at = Some(started.after(RECORD_BEGIN_AFTER));
        let mut run =
            Run { started, stop_asked_at: None, interrupted: false, timed_out: false, winding: None };
        loop {
            worker.reap();
            if let Some(ended) = worker.ended()
                && (run.winding.is_none() || worker.group_is_empty())
            {
                return Ok(run.end(ended));
            }

            let now = BootTime::now();
            if record_at.is_some_and(|at| now >= at) {
                record_at = None;
                self.record.write(self.reporter);
            }
            match run.winding {
                None if timeout_at.is_some_and(|at| now >= at) => {
                    run.timed_out = true;
                    run.winding = Some(ask_to_stop(&worker, &self.timing.stop, now));
                }
                Some(Winding::KillAt(at)) if now >= at => {
                    worker.signal_group(Signal::SIGKILL);
                    // a worker that has left its group
                    worker.signal(Signal::SIGKILL);
                    run.winding = Some(Winding::KilledAt(now));
                }
                Some(Winding::KilledAt(at)) if now >= at.after(KILL_TAKES) => {
                    self.reporter.warn("a process of the worker's group survives KILL; going on without it");
                    return Ok(run.end(worker.ended().unwrap_or(Ending::Killed(libc::SIGKILL))));
                }
                _ => {}
            }

            let deadline = match run.winding {
                None => timeout_at,
                Some(Winding::KillAt(at)) => Some(at),
                Some(Winding::KilledAt(at)) => Some(at.after(KILL_TAKES)),
            };
            for signal in self.wait_until(record_at.into_iter().chain(deadline).min())? {
                match signal {
                    Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT => {
                        run.stop(signal, &worker, &self.timing.stop);
                    }
                    Signal::SIGALRM => self.run_again = true,
                    Signal::SIGHUP => self.hang_up(),
                    Signal::SIGUSR1 | Signal::SIGUSR2 | Signal::SIGWINCH => worker.signal(signal),
                    _ => {}
                }
            }
        }
    }
}

/// A run as the launcher sees it.
struct Run {
    started: BootTime,
    stop_asked_at: Option<BootTime>,
    interrupted: bool,
    timed_out: bool,
    winding: Option<Winding>,
}

impl Run {
    /// The first signal asks the worker (or lets it finish); a second INT, or any more than a second
    /// later, kills now.
    fn stop(&mut self, signal: Signal, worker: &Worker, rules: &StopRules) {
        let now = BootTime::now();
        let second_int = signal == Signal::SIGINT && std::mem::replace(&mut self.interrupted, true);
        match self.stop_asked_at {
            None => {
                self.stop_asked_at = Some(now);
                if rules.on_stop == OnStop::Kill && self.winding.is_none() {
                    self.winding = Some(ask_to_stop(worker, rules, now));
                }
            }
            Some(first) if second_int || now.since(first) > IMPATIENT_AFTER => {
                if !matches!(self.winding, Some(Winding::KilledAt(_))) {
                    self.winding = Some(Winding::KillAt(now));
                }
            }
            Some(_) => {}
        }
    }

    fn end(&self, ended: Ending) -> RunEnd {
        let duration = BootTime::now().since(self.started);
        let needed_kill =
            ended == Ending::Killed(libc::SIGKILL) && matches!(self.winding, Some(Winding::KilledAt(_)));
        let stopped = self.stop_asked_at.map(|_| if needed_kill { Exit::KILLED } else { Exit::OK });
        let (exit, what) = match ended {
            _ if self.timed_out => {
                (Exit::TIMED_OUT, format!("timed out after {}", super::in_words(duration)))
            }
            Ending::Exited(code) => (exit_of(ended), format!("exit status {code}")),
            Ending::Killed(number) => {
                let name = Signal::try_from(number).map_or(format!("signal {number}"), |it| it.to_string());
                (exit_of(ended), format!("killed by {name}"))
            }
        };
        let cut_short = match self.winding {
            Some(_) if stopped.is_some() && !self.timed_out => CutShort::ByStop,
            _ => CutShort::No,
        };
        RunEnd { exit, what, duration, stopped, cut_short }
    }
}

/// Asks the group to stop: the signal, then CONT for a worker that was stopped.
fn ask_to_stop(worker: &Worker, rules: &StopRules, now: BootTime) -> Winding {
    worker.signal_group(rules.signal.0);
    worker.signal_group(Signal::SIGCONT);
    Winding::KillAt(now.after(rules.grace.duration()))
}
