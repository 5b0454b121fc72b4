//! The loop: wait, run, record, again. A failing or missing worker never ends it; a stop does.

mod ending;
mod hook;
mod one_run;
mod pacer;

use std::ffi::CString;
use std::time::Duration;

use hook::Hooked;
use one_run::{CutShort, RunEnd, Turn};
pub(super) use pacer::Now;
use pacer::{Due, Pacer};

use super::readiness::Readiness;
use super::{Outcome, in_words};
use crate::config::settings::Persist;
use crate::config::timing::{Pace, Timing};
use crate::config::value::Backoff;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::log::{Log, Rotation, tail};
use crate::plan::splay;
use crate::plan::{Mode, Plan};
use crate::ready::environment::{self, Environment, Signature};
use crate::ready::{self, Ready, c_path, program};
use crate::record::{EndedRun, Judgement, NextDue, RecordFile, Resting, RestingKind};
use crate::report::{Audience, Level, Reporter};
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::spawn::{Limit, Vector};
use crate::wait::Deadline;
use crate::wait::Waiter;

/// A `s6-svc -a` given several times is one wish: so long is waited for more before the run it asks
/// for begins. What comes after its beginning asks for one more.
const GATHER_REQUESTS: Duration = Duration::from_millis(50);

/// What is prepared for runs and prepared again when config.env changes.
pub(super) struct Prepared {
    pub(super) environment: Environment,
    pub(super) vector: Vector,
    pub(super) candidates: Vec<CString>,
    /// Of the files that it, or a newer one with findings, was read from.
    signature: Signature,
}

pub(super) struct Cycle<'a> {
    pub(super) plan: &'a Plan,
    pub(super) timing: Timing,
    pub(super) pacer: Pacer,
    pub(super) reporter: &'a mut Reporter,
    waiter: &'a mut Waiter,
    readiness: Readiness<'a>,
    pub(super) log: Log,
    /// The log as it was when the run began: the worker writes there, whatever HUP has opened since.
    pub(super) run_log: Log,
    pub(super) record: RecordFile,
    pub(super) arguments: Vector,
    pub(super) prepared: Prepared,
    environment_trouble: Option<Findings>,
    pub(super) directory: Option<CString>,
    pub(super) limits: Vec<Limit>,
    /// HUP: read config.env again before the next run.
    read_again: bool,
    /// ALRM during a run: one more run at once.
    pub(super) run_again: bool,
    /// In a row; for `--max-failures` and the lines on stderr.
    failures: u32,
    /// In a row, from runs of at most a minute; for `--backoff`.
    short_failures: u32,
}

/// How waiting for the next run ended.
enum Slept {
    /// A run is due.
    Due,
    /// The schedule has no further start.
    NoMore,
    /// A stop came.
    Stopped,
    /// The supervisor has gone.
    Orphaned,
}

/// Runs the worker again and again; the first time after `first_delay` or that of the plan.
pub(crate) fn run_loop(
    ready: Ready<'_>,
    timing: Timing,
    first_delay: Option<Duration>,
    waiter: &mut Waiter,
    reporter: &mut Reporter,
) -> Result<Outcome, Findings> {
    Ok(Cycle::new(ready, timing, waiter, reporter)?.run(first_delay)?)
}

impl<'a> Cycle<'a> {
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
        // left by a launcher that was killed at rest
        if record.content.resting.take().is_some() {
            record.write(reporter);
        }
        let directory = plan.chdir.as_deref().map(c_path);
        let readiness = Readiness::begin(
            plan,
            notification,
            ready_timeout,
            &environment.to_vector(),
            directory.as_deref(),
            reporter,
        );
        let splay = splay::of(plan, timing.splay.map(|splay| splay.duration()));
        let now = Now::read();
        let past = match timing.persist {
            Persist::Yes => record.content.past(&timing.pace, now.wall, reporter),
            Persist::No => record.content.forget(),
        };
        let cycle = Cycle {
            plan,
            pacer: Pacer::new(&timing, splay, past, now),
            timing,
            waiter,
            run_log: log.clone(),
            log,
            record,
            arguments,
            prepared: Prepared::new(plan, environment, readiness.variable()),
            readiness,
            environment_trouble: None,
            directory,
            limits: plan.limits.to_kernel(),
            read_again: false,
            run_again: false,
            failures: 0,
            short_failures: 0,
            reporter,
        };
        Ok(cycle)
    }

    fn run(&mut self, first_delay: Option<Duration>) -> Result<Outcome, Finding> {
        if let Some(delay) = first_delay {
            self.pacer.first_after(delay, Now::read());
        }
        // of a first run at once its end says more
        if self.pacer.next_in(Now::read()) != Some(Duration::ZERO) {
            self.note_next_due();
        }
        sys::process::give_back_memory();
        loop {
            match self.sleep()? {
                Slept::Due => {}
                Slept::Stopped => {
                    self.record.catch_up(self.reporter);
                    return Ok(Outcome::Left(Exit::OK));
                }
                Slept::Orphaned => return Ok(self.orphaned()),
                Slept::NoMore => {
                    let reason = "done: the schedule has no further start";
                    return Ok(self.over(Resting::now(RestingKind::Done, reason, Exit::OK)));
                }
            }
            let end = match self.one_run()? {
                Turn::Ended(end) => end,
                Turn::Stopped if self.has_lost_supervisor() => return Ok(self.orphaned()),
                Turn::Stopped => {
                    self.record.catch_up(self.reporter);
                    return Ok(Outcome::Left(Exit::OK));
                }
                Turn::Closed(closed) => {
                    self.record.catch_up(self.reporter);
                    return Ok(Outcome::GateClosed(closed));
                }
            };
            self.conclude(&end);
            if let Some(exit) = end.stopped {
                self.record.write(self.reporter);
                return Ok(Outcome::Left(exit));
            }
            if let Hooked::Stopped = self.run_hook(&end)? {
                self.record.write(self.reporter);
                return Ok(Outcome::Left(Exit::OK));
            }
            self.pacer.skip_passed(Now::read());
            self.count_dropped();
            if let Some(resting) = self.is_over(&end) {
                return Ok(self.over(resting));
            }
            self.note_next_due();
        }
    }

    /// Whether the supervisor that this loop began under has ended. Nobody can stop it any more, and the next
    /// supervisor starts another loop.
    pub(super) fn has_lost_supervisor(&self) -> bool {
        self.waiter.has_lost_parent()
    }

    /// The loop ends because its supervisor has gone. The record is what the next loop goes on from; it may have
    /// been replaced by that loop, from an older state, to say that it waits.
    fn orphaned(&mut self) -> Outcome {
        self.record.write(self.reporter);
        self.reporter.warn("the supervisor has gone (was it killed?): this loop ends");
        Outcome::Left(Exit::OK)
    }

    /// The loop ends with a rest.
    fn over(&mut self, resting: Resting) -> Outcome {
        self.record.content.set_next_due(None);
        self.record.write(self.reporter);
        let signature = std::mem::take(&mut self.prepared.signature);
        let delay = self.pacer.next_in(Now::read()).unwrap_or_default();
        Outcome::Over { resting, signature, delay }
    }

    /// A run has been due since this moment, or for longer: that it has not begun must be seen in the record.
    pub(super) fn is_due_since(&mut self, now: Now) {
        let noted = self.record.content.next_due.as_deref().and_then(sys::clock::from_utc);
        if noted.is_none_or(|noted| noted > now.wall) {
            let due = NextDue { wall: now.wall, boot: Some(now.boot) };
            self.record.content.set_next_due(Some(due));
        }
    }

    /// Writes down when the next run is due.
    fn note_next_due(&mut self) {
        let now = Now::read();
        self.record.content.set_considered(self.pacer.considered());
        let next_in = match self.run_again {
            true => Some(Duration::ZERO),
            false => self.pacer.next_in(now),
        };
        let is_by_wall_clock = matches!(self.timing.pace, Pace::Schedule(_));
        self.record.content.set_next_due(next_in.map(|next_in| NextDue {
            wall: now.wall + next_in,
            boot: (!is_by_wall_clock).then(|| now.boot.after(next_in)),
        }));
        if let Some(next_in) = next_in {
            self.record.write_soon(next_in, self.reporter);
        }
    }

    /// Adds the ticks that were dropped to the record.
    pub(super) fn count_dropped(&mut self) {
        let record = &mut self.record.content;
        record.skipped = record.skipped.saturating_add(self.pacer.take_dropped());
    }

    /// Counts the run, says what is to be said, and settles when the next is due.
    fn conclude(&mut self, end: &RunEnd) {
        let RunEnd { exit, how, what, hint: _, duration, stopped, cut_short } = end;
        let now = Now::read();
        let judgement = match &self.run_log {
            _ if *cut_short == CutShort::ByStop => Judgement::Stopped,
            _ if exit.is_ok() => Judgement::Succeeded,
            Log::File { file, path, length } => {
                Judgement::Failed { last_lines: tail::last_lines(file, path, *length) }
            }
            _ => Judgement::Failed { last_lines: Vec::new() },
        };
        self.record.content.ended(EndedRun::new(now.wall, *exit, *how, what, *duration), judgement);
        if stopped.is_some() {
            return;
        }
        if exit.is_ok() {
            if self.failures > 0 {
                let runs = if self.failures == 1 { "failed run" } else { "failed runs" };
                self.reporter.info(&format!("worker recovered after {} {runs}", self.failures));
            }
            self.failures = 0;
            self.short_failures = 0;
            self.pacer.ended(now, None);
            self.readiness.succeeded();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let long = *duration > Backoff::RESETS_AFTER;
        self.short_failures = if long { 1 } else { self.short_failures.saturating_add(1) };
        let stretched = self.timing.backoff.zip(self.timing.pace.delay());
        let stretched = stretched.map(|(backoff, base)| backoff.delay(base.duration(), self.short_failures));
        self.pacer.ended(now, stretched);
        let (audience, row) = match self.failures {
            1 => (Audience::Everyone, String::new()),
            failures => (Audience::LogOnly, format!(" ({failures} times in a row)")),
        };
        let next = match self.too_many_failures() {
            true => String::new(),
            false => self.next_in_words(now),
        };
        self.reporter.say(Level::Warning, audience, &format!("worker failed: {}{row}{next}", end.in_words()));
    }

    fn next_in_words(&mut self, now: Now) -> String {
        match (&self.timing.pace, self.pacer.next_in(now)) {
            (_, None) => String::new(),
            (Pace::Schedule(schedule), Some(delay)) => {
                format!("; next run at {}", schedule.local(now.wall + delay))
            }
            (_, Some(delay)) => format!("; next run in {}", in_words(delay)),
        }
    }

    fn is_over(&self, end: &RunEnd) -> Option<Resting> {
        if matches!(self.timing.pace, Pace::Once { .. }) && end.exit.is_ok() {
            return Some(Resting::now(RestingKind::Done, "done: the one run has succeeded", Exit::OK));
        }
        if self.too_many_failures() {
            let reason = format!("{} failures in a row, the last: {}", self.failures, end.in_words());
            return Some(Resting::now(RestingKind::MaxFailures, reason, end.exit));
        }
        None
    }

    fn too_many_failures(&self) -> bool {
        self.timing.max_failures.is_some_and(|most| self.failures >= most)
    }

    /// Sleeps until a signal comes or the time has passed.
    pub(super) fn wait_until(&mut self, deadline: Option<BootTime>) -> Result<Vec<i32>, Finding> {
        self.wait(Deadline { boot: deadline, wall: None })
    }

    fn wait(&mut self, deadline: Deadline) -> Result<Vec<i32>, Finding> {
        let signals = self.waiter.wait(deadline, self.readiness.descriptor());
        self.readiness.listen();
        signals.map_err(|errno| Finding::refused("wait", errno.into()))
    }

    fn sleep(&mut self) -> Result<Slept, Finding> {
        let mut asked = std::mem::take(&mut self.run_again).then(BootTime::now);
        loop {
            if self.has_lost_supervisor() {
                return Ok(Slept::Orphaned);
            }
            let deadline = match self.pacer.due(Now::read()) {
                Due::Never if asked.is_none() => return Ok(Slept::NoMore),
                Due::Never => Deadline { boot: asked, wall: None },
                Due::At(due) => {
                    Deadline { boot: Some(asked.map_or(due, |asked| asked.min(due))), wall: None }
                }
                Due::Wall(due) => Deadline { boot: asked, wall: Some(due) },
            };
            for signal in self.wait(deadline)? {
                match signal {
                    libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => return Ok(Slept::Stopped),
                    libc::SIGALRM => {
                        asked.get_or_insert(BootTime::now().after(GATHER_REQUESTS));
                    }
                    libc::SIGHUP => {
                        self.hang_up();
                        self.renew_timing();
                    }
                    libc::SIGCHLD => sys::process::reap_orphans(),
                    // what is forwarded is for a worker, and there is none
                    _ => {}
                }
            }
            let now = Now::read();
            let is_due = asked.is_some_and(|at| at <= now.boot) || self.pacer.is_due(now);
            if is_due && !self.has_lost_supervisor() {
                return Ok(Slept::Due);
            }
            self.drop_late();
        }
    }

    /// A run that would have come too late was dropped: the record says so.
    fn drop_late(&mut self) {
        let before = self.record.content.skipped;
        self.count_dropped();
        if self.record.content.skipped != before {
            self.reporter.warn("a run that was due is later than --max-late allows: dropped");
            self.note_next_due();
        }
    }

    /// HUP in sleep: options that depend on variables may say another time for the next run.
    fn renew_timing(&mut self) {
        if matches!(&self.plan.mode, Mode::Loop(crate::config::timing::TimingSpec::Open(_))) {
            self.renew_environment();
            self.note_next_due();
        }
    }

    /// HUP: our own lines go to the file that is there now; the rest before the next run.
    pub(super) fn hang_up(&mut self) {
        self.read_again = true;
        self.record.reopen_directory();
        self.reopen_log(Rotation::Never);
    }

    pub(super) fn reopen_log(&mut self, rotation: Rotation) {
        self.log.report_truncation(self.reporter);
        self.log = Log::open(self.plan, rotation, self.reporter);
    }

    /// Reads config.env again if it has changed, HUP asks for it, or it could not be used before (what
    /// mends it may be a directory above). A bad file keeps the old values.
    pub(super) fn renew_environment(&mut self) {
        if !self.read_again && self.environment_trouble.is_none() && self.prepared.signature.is_current() {
            return;
        }
        self.read_again = false;
        let mut findings = Findings::default();
        let environment = environment::build(self.plan, &mut findings);
        let timing = ready::timing(self.plan, &environment, &mut findings);
        if findings.is_empty() {
            if let Some(timing) = timing {
                self.renew_pace(timing);
            }
            if self.environment_trouble.take().is_some() {
                self.reporter.info("the worker's environment is that of its files again");
            }
            self.reporter.trouble("environment", environment.quirks());
            self.prepared = Prepared::new(self.plan, environment, self.readiness.variable());
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
}

impl Cycle<'_> {
    fn renew_pace(&mut self, timing: Timing) {
        let splay = splay::of(self.plan, timing.splay.map(|splay| splay.duration()));
        let now = Now::read();
        self.pacer.change(&timing, splay, now);
        match timing.persist {
            Persist::Yes if timing.pace != self.timing.pace => {
                self.record.content.past(&timing.pace, now.wall, self.reporter);
            }
            Persist::Yes => {}
            Persist::No => {
                self.record.content.forget();
            }
        }
        self.timing = timing;
    }
}

impl Prepared {
    /// `notify` is NOTIFY_SOCKET, if there is one.
    fn new(plan: &Plan, environment: Environment, notify: Option<&CString>) -> Self {
        let mut vector = environment.to_vector();
        if let Some(notify) = notify {
            let others =
                vector.texts().iter().filter(|entry| !entry.as_bytes().starts_with(b"NOTIFY_SOCKET="));
            vector = Vector::new(others.chain([notify]).cloned().collect());
        }
        Prepared {
            vector,
            candidates: program::candidates(plan, &environment),
            signature: environment.signature().clone(),
            environment,
        }
    }
}
