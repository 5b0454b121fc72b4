//! Gates: conditions for running a service.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::endpoint::Endpoint;
use super::ready_form::Check;
use super::shell_command::ShellCommand;
use super::variable_name::VariableName;
use crate::invalid::Invalid;

/// A condition for running a service.
#[derive(Clone, PartialEq, Eq)]
pub enum Gate {
    /// `--if-env NAME`: a variable is set, and not empty.
    IfSet(VariableName),
    /// `--if-env NAME=VALUE`: a variable has this value.
    IfEquals(VariableName, OsString),
    /// `--if-env !NAME`: a variable is not set, or empty.
    IfUnset(VariableName),
    /// `--if-env NAME!=VALUE`: a variable is not set, or has another value.
    IfDiffers(VariableName, OsString),
    /// `--if-file PATH`: the path exists.
    IfFile(PathBuf),
    /// `--if-cmd COMMAND`: `sh -c` exits with 0.
    IfCommand(ShellCommand),
    /// `--wait-for file:PATH`, `--wait-for cmd:COMMAND`
    WaitFor(Check),
    /// `--wait-for tcp:HOST:PORT`: a port accepts connections.
    WaitForPort(Endpoint),
}

impl Gate {
    /// Reads `NAME`, `NAME=VALUE` or, for the opposite, `!NAME`, `NAME!=VALUE`.
    pub fn parse_if_env(value: &OsStr) -> Result<Self, Invalid> {
        let bytes = value.as_bytes();
        let Some(equals) = bytes.iter().position(|byte| *byte == b'=') else {
            return match bytes.strip_prefix(b"!") {
                Some(name) => VariableName::parse(name).map(Gate::IfUnset),
                None => VariableName::parse(bytes).map(Gate::IfSet),
            };
        };
        let (name, value) =
            (bytes.get(..equals).unwrap_or_default(), bytes.get(equals + 1..).unwrap_or_default());
        let value = || OsStr::from_bytes(value).to_os_string();
        match name.strip_suffix(b"!") {
            _ if name.starts_with(b"!") => {
                Err(Invalid::new("has '!' before a comparison").hint("write NAME!=VALUE"))
            }
            Some(_) if value().is_empty() => Err(Invalid::new("has no value after '!='")
                .hint("use NAME for a variable that must be set and not empty")),
            Some(name) => Ok(Gate::IfDiffers(VariableName::parse(name)?, value())),
            None => Ok(Gate::IfEquals(VariableName::parse(name)?, value())),
        }
    }

    /// Whether only a command can decide.
    pub fn is_command(&self) -> bool {
        matches!(self, Gate::IfCommand(_) | Gate::WaitFor(Check::Command(_)))
    }

    /// Reads a form of `--wait-for`.
    pub fn parse_wait_for(value: &OsStr) -> Result<Self, Invalid> {
        match value.as_bytes().strip_prefix(b"tcp:") {
            Some(endpoint) => {
                Endpoint::parse(std::str::from_utf8(endpoint).unwrap_or_default()).map(Gate::WaitForPort)
            }
            None => Check::parse(value).map(Gate::WaitFor).map_err(|invalid| match invalid.hint {
                Some(_) => invalid.hint("use tcp:HOST:PORT, file:PATH or cmd:COMMAND"),
                None => invalid,
            }),
        }
    }

    /// Whether it waits for an event; others are switches.
    pub fn is_waited_for(&self) -> bool {
        matches!(self, Gate::WaitFor(_) | Gate::WaitForPort(_))
    }
}

/// In words, following "closed until". A value is not shown: it may be a secret.
impl std::fmt::Display for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Gate::IfSet(name) => write!(formatter, "{} is set", name.as_str()),
            Gate::IfEquals(name, _) => write!(formatter, "{} has the value of --if-env", name.as_str()),
            Gate::IfUnset(name) => write!(formatter, "{} is not set, or empty", name.as_str()),
            Gate::IfDiffers(name, _) => {
                write!(formatter, "{} differs from the value of --if-env", name.as_str())
            }
            Gate::IfFile(path) => write!(formatter, "'{}' exists", path.display()),
            Gate::IfCommand(command) => write!(formatter, "'{command}' succeeds"),
            Gate::WaitFor(check) => check.fmt(formatter),
            Gate::WaitForPort(endpoint) => write!(formatter, "{endpoint} accepts connections"),
        }
    }
}

/// Does not show a value.
impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Gate({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_switches_and_their_opposites_and_shows_no_value() {
        for (text, expected) in [
            ("A", "A is set"),
            ("A=hunter2", "A has the value of --if-env"),
            ("A=", "A has the value of --if-env"),
            ("A=!hunter2", "A has the value of --if-env"),
            ("A==hunter2", "A has the value of --if-env"),
            ("!A", "A is not set, or empty"),
            ("A!=hunter2", "A differs from the value of --if-env"),
            ("A!==hunter2", "A differs from the value of --if-env"),
        ] {
            let gate = Gate::parse_if_env(OsStr::new(text)).map(|gate| gate.to_string());
            assert_eq!(gate.as_deref(), Ok(expected), "{text}");
        }
        for bad in ["", "!", "!!A", "! A", "A!", "=", "!=", "!=x", "!A=x", "!A!=x", "A!=", "A !=x"] {
            let error = Gate::parse_if_env(OsStr::new(bad)).expect_err(bad);
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
