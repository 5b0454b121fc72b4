//! Gates: conditions for running a service.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::ready_form::Check;
use super::variable_name::VariableName;
use crate::invalid::Invalid;

/// A condition for running a service.
#[derive(Clone, PartialEq, Eq)]
pub enum Gate {
    /// `--if-env NAME`: a variable is set, and not empty.
    IfSet(VariableName),
    /// `--if-env NAME=VALUE`: a variable has this value.
    IfEquals(VariableName, OsString),
    /// `--if-file PATH`: the path exists.
    IfFile(PathBuf),
    /// `--wait-for`
    WaitFor(Check),
}

impl Gate {
    /// Reads `NAME` or `NAME=VALUE`.
    pub fn parse_if_env(value: &OsStr) -> Result<Self, Invalid> {
        let bytes = value.as_bytes();
        match bytes.iter().position(|byte| *byte == b'=') {
            None => VariableName::parse(bytes).map(Gate::IfSet),
            Some(equals) => {
                let name = VariableName::parse(bytes.get(..equals).unwrap_or_default())?;
                let value = OsStr::from_bytes(bytes.get(equals + 1..).unwrap_or_default());
                Ok(Gate::IfEquals(name, value.to_os_string()))
            }
        }
    }

    /// Whether it waits for an event; others are switches.
    pub fn is_waited_for(&self) -> bool {
        matches!(self, Gate::WaitFor(_))
    }
}

/// In words, following "closed until". A value is not shown: it may be a secret.
impl std::fmt::Display for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Gate::IfSet(name) => write!(formatter, "{} is set", name.as_str()),
            Gate::IfEquals(name, _) => write!(formatter, "{} has the value of --if-env", name.as_str()),
            Gate::IfFile(path) => write!(formatter, "'{}' exists", path.display()),
            Gate::WaitFor(check) => check.fmt(formatter),
        }
    }
}

/// Does not show a value.
impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Gate({self})")
    }
}
