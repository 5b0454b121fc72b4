//! Gates: the conditions for running anything.

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::child::Child;
use super::command::{self, CommandEnd, shell};
use crate::config::value::{Gate, ShellCommand};
use crate::error::Finding;
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
    /// Whether only polling can detect that it opens.
    pub(crate) needs_polling: bool,
}

/// The combined state of all gates.
pub(crate) enum Gates {
    Open,
    Closed(Closed),
    /// A stop arrived while a command was running.
    Stopped,
}

/// The first closed gate, if any.
pub(crate) fn first_closed_gate(ready: &Ready<'_>, place: &mut Option<Waiter>) -> Result<Gates, Finding> {
    for gate in &ready.plan.gates {
        match state(gate, ready.plan, &ready.environment) {
            GateState::Open => {}
            // no event reports a file that appears with a mount; a switch is rarely on one
            GateState::Closed => {
                return Ok(Gates::Closed(Closed { gate: gate.clone(), needs_polling: gate.is_waited_for() }));
            }
            GateState::Depends(command) => {
                let waiter = Waiter::in_place(place)
                    .map_err(|error| Finding::refused("set up signal handling", error))?;
                match run(command, ready, waiter)? {
                    CommandEnd::Ended(Ending::Exited(0)) => {}
                    CommandEnd::Stopped => return Ok(Gates::Stopped),
                    _ => return Ok(Gates::Closed(Closed { gate: gate.clone(), needs_polling: true })),
                }
            }
        }
    }
    Ok(Gates::Open)
}

/// The first switch (`--if-env`, `--if-file`) that is now off; other gates are waited for only once.
pub(super) fn switched_off(plan: &Plan, environment: &Environment) -> Option<Closed> {
    let mut switches = plan.gates.iter().filter(|gate| !gate.is_waited_for());
    let gate = switches.find(|gate| state(gate, plan, environment) == GateState::Closed)?;
    Some(Closed { gate: gate.clone(), needs_polling: false })
}

fn run(command: &ShellCommand, ready: &Ready<'_>, waiter: &mut Waiter) -> Result<CommandEnd, Finding> {
    // its output would fill the log while it keeps failing
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| Finding::refused("open '/dev/null'", errno.into()))?;
    let directory = ready.plan.chdir.as_deref().map(c_path);
    let started = Child::start(&Launch {
        candidates: &[c"/bin/sh".to_owned()],
        arguments: &shell(command),
        environment: &ready.environment.to_vector(),
        output: Some(null.as_raw_fd()),
        join: Join::StderrToStdout,
        directory: directory.as_deref(),
        umask: ready.plan.umask,
        limits: &[],
        handled: handled(),
        foreground: false,
    });
    let Ok(worker) = started else { return Ok(CommandEnd::TimedOut) };
    let (end, _) = command::wait_for(worker, COMMAND_TIMEOUT, &mut |boot| {
        waiter
            .wait(Deadline { boot, wall: None }, None)
            .map_err(|errno| Finding::refused("wait", errno.into()))
    })?;
    Ok(end)
}
