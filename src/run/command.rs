//! Commands other than the worker, with a time limit, that never delay a stop.

use std::time::Duration;

use super::child::Child;
use crate::config::value::ShellCommand;
use crate::error::Finding;
use crate::sys::clock::BootTime;
use crate::sys::process::Ending;
use crate::sys::spawn::Vector;
use crate::wait::is_stop;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandEnd {
    /// On its own.
    Ended(Ending),
    /// It exceeded its time and was killed.
    TimedOut,
    /// A stop arrived, and it was killed.
    Stopped,
}

/// Sleeps until a signal arrives or the deadline passes.
pub(super) type Wait<'a> = &'a mut dyn FnMut(Option<BootTime>) -> Result<Vec<i32>, Finding>;

/// Waits for the command to end; returns the other signals that arrived.
pub(super) fn wait_for(
    mut command: Child,
    bound: Duration,
    wait: Wait<'_>,
) -> Result<(CommandEnd, Vec<i32>), Finding> {
    let deadline = BootTime::now().after(bound);
    let mut others = Vec::new();
    loop {
        command.reap();
        if let Some(ending) = command.ended() {
            return Ok((CommandEnd::Ended(ending), others));
        }
        if BootTime::now() >= deadline {
            command.signal_group(libc::SIGKILL);
            return Ok((CommandEnd::TimedOut, others));
        }
        for signal in wait(Some(deadline))? {
            match signal {
                signal if is_stop(signal) => {
                    command.signal_group(libc::SIGKILL);
                    return Ok((CommandEnd::Stopped, others));
                }
                libc::SIGCHLD => {}
                signal => others.push(signal),
            }
        }
    }
}

/// `sh -c COMMAND`
pub(super) fn shell(command: &ShellCommand) -> Vector {
    Vector::new(vec![c"sh".to_owned(), c"-c".to_owned(), command.as_c_string().clone()])
}
