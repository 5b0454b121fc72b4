//! `--before`: commands that have to succeed before the worker starts, or the loop. Each runs as a worker would, and is
//! stopped as one.

use std::time::Duration;

use nix::unistd::Pid;

use super::child::{Child, not_started};
use super::command::shell;
use super::ending::RunEnding;
use super::run_end::RunEnd;
use crate::config::settings::OnStop;
use crate::config::timing::StopRules;
use crate::config::value::ShellCommand;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::ready::{Ready, c_path};
use crate::record::{Resting, write_resting};
use crate::report::Reporter;
use crate::sys::clock::BootTime;
use crate::sys::spawn::{Launch, SpawnError, Step};
use crate::wait::{Deadline, Waiter, handled, is_stop};

/// A command that runs for longer is in the record.
const RECORD_AFTER: Duration = Duration::from_secs(1);
/// The first pause before a failed command is run again; it doubles each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The state of the commands: each has to succeed once in the life of this process, however often it rests.
#[derive(Debug, Default)]
pub(crate) struct Before {
    succeeded: usize,
    /// Of the command that is next.
    failures: u32,
}

/// What follows from the commands.
pub(crate) enum BeforeEnd {
    /// All have succeeded, before this attempt.
    HaveSucceeded,
    /// All have succeeded, the last of them now.
    Succeeded,
    /// A stop arrived, or the supervisor is gone.
    Stopped(Exit),
    /// One has failed.
    Failed(BeforeFailure),
}

/// A command that has failed.
#[derive(Debug)]
pub(crate) struct BeforeFailure {
    /// The command, and how it ended.
    pub(crate) reason: String,
    /// Its exit code.
    pub(crate) exit: Exit,
    /// How often it has failed in a row.
    pub(crate) failures: u32,
    /// The pause before it is run again.
    pub(crate) pause: Duration,
}

impl Before {
    /// Runs the commands that have not succeeded yet, in order, until one fails.
    pub(crate) fn run(
        &mut self,
        ready: &Ready<'_>,
        supervisor: Option<Pid>,
        place: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Result<BeforeEnd, Findings> {
        let commands = ready.plan.before.get(self.succeeded..).unwrap_or_default();
        if commands.is_empty() {
            return Ok(BeforeEnd::HaveSucceeded);
        }
        let waiter =
            Waiter::in_place(place).map_err(|error| Finding::refused("set up signal handling", error))?;
        if let Some(supervisor) = supervisor {
            waiter.watch_parent(supervisor);
        }
        let rules = stop_rules(ready);
        for command in commands {
            let end = run_one(command, ready, rules, waiter, reporter)?;
            if let Some(exit) = end.stopped {
                // of the failure before; the record may belong to the next supervisor's launcher by now
                if self.failures > 0 && !waiter.has_lost_parent() {
                    write_resting(ready.plan, None, reporter);
                }
                return Ok(BeforeEnd::Stopped(exit));
            }
            if !end.exit.is_ok() {
                self.failures = self.failures.saturating_add(1);
                return Ok(BeforeEnd::Failed(self.failure(command, &end)));
            }
            (self.succeeded, self.failures) = (self.succeeded + 1, 0);
        }
        Ok(BeforeEnd::Succeeded)
    }

    fn failure(&self, command: &ShellCommand, end: &RunEnd) -> BeforeFailure {
        let doublings = self.failures.saturating_sub(1).min(16);
        BeforeFailure {
            reason: format!("the --before command '{command}' failed: {}", end.in_words()),
            exit: end.exit,
            failures: self.failures,
            pause: (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE),
        }
    }
}

/// Those of the loop; a stop always ends the command.
fn stop_rules(ready: &Ready<'_>) -> StopRules {
    let rules = ready.timing.as_ref().map_or_else(StopRules::default, |timing| timing.stop);
    StopRules { on_stop: OnStop::Kill, ..rules }
}

/// Runs one command, until it and, after a stop, its process group have ended.
fn run_one(
    command: &ShellCommand,
    ready: &Ready<'_>,
    rules: StopRules,
    waiter: &mut Waiter,
    reporter: &mut Reporter,
) -> Result<RunEnd, Finding> {
    let started = BootTime::now();
    let mut child = start(command, ready)?;
    let mut ending = RunEnding::new(started, None, rules);
    let mut record_at = Some(started.after(RECORD_AFTER));
    let mut is_orphaned = false;
    let end = loop {
        child.reap();
        let now = BootTime::now();
        if let Some(end) = ending.is_over(&child, now, reporter) {
            break end;
        }
        if record_at.is_some_and(|at| now >= at) {
            record_at = None;
            write_resting(ready.plan, Some(Resting::running_before(&command.to_string())), reporter);
        }
        ending.proceed(&child, now);
        let boot = record_at.into_iter().chain(ending.deadline(&child, now)).min();
        let signals = waiter
            .wait(Deadline { boot, wall: None }, None)
            .map_err(|errno| Finding::refused("wait", errno.into()))?;
        // HUP and ALRM ask for what follows anyway: variables are read again, and the first run is due
        signals.into_iter().filter(|signal| is_stop(*signal)).for_each(|signal| ending.stop(signal, &child));
        // the next supervisor is about to start another launcher
        if waiter.has_lost_parent() && !std::mem::replace(&mut is_orphaned, true) {
            ending.stop(libc::SIGTERM, &child);
        }
    };
    // the record may belong to the next supervisor's launcher by now
    if record_at.is_none() && !is_orphaned {
        write_resting(ready.plan, None, reporter);
    }
    Ok(end)
}

fn start(command: &ShellCommand, ready: &Ready<'_>) -> Result<Child, Finding> {
    let directory = ready.plan.chdir.as_deref().map(c_path);
    let started = Child::start(&Launch {
        candidates: &[c"/bin/sh".to_owned()],
        arguments: &shell(command),
        environment: &ready.environment.to_vector(),
        output: ready.log.descriptor(),
        join: ready.log.join(),
        directory: directory.as_deref(),
        umask: ready.plan.umask,
        limits: &ready.plan.limits.to_kernel(),
        handled: handled(),
        foreground: false,
    });
    started.map_err(|error| match error {
        SpawnError::Child(Step::Execute, errno) => Finding::refused("execute '/bin/sh'", errno.into()),
        error => not_started(error, ready.plan, &ready.environment),
    })
}
