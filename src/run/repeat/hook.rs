//! `--on-failure` and `--on-success`: a command after a run. Its environment describes the run; it has a time limit,
//! and never delays a stop.

use std::ffi::{CStr, CString};
use std::time::Duration;

use super::journal::Journal;
use super::setup::Setup;
use super::waiter::LoopWaiter;
use crate::config::timing::Around;
use crate::config::value::ShellCommand;
use crate::error::Finding;
use crate::exit::Exit;
use crate::record::RunRecord;
use crate::run::child::Child;
use crate::run::command::{self, CommandEnd, shell};
use crate::run::run_end::RunEnd;
use crate::sys::process::Ending;
use crate::sys::spawn::{Launch, SpawnError, Step, Vector};
use crate::wait::handled;

/// The time limit.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The prefix of its variables.
const PREFIX: &str = "FUTO_RUN_";

/// The outcome of a hook.
pub(super) enum HookOutcome {
    /// The loop continues.
    GoOn,
    /// A stop arrived, and the command was killed.
    Stopped,
}

/// Runs the command for this outcome of a run, if there is one. The next run waits for it.
pub(super) fn run(
    end: &RunEnd,
    around: &Around,
    setup: &Setup<'_>,
    waiter: &mut LoopWaiter<'_>,
    journal: &mut Journal<'_>,
) -> Result<HookOutcome, Finding> {
    let (option, command) = match end.exit {
        Exit::OK => ("--on-success", &around.on_success),
        _ => ("--on-failure", &around.on_failure),
    };
    let Some(command) = command else { return Ok(HookOutcome::GoOn) };
    // the command may read it
    journal.write_record();
    let environment = environment(end, &journal.record.content, setup.entries());
    let hook = match start(command, &environment, setup, journal) {
        Ok(hook) => hook,
        Err(error) => {
            let finding = setup.not_started(error);
            journal.reporter.warn(&format!("unable to run the {option} command: {}", finding.text));
            return Ok(HookOutcome::GoOn);
        }
    };
    let (end, others) = command::wait_for(hook, TIME_LIMIT, &mut |deadline| waiter.wait_until(deadline))?;
    for signal in others {
        match signal {
            libc::SIGALRM => waiter.request_run(),
            libc::SIGHUP => journal.hang_up(),
            _ => {}
        }
    }
    match end {
        CommandEnd::Stopped => return Ok(HookOutcome::Stopped),
        CommandEnd::Ended(Ending::Exited(0)) => {}
        CommandEnd::Ended(ending) => {
            journal.reporter.warn(&format!("the {option} command failed: {}", in_words(ending)));
        }
        CommandEnd::TimedOut => {
            journal
                .reporter
                .warn(&format!("the {option} command was killed after {} s", TIME_LIMIT.as_secs()));
        }
    }
    Ok(HookOutcome::GoOn)
}

/// Starts the command in the worker's directory, or in the launcher's if that cannot be entered, which may be the
/// failure to report.
fn start(
    command: &ShellCommand,
    environment: &Vector,
    setup: &Setup<'_>,
    journal: &Journal<'_>,
) -> Result<Child, SpawnError> {
    let start_in = |directory: Option<&CStr>| {
        Child::start(&Launch {
            candidates: &[c"/bin/sh".to_owned()],
            arguments: &shell(command),
            environment,
            output: journal.log.descriptor(),
            join: journal.log.join(),
            directory,
            umask: setup.plan.umask,
            // the worker's limits may be the reason for the failure
            limits: &[],
            handled: handled(),
            foreground: false,
        })
    };
    match start_in(setup.directory()) {
        Err(SpawnError::Child(Step::Directory, _)) => start_in(None),
        started => started,
    }
}

/// The worker's variables, plus those about the run.
fn environment(end: &RunEnd, record: &RunRecord, inherited: &[CString]) -> Vector {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let log = record.log.as_ref().map(|path| path.display().to_string());
    let about_the_run = [
        ("NAME", record.name.clone()),
        ("RESULT", if end.exit.is_ok() { "success" } else { "failure" }.to_string()),
        ("STATUS", end.exit.code().to_string()),
        ("REASON", end.in_words()),
        ("START", text(&record.last_start)),
        ("END", text(&record.last_end)),
        ("DURATION", format!("{:.3}", end.duration.as_secs_f64())),
        ("FAILURES", record.consecutive_failures.to_string()),
        ("LOG", log.unwrap_or_default()),
    ];
    let about_the_run = about_the_run.map(|(name, value)| format!("{PREFIX}{name}={value}"));
    let entries = inherited
        .iter()
        .filter(|entry| !entry.as_bytes().starts_with(PREFIX.as_bytes()))
        // the worker's own
        .filter(|entry| !entry.as_bytes().starts_with(b"NOTIFY_SOCKET="))
        .cloned()
        .chain(about_the_run.into_iter().filter_map(|entry| CString::new(entry).ok()));
    Vector::new(entries.collect())
}

fn in_words(ending: Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("exit status {code}"),
        Ending::Killed(number) => format!("killed by signal {number}"),
    }
}
