//! How a run ends: on its own, by a stop or by `--timeout`; and ending processes left in the worker's group.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::run_end::{CutShort, RunEnd, in_words};
use crate::config::settings::{OnExit, OnStop};
use crate::config::timing::StopRules;
use crate::exit::Exit;
use crate::record::How;
use crate::report::Reporter;
use crate::run::child::{Child, exit_of};
use crate::sys::clock::BootTime;
use crate::sys::group::Left;
use crate::sys::process;

/// At container shutdown TERM arrives up to three times within 1 ms; a second one kills only after this time.
const IMPATIENT_AFTER: Duration = Duration::from_secs(1);
/// How long a group may survive KILL (uninterruptible system calls).
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// No signal reports the end of a process that is not a child. While a group is being ended, this is the interval for
/// checking whether it is empty,
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// and this the longest for checking whether only zombies remain, which reads the state of every process.
const MAX_ZOMBIE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The state of ending a run.
pub(super) struct RunEnding {
    started: BootTime,
    timeout_at: Option<BootTime>,
    rules: StopRules,
    stop_asked_at: Option<BootTime>,
    interrupted: bool,
    group_end: Option<GroupEnd>,
    /// The worker's own end, once known.
    ended: Option<WorkerEnd>,
    check: ZombieCheck,
}

/// The state of ending a group.
#[derive(Clone, Copy)]
struct GroupEnd {
    why: EndReason,
    kill: Kill,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EndReason {
    Stop,
    Timeout,
    /// The worker ended on its own, and `--on-exit kill` ends the processes it left.
    LeftBehind,
}

#[derive(Clone, Copy)]
enum Kill {
    /// The group was asked to end; KILL is due at this time.
    At(BootTime),
    /// KILL was sent at this time.
    SentAt(BootTime),
}

#[derive(Clone, Copy)]
struct WorkerEnd {
    how: process::Ending,
    at: BootTime,
}

/// When to read the state of every process next.
struct ZombieCheck {
    pause: Duration,
    at: Option<BootTime>,
}

impl RunEnding {
    pub(super) fn new(started: BootTime, timeout_at: Option<BootTime>, rules: StopRules) -> Self {
        RunEnding {
            started,
            timeout_at,
            rules,
            stop_asked_at: None,
            interrupted: false,
            group_end: None,
            ended: None,
            check: ZombieCheck { pause: CHECK_INTERVAL, at: None },
        }
    }

    /// The end of the run, if complete: the worker has ended, and no process of a group being ended is left.
    pub(super) fn is_over(&mut self, worker: &Child, now: BootTime, reporter: &Reporter) -> Option<RunEnd> {
        if self.ended.is_none() {
            self.ended = worker.ended().map(|how| WorkerEnd { how, at: now });
        }
        if let Some(ended) = self.ended {
            if self.group_end.is_none() && self.rules.on_exit == OnExit::Kill && !worker.group_is_empty() {
                self.begin(EndReason::LeftBehind, worker, now);
            }
            if self.group_end.is_none() || self.check.is_clear(worker, now) {
                return Some(self.end(ended));
            }
        }
        match self.group_end {
            Some(GroupEnd { kill: Kill::SentAt(at), .. }) if now >= at.after(KILL_TIMEOUT) => {
                reporter.warn("a process in the worker's group survived KILL; continuing without it");
                let how = self.ended.map_or(process::Ending::Killed(libc::SIGKILL), |ended| ended.how);
                Some(self.end(self.ended.unwrap_or(WorkerEnd { how, at: now })))
            }
            _ => None,
        }
    }

    /// Carries out due actions: the timeout, KILL.
    pub(super) fn proceed(&mut self, worker: &Child, now: BootTime) {
        match &mut self.group_end {
            None if self.timeout_at.is_some_and(|at| now >= at) => {
                self.begin(EndReason::Timeout, worker, now)
            }
            Some(GroupEnd { kill, .. }) => {
                if let Kill::At(at) = *kill
                    && now >= at
                {
                    worker.signal_group(libc::SIGKILL);
                    // a worker that has left its group
                    worker.signal(libc::SIGKILL);
                    *kill = Kill::SentAt(now);
                }
            }
            None => {}
        }
    }

    /// When the next action is due.
    pub(super) fn deadline(&self, worker: &Child, now: BootTime) -> Option<BootTime> {
        let of_group = match self.group_end {
            None => return self.timeout_at,
            Some(GroupEnd { kill: Kill::At(at), .. }) => at,
            Some(GroupEnd { kill: Kill::SentAt(at), .. }) => at.after(KILL_TIMEOUT),
        };
        // the worker's own end is reported by a signal
        let check = worker.ended().map(|_| now.after(CHECK_INTERVAL));
        check.into_iter().chain([of_group]).min()
    }

    /// The first signal asks the worker to end (or lets it finish); a second INT, or any signal more than a second
    /// later, kills it.
    pub(super) fn stop(&mut self, signal: i32, worker: &Child) {
        let now = BootTime::now();
        let second_int = signal == libc::SIGINT && std::mem::replace(&mut self.interrupted, true);
        match self.stop_asked_at {
            None => {
                self.stop_asked_at = Some(now);
                if self.rules.on_stop == OnStop::Kill && self.group_end.is_none() {
                    self.begin(EndReason::Stop, worker, now);
                }
            }
            Some(first) if second_int || now.since(first) > IMPATIENT_AFTER => {
                let why = self.group_end.map_or(EndReason::Stop, |group_end| group_end.why);
                if !matches!(self.group_end, Some(GroupEnd { kill: Kill::SentAt(_), .. })) {
                    self.group_end = Some(GroupEnd { why, kill: Kill::At(now) });
                }
            }
            Some(_) => {}
        }
    }

    /// Asks the group to end: the signal, then CONT for stopped processes.
    fn begin(&mut self, why: EndReason, worker: &Child, now: BootTime) {
        worker.signal_group(self.rules.signal.0 as i32);
        worker.signal_group(libc::SIGCONT);
        self.group_end = Some(GroupEnd { why, kill: Kill::At(now.after(self.rules.grace.duration())) });
    }

    fn end(&self, ended: WorkerEnd) -> RunEnd {
        let duration = ended.at.since(self.started);
        let why = self.group_end.map(|group_end| group_end.why);
        let is_killed = matches!(self.group_end, Some(GroupEnd { kill: Kill::SentAt(_), .. }));
        let needed_kill = is_killed
            && why != Some(EndReason::LeftBehind)
            && ended.how == process::Ending::Killed(libc::SIGKILL);
        let stopped = self.stop_asked_at.map(|_| if needed_kill { Exit::KILLED } else { Exit::OK });
        let (exit, how, what) = match ended.how {
            _ if why == Some(EndReason::Timeout) => {
                (Exit::TIMED_OUT, How::TimedOut, format!("timed out after {}", in_words(duration)))
            }
            process::Ending::Exited(code) => (exit_of(ended.how), How::Exited, format!("exit status {code}")),
            process::Ending::Killed(number) => {
                let name = Signal::try_from(number).map_or(format!("signal {number}"), |it| it.to_string());
                (exit_of(ended.how), How::Killed, format!("killed by {name}"))
            }
        };
        let cut_short = match why {
            Some(EndReason::Stop) if stopped.is_some() => CutShort::ByStop,
            _ => CutShort::No,
        };
        RunEnd { exit, how, what, hint: None, duration, stopped, cut_short }
    }
}

impl ZombieCheck {
    /// Whether the group has no process left that a signal can affect.
    fn is_clear(&mut self, worker: &Child, now: BootTime) -> bool {
        if worker.group_is_empty() {
            return true;
        }
        let at = *self.at.get_or_insert(now.after(self.pause));
        if now < at {
            return false;
        }
        self.pause = (self.pause * 2).min(MAX_ZOMBIE_CHECK_INTERVAL);
        self.at = Some(now.after(self.pause));
        worker.left_of_group() != Left::Processes
    }
}
