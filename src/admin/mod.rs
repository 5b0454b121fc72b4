//! `futo`: the commands for people. One file a command.

mod check;
mod explain;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::Problem;
use crate::exit::Exit;
use crate::report::{Level, Reporter};
use crate::service::run_script::NotOurs;

const VERSION: &str = concat!("futo ", env!("CARGO_PKG_VERSION"), "\n");

const HELP: &str = "\
Usage: futo COMMAND [ARG…]

Commands:
  check [OPTION…] FILE.env…    say whether files of variables can be read, with every line that cannot;
                               --canonical prints them in canonical spelling, --compare asks bash
  explain [OPTION…] NAME|DIR   show the launcher's plan for a service, and everything that would
                               fail; runs nothing. --json for programs, --show-values for values

  -h, --help                   show this
  -V, --version                show the version

A service is a directory, or a name in /config/s6-services or /run/service.
Exit codes: 0 all is well, 100 edit something, 111 the system refused; of check 1: there is something
to mend; of explain also 126, 127: the program cannot be executed, was not found.
";

/// What can be wrong with a command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such command.
    #[error("unknown command '{0}'")]
    Unknown(String),
    /// The command's words are off.
    #[error("{command}: {what}")]
    Usage {
        /// The command.
        command: &'static str,
        /// What is wrong.
        what: String,
    },
    /// No such service.
    #[error("unable to find service '{name}'{}", searched(.places))]
    NoService {
        /// As given.
        name: String,
        /// Where it was looked for.
        places: Vec<PathBuf>,
    },
    /// The run script cannot be read.
    #[error("unable to read '{}': {reason}", path.display())]
    Read {
        /// The script.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The run script is no futo-launch command.
    #[error("'{}' is not ours: {why}", path.display())]
    NotOurs {
        /// The script.
        path: PathBuf,
        /// Why.
        why: NotOurs,
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
            CommandError::Unknown(_) | CommandError::Usage { .. } => Some("futo --help".to_string()),
            CommandError::NotOurs { why: NotOurs::NotPlain(refusal), .. } => Some(refusal.remedy.clone()),
            _ => None,
        }
    }
}

/// Runs a command; the words are those behind the program's own name.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let mut words = words.into_iter();
    let command = words.next().unwrap_or_default();
    let result = match command.to_str() {
        Some("-h" | "--help" | "help") => Ok(crate::explain::print(HELP)),
        Some("-V" | "--version") => Ok(crate::explain::print(VERSION)),
        Some("check") => check::check(words),
        Some("explain") => explain::explain(words),
        Some("") => Err(CommandError::Usage { command: "futo", what: "no command given".to_string() }),
        _ => Err(CommandError::Unknown(command.to_string_lossy().into_owned())),
    };
    result.unwrap_or_else(|error| {
        let exit = error.exit();
        Reporter::of_program("futo").finding(Level::Fatal, &error.into());
        exit
    })
}
