//! `futo`: the commands for people. One file per command.

mod boot;
mod check;
mod completions;
mod control;
mod convert;
mod enable;
mod explain;
mod health;
mod logs;
mod man;
mod new;
mod next;
pub mod options;
mod persistence;
mod progress;
mod read;
mod reconcile;
mod rm;
mod run_marks;
mod runs;
mod services;
mod status;
mod sync;
mod sync_watch;
mod try_run;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::Problem;
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::nearest::nearest;
use crate::report::{Level, Reporter};
use crate::schedule::ZoneError;
use crate::service::run_script::NotLauncherScript;
use crate::trust::Untrusted;
use options::Command;
use read::Asked;

const VERSION: &str = concat!("futo ", env!("CARGO_PKG_VERSION"), "\n");

/// All commands, in the order of `futo --help`.
pub static COMMANDS: &[&Command] = &[
    &check::COMMAND,
    &completions::COMMAND,
    &convert::COMMAND,
    &enable::DISABLE,
    &enable::ENABLE,
    &explain::COMMAND,
    &health::COMMAND,
    &logs::COMMAND,
    &man::COMMAND,
    &new::COMMAND,
    &next::COMMAND,
    &reconcile::COMMAND,
    &control::RELOAD,
    &control::RESTART,
    &rm::COMMAND,
    &control::RUN_NOW,
    &runs::COMMAND,
    &control::START,
    &status::COMMAND,
    &control::STOP,
    &sync::COMMAND,
    &try_run::COMMAND,
];

const EXIT_CODES: &str = "
  -h, --help                   show this help; of a command: futo COMMAND --help
  -V, --version                show the version

A service is a directory, or a name in /config/s6-services or /run/service.

Exit codes:
  0         success
  1         check, health: there is something to fix
            start, stop, restart, reload, run-now: no effect in time
            reconcile, sync: some services failed; each is named
  2         reconcile, sync: nothing could be done
  100       something must be edited: an option, a file, an account
  111       the system refused
  126, 127  explain: the program cannot be executed, was not found
";

fn help() -> String {
    let commands: String = COMMANDS.iter().map(|command| command.line()).collect();
    format!("Usage: futo COMMAND [ARG…]\n\nCommands:\n{commands}{EXIT_CODES}")
}

/// What can be wrong with a command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such command.
    #[error("unknown command '{name}'")]
    Unknown {
        /// As typed.
        name: String,
        /// What was probably meant.
        remedy: Option<String>,
    },
    /// The command line is wrong.
    #[error("{command}: {what}")]
    Usage {
        /// The command.
        command: &'static str,
        /// What is wrong.
        what: String,
        /// What was probably meant.
        remedy: Option<String>,
    },
    /// A value that an option or argument does not take.
    #[error("{command}: invalid {what} '{value}': {}", invalid.reason)]
    Value {
        /// The command.
        command: &'static str,
        /// Which value.
        what: &'static str,
        /// As given.
        value: String,
        /// Why not.
        invalid: Invalid,
    },
    /// The schedule has no zone, and the default cannot be found.
    #[error("{0}")]
    Zone(#[from] ZoneError),
    /// The schedule has no further start.
    #[error("'{schedule}' does not occur after {from}")]
    NoStart {
        /// The schedule.
        schedule: String,
        /// The instant.
        from: String,
    },
    /// No such service.
    #[error("unable to find service '{name}'{}", searched(.places))]
    NoService {
        /// As given.
        name: String,
        /// Where it was searched for.
        places: Vec<PathBuf>,
        /// The one that may have been meant.
        near: Option<String>,
    },
    /// The run script cannot be read, or nothing may be made of it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The run script is not one futo-launch command.
    #[error("'{}' is not a single plain futo-launch command: {why}", path.display())]
    NotLauncherScript {
        /// The script.
        path: PathBuf,
        /// Why.
        why: NotLauncherScript,
    },
}

fn searched(places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    if places.is_empty() { String::new() } else { format!(" in {}", places.join(" or ")) }
}

impl Problem for CommandError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            CommandError::Unknown { remedy, .. } => Some(remedy.clone().unwrap_or("futo --help".to_string())),
            CommandError::Usage { command, remedy, .. } => {
                Some(remedy.clone().unwrap_or_else(|| match *command {
                    "futo" => "futo --help".to_string(),
                    command => format!("futo {command} --help"),
                }))
            }
            CommandError::Value { invalid, .. } => invalid.hint.clone(),
            CommandError::Zone(error) => error.hint(),
            CommandError::Untrusted(error) => error.hint(),
            CommandError::NoService { near: Some(near), .. } => Some(format!("did you mean {near}?")),
            CommandError::NotLauncherScript { why: NotLauncherScript::NotPlain(refusal), .. } => {
                Some(refusal.remedy.clone())
            }
            _ => None,
        }
    }
}

/// Runs a command; the words are those after the program's name.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let result = match name.to_str() {
        Some("-h" | "--help" | "help") => Ok(crate::report::print(&help())),
        Some("-V" | "--version") => Ok(crate::report::print(VERSION)),
        Some("") => {
            let what = "no command given".to_string();
            Err(CommandError::Usage { command: "futo", what, remedy: None })
        }
        name => match COMMANDS.iter().find(|command| Some(command.name) == name) {
            Some(command) => match command.read(words) {
                Ok(Asked::Help) => Ok(crate::report::print(&command.page())),
                Ok(Asked::Run(words)) => (command.run)(words),
                Err(error) => Err(error),
            },
            None => {
                let name = name.unwrap_or("?").to_string();
                let near = nearest(&name, COMMANDS.iter().map(|command| command.name));
                Err(CommandError::Unknown { remedy: near.map(|near| format!("did you mean {near}?")), name })
            }
        },
    };
    result.unwrap_or_else(|error| {
        let exit = error.exit();
        Reporter::of_program("futo").finding(Level::Fatal, &error.into());
        exit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_into_80_columns() {
        for page in COMMANDS.iter().map(|command| command.page()).chain([help()]) {
            for line in page.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
