//! `futo completions SHELL`: what a shell offers after futo and futo-launch, from the tables of options. A file
//! for each shell; values.rs: what an option or operand takes.

mod bash;
mod fish;
mod values;
mod zsh;

use super::options::{Command, Words};
use super::{COMMANDS, CommandError};
use crate::config::flags::Takes;
use crate::config::flags::{FLAGS, Role};
use crate::exit::Exit;

/// The shells that it is for.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

pub(super) const COMMAND: Command = Command {
    name: "completions",
    operands: "bash|zsh|fish",
    help: "print what the shell needs to complete futo and futo-launch",
    more: "bash: . <(futo completions bash). zsh: . <(futo completions zsh), after compinit. fish: futo completions fish \
           | source.",
    options: &[],
    launch_options: false,
    run: completions,
};

fn completions(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    let [shell] = words.operands.as_slice() else { return Err(usage("which shell? bash, zsh or fish")) };
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

/// An option as the shells need it.
struct Offered {
    long: &'static str,
    takes: Takes,
    help: &'static str,
}

/// The options of the launcher.
fn launch_options() -> Vec<Offered> {
    FLAGS.iter().map(|flag| Offered { long: flag.long, takes: flag.takes, help: flag.help }).collect()
}

/// The options of a command: its own, and those of the launcher that may stand there too.
fn options_of(command: &Command) -> Vec<Offered> {
    let own = command.options.iter();
    let mut all: Vec<Offered> =
        own.map(|option| Offered { long: option.long, takes: option.takes, help: option.help }).collect();
    if command.launch_options {
        let flags = FLAGS.iter().filter(|flag| flag.role != Role::CommandLineOnly);
        let flags = flags.filter(|flag| !command.options.iter().any(|option| option.long == flag.long));
        all.extend(flags.map(|flag| Offered { long: flag.long, takes: flag.takes, help: flag.help }));
    }
    all.push(Offered { long: "help", takes: Takes::Nothing, help: "show this" });
    all
}

fn names() -> String {
    COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
}
