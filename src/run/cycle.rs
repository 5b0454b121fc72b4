//! The loop: wait, run, record, again. A failing or missing worker never ends it; a stop does.

use std::ffi::CString;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::record::{Judgement, RecordFile, Resting, RestingKind};
use super::signals::HANDLED;
use super::worker::{Worker, exit_of, not_started, reap_orphans, system_refused};
use super::{Ended, Waiter};
use crate::config::settings::OnStop;
use crate::config::timing::{Pace, StopRules, Timing};
use crate::config::value::Backoff;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::log::{Log, Rotation, tail};
use crate::plan::Plan;
use crate::ready::environment::{self, Environment, Signature};
use crate::ready::{self, Ready, c_path, program};
use crate::report::{Audience, Level, Reporter};
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::process::Ending;
use crate::sys::spawn::{Launch, Limit, Vector};

/// A `s6-svc -a` given several times is one wish: so long is waited for more before the run it asks
/// for begins. What comes after its beginning asks for one more.
const GATHER_REQUESTS: Duration = Duration::from_millis(50);
/// At container shutdown TERM comes up to three times within 1 ms; a second one counts as impatience
/// only after this.
const IMPATIENT_AFTER: Duration = Duration::from_secs(1);
/// A run that lasts longer is recorded as begun; of a shorter one the end is enough.
const RECORD_BEGIN_AFTER: Duration = Duration::from_secs(1);
/// How long a group that got KILL may take to be gone (uninterruptible system calls).
const KILL_TAKES: Duration = Duration::from_secs(2);

/// What is prepared for runs and prepared again when config.env changes.
struct Prepared {
    environment: Environment,
    vector: Vector,
    candidates: Vec<CString>,
    /// Of the files that it, or a newer one with findings, was read from.
    signature: Signature,
}

struct Cycle<'a> {
    plan: &'a Plan,
    timing: Timing,
    reporter: &'a mut Reporter,
    waiter: &'a mut Waiter,
    log: Log,
    record: RecordFile,
    arguments: Vector,
    prepared: Prepared,
    environment_trouble: Option<Findings>,
    directory: Option<CString>,
    limits: Vec<Limit>,
    /// HUP: read config.env again before the next run.
    read_again: bool,
    /// ALRM during a run: one more run at once.
    run_again: bool,
    /// In a row; for `--max-failures` and the lines on stderr.
    failures: u32,
    /// In a row, from runs of at most a minute; for `--backoff`.
    short_failures: u32,
}

/// How waiting for the next run ended.
enum Slept {
    Due,
    Stopped,
}

/// How a run ended, and whether another follows.
struct RunEnd {
    exit: Exit,
    what: String,
    duration: Duration,
    stopped: Option<Exit>,
    cut_short: CutShort,
}

/// Whether a stop ended the run, which says nothing of the worker then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CutShort {
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

/// Runs the worker again and again; the first time after `first_delay` or that of the plan.
pub(super) fn run_loop(
    ready: Ready<'_>,
    timing: Timing,
    first_delay: Option<Duration>,
    waiter: &mut Waiter,
    reporter: &mut Reporter,
) -> Ended {
    match Cycle::new(ready, timing, waiter, reporter) {
        Ok(mut cycle) => cycle.run(first_delay).unwrap_or_else(|finding| Ended::Broken(finding.into())),
        Err(finding) => Ended::Broken(finding.into()),
    }
}

impl<'a> Cycle<'a> {
    fn new(
        ready: Ready<'a>,
        timing: Timing,
        waiter: &'a mut Waiter,
        reporter: &'a mut Reporter,
    ) -> Result<Self, Finding> {
        let arguments = ready.arguments();
        let Ready { plan, environment, timing: _, log, notification } = ready;
        nix::sys::prctl::set_child_subreaper(true)
            .map_err(|errno| system_refused("become a subreaper", errno.into()))?;
        let mut record = RecordFile::open(plan, reporter);
        // left by a launcher that was killed at rest
        if record.record.resting.take().is_some() {
            record.write(reporter);
        }
        let cycle = Cycle {
            plan,
            timing,
            waiter,
            log,
            record,
            arguments,
            prepared: Prepared::new(plan, environment),
            environment_trouble: None,
            directory: plan.chdir.as_deref().map(c_path),
            limits: plan.limits.to_kernel(),
            read_again: false,
            run_again: false,
            failures: 0,
            short_failures: 0,
            reporter,
        };
        if let Some(notification) = notification {
            notification.ready();
        }
        Ok(cycle)
    }

    fn run(&mut self, first_delay: Option<Duration>) -> Result<Ended, Finding> {
        let initial = self.timing.initial_delay.map(|delay| delay.duration());
        let mut due = BootTime::now().after(first_delay.or(initial).unwrap_or_default());
        sys::process::give_back_memory();
        loop {
            if let Slept::Stopped = self.sleep_until(due)? {
                self.record.catch_up(self.reporter);
                return Ok(Ended::Left(Exit::OK));
            }
            let end = self.one_run()?;
            let delay = self.conclude(&end);
            if let Some(exit) = end.stopped {
                self.record.write(self.reporter);
                return Ok(Ended::Left(exit));
            }
            if let Some(resting) = self.is_over(&end) {
                self.record.write(self.reporter);
                let signature = std::mem::take(&mut self.prepared.signature);
                return Ok(Ended::Over { resting, signature, delay });
            }
            let delay = if self.run_again { Duration::ZERO } else { delay };
            due = BootTime::now().after(delay);
            self.record.record.next_due = Some(sys::clock::utc(sys::clock::wall_now() + delay));
            self.record.write_by_and_by(delay, self.reporter);
        }
    }

    /// Counts the run and says what is to be said; gives the delay to the next.
    fn conclude(&mut self, end: &RunEnd) -> Duration {
        let RunEnd { exit, what, duration, stopped, cut_short } = end;
        let base = self.timing.pace.delay().duration();
        let judgement = match &self.log {
            _ if *cut_short == CutShort::ByStop => Judgement::Stopped,
            _ if exit.is_ok() => Judgement::Succeeded,
            Log::File { path, length, .. } => {
                Judgement::Failed { last_lines: tail::last_lines(path, *length) }
            }
            _ => Judgement::Failed { last_lines: Vec::new() },
        };
        self.record.ended(sys::clock::wall_now(), *exit, *duration, judgement);
        if stopped.is_some() {
            return base;
        }
        if exit.is_ok() {
            if self.failures > 0 {
                let runs = if self.failures == 1 { "failed run" } else { "failed runs" };
                self.reporter.info(&format!("worker recovered after {} {runs}", self.failures));
            }
            self.failures = 0;
            self.short_failures = 0;
            return base;
        }
        self.failures = self.failures.saturating_add(1);
        let long = *duration > Backoff::RESETS_AFTER;
        self.short_failures = if long { 1 } else { self.short_failures.saturating_add(1) };
        let delay = match &self.timing.backoff {
            Some(backoff) => backoff.delay(base, self.short_failures),
            None => base,
        };
        let (audience, row) = match self.failures {
            1 => (Audience::Everyone, String::new()),
            failures => (Audience::LogOnly, format!(" ({failures} times in a row)")),
        };
        let next = match self.too_many_failures() {
            true => String::new(),
            false => format!("; next run in {}", in_words(delay)),
        };
        self.reporter.say(Level::Warning, audience, &format!("worker failed: {what}{row}{next}"));
        delay
    }

    fn is_over(&self, end: &RunEnd) -> Option<Resting> {
        if matches!(self.timing.pace, Pace::Once { .. }) && end.exit.is_ok() {
            return Some(Resting::now(RestingKind::Done, "done: the one run has succeeded", Exit::OK));
        }
        if self.too_many_failures() {
            let reason = format!("{} failures in a row, the last: {}", self.failures, end.what);
            return Some(Resting::now(RestingKind::MaxFailures, reason, end.exit));
        }
        None
    }

    fn too_many_failures(&self) -> bool {
        self.timing.max_failures.is_some_and(|most| self.failures >= most)
    }

    fn wait(&mut self, deadline: Option<BootTime>) -> Result<Vec<Signal>, Finding> {
        self.waiter.wait(deadline, None).map_err(|errno| system_refused("wait", errno.into()))
    }

    fn sleep_until(&mut self, mut due: BootTime) -> Result<Slept, Finding> {
        self.run_again = false;
        loop {
            for signal in self.wait(Some(due))? {
                match signal {
                    Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT => return Ok(Slept::Stopped),
                    Signal::SIGALRM => due = due.min(BootTime::now().after(GATHER_REQUESTS)),
                    Signal::SIGHUP => self.hang_up(),
                    Signal::SIGCHLD => reap_orphans(),
                    // USR1, USR2, WINCH are for a worker, and there is none
                    _ => {}
                }
            }
            if due <= BootTime::now() {
                return Ok(Slept::Due);
            }
        }
    }

    /// HUP: our own lines go to the file that is there now; the rest before the next run.
    fn hang_up(&mut self) {
        self.read_again = true;
        self.record.reopen_directory();
        self.reopen_log(Rotation::Never);
    }

    fn reopen_log(&mut self, rotation: Rotation) {
        self.log = Log::open(self.plan, rotation, self.reporter);
    }

    /// Reads config.env again if it has changed, HUP asks for it, or it could not be used before (what
    /// mends it may be a directory above). A bad file keeps the old values.
    fn renew_environment(&mut self) {
        if !self.read_again && self.environment_trouble.is_none() && self.prepared.signature.is_current() {
            return;
        }
        self.read_again = false;
        let mut findings = Findings::default();
        let environment = environment::build(self.plan, &mut findings);
        let timing = ready::timing(self.plan, &environment, &mut findings);
        if findings.is_empty() {
            self.timing = timing.unwrap_or_else(|| self.timing.clone());
            if self.environment_trouble.take().is_some() {
                self.reporter.info("the worker's environment is that of its files again");
            }
            self.reporter.trouble("environment", environment.oddity());
            self.prepared = Prepared::new(self.plan, environment);
            return;
        }
        self.prepared.signature = environment.signature().clone();
        let said = self.environment_trouble.take().unwrap_or_default();
        let mut new = findings.iter().filter(|finding| !said.iter().any(|each| each == *finding)).peekable();
        if new.peek().is_some() {
            new.for_each(|finding| self.reporter.finding(Level::Warning, finding));
            self.reporter.warn("the worker keeps the environment it had");
        }
        self.environment_trouble = Some(findings);
    }

    fn one_run(&mut self) -> Result<RunEnd, Finding> {
        self.renew_environment();
        self.reopen_log(Rotation::WhenDue);
        self.record.started(sys::clock::wall_now());

        let started = BootTime::now();
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
            Ok(worker) => self.supervise(worker, started),
            Err(error) => {
                let finding = not_started(error, self.plan, &self.prepared.environment);
                let what = match finding.hint {
                    Some(hint) => format!("{} (hint: {hint})", finding.text),
                    None => finding.text,
                };
                Ok(RunEnd {
                    exit: finding.exit,
                    what,
                    duration: Duration::ZERO,
                    stopped: None,
                    cut_short: CutShort::No,
                })
            }
        }
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
            for signal in self.wait(record_at.into_iter().chain(deadline).min())? {
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
            _ if self.timed_out => (Exit::TIMED_OUT, format!("timed out after {}", in_words(duration))),
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

impl Prepared {
    fn new(plan: &Plan, environment: Environment) -> Self {
        Prepared {
            vector: environment.to_vector(),
            candidates: program::candidates(plan, &environment),
            signature: environment.signature().clone(),
            environment,
        }
    }
}

/// `60 s`, `1m 30s`, to the millisecond below two minutes.
fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}
