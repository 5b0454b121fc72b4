//! `futo completions SHELL`: what a shell offers after futo and futo-launch, from the tables of options. A file
//! for each shell; values.rs: what an option or operand takes.

mod bash;
mod fish;
mod values;
mod zsh;

use super::options::{Command, Operands, Words};
use super::{COMMANDS, CommandError};
use crate::config::flags;
use crate::exit::Exit;
use crate::options::OptionRow;

/// The shells that it is for.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

pub(super) const COMMAND: Command = Command {
    name: "completions",
    operands: Operands::OneOf("bash|zsh|fish", || SHELLS.to_vec()),
    help: "print the shell's completion script for futo and futo-launch",
    more: "bash: . <(futo completions bash). zsh: . <(futo completions zsh), after compinit. fish: futo completions fish \
           | source.",
    options: &[],
    launch_options: false,
    run: completions,
};

fn completions(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    let [shell] = words.operands.as_slice() else { return Err(usage("no shell given: bash, zsh or fish")) };
    let script = match shell.to_str() {
        Some("bash") => bash::script(),
        Some("zsh") => zsh::script(),
        Some("fish") => fish::script(),
        _ => return Err(usage("bash, zsh or fish")),
    };
    Ok(crate::report::print(&script))
}

/// Where names of services come from, as a shell's globs: no name that begins with a dot.
const PLACES: [&str; 3] = ["/config/s6-services/*/run", "/etc/futo/services/*/run", "/run/service/*/run"];

/// The options of the launcher.
fn launch_options() -> Vec<OptionRow<()>> {
    flags::all().map(OptionRow::for_pages).collect()
}

fn command_names() -> String {
    COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
}
