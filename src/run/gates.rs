//! Gates: the conditions for running anything.

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::child::{Child, not_started};
use super::command::{self, CommandEnd, Wait, shell};
use super::port::{self, Looked, Patience};
use crate::config::value::{Gate, ShellCommand};
use crate::error::Finding;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::ready::environment::Environment;
use crate::ready::gate::{GateState, state};
use crate::ready::{Ready, c_path};
use crate::sys::process::Ending;
use crate::sys::spawn::{Join, Launch};
use crate::wait::{Deadline, Waiter, handled};

/// The timeout of a gate's command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// The gate that keeps the worker from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// The first that is closed.
    pub(crate) gate: Gate,
    /// How it is detected that it opens.
    pub(crate) recheck: Recheck,
    /// Why a port is closed, if known.
    pub(crate) why: Option<String>,
}

/// How it is detected that a closed gate opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recheck {
    /// An event reports it.
    OnChange,
    /// Also by a check after a pause, which grows.
    Command,
    /// The same; a helper has tried for some time, and the pause is short.
    Port,
}

impl Closed {
    fn new(gate: &Gate, recheck: Recheck) -> Self {
        Closed { gate: gate.clone(), recheck, why: None }
    }
}

/// The combined state of gates.
pub(crate) enum Gates {
    Open,
    Closed(Closed),
    /// A stop arrived while a command was running.
    Stopped,
    /// The command of a switch did not decide.
    Undecided(Finding),
}

/// Looks at the gates of a worker that has not started, in the order of the command line.
pub(crate) fn first_closed_gate(
    ready: &Ready<'_>,
    patience: impl Fn(&Gate) -> Patience,
    place: &mut Option<Waiter>,
) -> Result<Gates, Finding> {
    let context = Context { plan: ready.plan, environment: &ready.environment };
    for gate in &ready.plan.gates {
        if gate.is_command() {
            // before the command starts: its end is a signal
            in_place(place)?;
        }
        let found = match gate {
            Gate::WaitForPort(endpoint) => match port::look(endpoint, patience(gate), in_place(place)?)? {
                Looked::Open => Gates::Open,
                Looked::Stopped => Gates::Stopped,
                Looked::Closed(why) => Gates::Closed(Closed { why, ..Closed::new(gate, Recheck::Port) }),
            },
            _ => look(gate, &context, &mut |boot| {
                in_place(place)?
                    .wait(Deadline { boot, wall: None }, None)
                    .map_err(|errno| Finding::refused("wait", errno.into()))
            })?,
        };
        if !matches!(found, Gates::Open) {
            return Ok(found);
        }
    }
    Ok(Gates::Open)
}

fn in_place(place: &mut Option<Waiter>) -> Result<&mut Waiter, Finding> {
    Waiter::in_place(place).map_err(|error| Finding::refused("set up signal handling", error))
}

/// Looks at the switches (`--if-env`, `--if-file`, `--if-cmd`) before a run; other gates are waited for only once.
pub(super) fn switches(plan: &Plan, environment: &Environment, wait: Wait<'_>) -> Result<Gates, Finding> {
    let context = Context { plan, environment };
    for gate in plan.gates.iter().filter(|gate| !gate.is_waited_for()) {
        let found = look(gate, &context, &mut *wait)?;
        if !matches!(found, Gates::Open) {
            return Ok(found);
        }
    }
    Ok(Gates::Open)
}

/// What gates depend on.
struct Context<'a> {
    plan: &'a Plan,
    environment: &'a Environment,
}

/// Looks at one gate that is not a port.
fn look(gate: &Gate, context: &Context<'_>, wait: Wait<'_>) -> Result<Gates, Finding> {
    let closed = |recheck| Ok(Gates::Closed(Closed::new(gate, recheck)));
    let command = match state(gate, context.plan, context.environment) {
        GateState::Open | GateState::DependsOnPort(_) => return Ok(Gates::Open),
        // no event reports a file that appears with a mount; a switch is rarely on one
        GateState::Closed if gate.is_waited_for() => return closed(Recheck::Command),
        GateState::Closed => return closed(Recheck::OnChange),
        GateState::Depends(command) => command,
    };
    let end = run(command, context, wait)?;
    match end {
        Ok(CommandEnd::Ended(Ending::Exited(0))) => Ok(Gates::Open),
        Ok(CommandEnd::Stopped) => Ok(Gates::Stopped),
        Ok(CommandEnd::Ended(Ending::Exited(1..=125))) => closed(Recheck::Command),
        _ if gate.is_waited_for() => closed(Recheck::Command),
        _ => Ok(Gates::Undecided(undecided(command, end))),
    }
}

/// Why a command did not decide. A shell reports 126 or 127 for what it cannot run, and 128 and more for what a signal
/// killed.
fn undecided(command: &ShellCommand, end: Result<CommandEnd, Finding>) -> Finding {
    let (exit, why) = match end {
        Ok(CommandEnd::Ended(Ending::Exited(code @ (126 | 127)))) => {
            (Exit::EDIT, format!("exit status {code}"))
        }
        Ok(CommandEnd::Ended(Ending::Exited(code))) => (Exit::SYSTEM, format!("exit status {code}")),
        Ok(CommandEnd::Ended(Ending::Killed(number))) => (Exit::SYSTEM, format!("killed by signal {number}")),
        Ok(CommandEnd::TimedOut | CommandEnd::Stopped) => {
            (Exit::SYSTEM, format!("killed after {} s", COMMAND_TIMEOUT.as_secs()))
        }
        Err(finding) => (finding.exit, finding.text),
    };
    let hint = "a command that turns the service off exits with a status from 1 to 125".to_string();
    Finding { exit, text: format!("--if-cmd: unable to run '{command}': {why}"), hint: Some(hint) }
}

/// Runs a gate's command; the error is why it did not start.
fn run(
    command: &ShellCommand,
    context: &Context<'_>,
    wait: Wait<'_>,
) -> Result<Result<CommandEnd, Finding>, Finding> {
    // its output would fill the log while it keeps failing
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| Finding::refused("open '/dev/null'", errno.into()))?;
    let directory = context.plan.chdir.as_deref().map(c_path);
    let started = Child::start(&Launch {
        candidates: &[c"/bin/sh".to_owned()],
        arguments: &shell(command),
        environment: &context.environment.to_vector(),
        output: Some(null.as_raw_fd()),
        join: Join::StderrToStdout,
        directory: directory.as_deref(),
        umask: context.plan.umask,
        limits: &[],
        handled: handled(),
        foreground: false,
    });
    match started {
        Ok(child) => command::wait_for(child, COMMAND_TIMEOUT, wait).map(|(end, _)| Ok(end)),
        Err(error) => Ok(Err(not_started(error, context.plan, context.environment))),
    }
}
