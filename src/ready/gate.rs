//! Whether gates are open, as far as that can be seen without running anything.

use std::path::PathBuf;

use super::environment::Environment;
use crate::config::value::{Check, Gate, ShellCommand};
use crate::plan::Plan;

/// How a gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// It lets through.
    Open,
    /// It does not.
    Closed,
    /// This command decides.
    Depends(&'a ShellCommand),
}

/// How this gate is.
pub fn state<'a>(gate: &'a Gate, plan: &Plan, environment: &Environment) -> State<'a> {
    let is_open = match gate {
        Gate::IfSet(name) => environment.get(name.as_str()).is_some_and(|value| !value.is_empty()),
        Gate::IfEquals(name, wanted) => environment.get(name.as_str()).is_some_and(|value| value == wanted),
        Gate::WaitFor(Check::Command(command)) => return State::Depends(command),
        // no gate is a port
        Gate::WaitFor(Check::Tcp(_)) => true,
        Gate::IfFile(_) | Gate::WaitFor(Check::File(_)) => {
            file(gate, plan).is_some_and(|path| nix::sys::stat::stat(&path).is_ok())
        }
    };
    if is_open { State::Open } else { State::Closed }
}

/// The file that a gate looks for; a relative path is the worker's.
pub fn file(gate: &Gate, plan: &Plan) -> Option<PathBuf> {
    match gate {
        Gate::IfFile(path) | Gate::WaitFor(Check::File(path)) => {
            Some(plan.chdir.as_ref().map_or(path.clone(), |base| base.join(path)))
        }
        _ => None,
    }
}
