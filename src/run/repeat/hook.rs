//! `--on-failure` and `--on-success`: a command of the user's behind a run. It is told of the run in its
//! environment, is bounded in time, and never delays a stop.

use std::ffi::{CStr, CString};
use std::time::Duration;

use super::Cycle;
use super::one_run::RunEnd;
use crate::error::Finding;
use crate::exit::Exit;
use crate::run::child::{Child, not_started};
use crate::run::command::{self, End, shell};
use crate::sys::process::Ending;
use crate::sys::spawn::{Launch, SpawnError, Step, Vector};
use crate::wait::handled;

/// How long it may take.
const BOUND: Duration = Duration::from_secs(30);
/// What its variables begin with.
const PREFIX: &str = "FUTO_RUN_";

/// What follows a hook.
pub(super) enum Hooked {
    /// The loop goes on.
    GoOn,
    /// A stop came.
    Stopped,
}

impl Cycle<'_> {
    /// Runs the command for this end of a run, if there is one. The next run waits for it.
    pub(super) fn run_hook(&mut self, end: &RunEnd) -> Result<Hooked, Finding> {
        let around = &self.timing.around;
        let (option, command) = match end.exit {
            Exit::OK => ("--on-success", &around.on_success),
            _ => ("--on-failure", &around.on_failure),
        };
        let Some(command) = command.clone() else { return Ok(Hooked::GoOn) };
        // whoever is told may look at it
        self.record.write(self.reporter);
        let environment = self.hook_environment(end);
        let start = |directory: Option<&CStr>| {
            Child::start(&Launch {
                candidates: &[c"/bin/sh".to_owned()],
                arguments: &shell(&command),
                environment: &environment,
                output: self.log.descriptor(),
                join: self.log.join(),
                directory,
                umask: self.plan.umask,
                // the worker's bounds may be what the worker failed of
                limits: &[],
                handled: handled(),
                foreground: false,
            })
        };
        let started = match start(self.directory.as_deref()) {
            // that may be what there is to tell
            Err(SpawnError::Child(Step::Directory, _)) => start(None),
            started => started,
        };
        let hook = match started {
            Ok(hook) => hook,
            Err(error) => {
                let finding = not_started(error, self.plan, &self.prepared.environment);
                self.reporter.warn(&format!("unable to run the command of {option}: {}", finding.text));
                return Ok(Hooked::GoOn);
            }
        };
        let (end, others) = command::wait_for(hook, BOUND, &mut |deadline| self.wait_until(deadline))?;
        for signal in others {
            match signal {
                libc::SIGALRM => self.run_again = true,
                libc::SIGHUP => self.hang_up(),
                _ => {}
            }
        }
        match end {
            End::Stopped => return Ok(Hooked::Stopped),
            End::Ended(Ending::Exited(0)) => {}
            End::Ended(ending) => {
                self.reporter.warn(&format!("the command of {option} failed: {}", in_words(ending)));
            }
            End::TimedOut => {
                self.reporter
                    .warn(&format!("the command of {option} was killed after {} s", BOUND.as_secs()));
            }
        }
        Ok(Hooked::GoOn)
    }

    /// The worker's variables, and what there is to say of the run.
    fn hook_environment(&self, end: &RunEnd) -> Vector {
        let record = &self.record.content;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let log = record.log.as_ref().map(|path| path.display().to_string());
        let told = [
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
        let told = told.map(|(name, value)| format!("{PREFIX}{name}={value}"));
        let inherited = self.prepared.vector.texts().iter();
        let entries = inherited
            .filter(|entry| !entry.as_bytes().starts_with(PREFIX.as_bytes()))
            // the worker's own
            .filter(|entry| !entry.as_bytes().starts_with(b"NOTIFY_SOCKET="))
            .cloned()
            .chain(told.into_iter().filter_map(|entry| CString::new(entry).ok()));
        Vector::new(entries.collect())
    }
}

fn in_words(ending: Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("exit status {code}"),
        Ending::Killed(number) => format!("killed by signal {number}"),
    }
}
