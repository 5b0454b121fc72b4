//! The state of gates, as far as it can be determined without running anything.

use std::path::PathBuf;

use super::environment::Environment;
use crate::config::value::{Check, Endpoint, Gate, ShellCommand, VariableName};
use crate::plan::Plan;

/// The state of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateState<'a> {
    /// The service may run.
    Open,
    /// The service must not run now.
    Closed,
    /// Only this command can decide.
    Depends(&'a ShellCommand),
    /// Only an attempt to connect can decide.
    DependsOnPort(&'a Endpoint),
}

/// The state of this gate now.
pub fn state<'a>(gate: &'a Gate, plan: &Plan, environment: &Environment) -> GateState<'a> {
    let is_set = |name: &VariableName| environment.get(name.as_str()).is_some_and(|value| !value.is_empty());
    let is =
        |name: &VariableName, wanted| environment.get(name.as_str()).is_some_and(|value| value == wanted);
    let is_open = match gate {
        Gate::IfSet(name) => is_set(name),
        Gate::IfUnset(name) => !is_set(name),
        Gate::IfEquals(name, wanted) => is(name, wanted),
        Gate::IfDiffers(name, other) => !is(name, other),
        Gate::IfCommand(command) | Gate::WaitFor(Check::Command(command)) => {
            return GateState::Depends(command);
        }
        Gate::WaitForPort(endpoint) => return GateState::DependsOnPort(endpoint),
        // ports have a gate of their own
        Gate::WaitFor(Check::Tcp(_)) => true,
        Gate::IfFile(_) | Gate::WaitFor(Check::File(_)) => {
            file(gate, plan).is_some_and(|path| nix::sys::stat::stat(&path).is_ok())
        }
    };
    if is_open { GateState::Open } else { GateState::Closed }
}

/// The file a gate checks; a relative path is resolved from the worker's directory.
pub fn file(gate: &Gate, plan: &Plan) -> Option<PathBuf> {
    match gate {
        Gate::IfFile(path) | Gate::WaitFor(Check::File(path)) => {
            Some(plan.chdir.as_ref().map_or(path.clone(), |base| base.join(path)))
        }
        _ => None,
    }
}
