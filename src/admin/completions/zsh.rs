//! For zsh, by its _arguments.

use std::fmt::Write as _;

use super::values::{Candidates, Kind, of_operands, of_option};
use super::{COMMANDS, PLACES, launch_options};
use crate::admin::options::Operands;
use crate::options::{OptionRow, Takes};
use crate::shell_quote::shell_quoted;

pub(super) fn script() -> String {
    let mut script = format!(
        "#compdef futo futo-launch\n\
         # completion of futo and futo-launch for zsh\n\
         _futo_services() {{\n\
         \x20 local -a names=({}(N:h:t))\n\
         \x20 compadd -a names\n\
         }}\n\
         _futo_launch() {{\n\
         \x20 _arguments -S{} '*::program:_normal'\n\
         }}\n\
         _futo() {{\n\
         \x20 if (( CURRENT == 2 )); then\n\
         \x20   local -a commands=(\n",
        PLACES.join("(N:h:t) "),
        launch_options().iter().map(option).collect::<String>()
    );
    for command in COMMANDS {
        let line = format!("{}:{}", command.name, command.help.replace(':', "\\:"));
        let _ = writeln!(script, "      {}", shell_quoted(&line));
    }
    script.push_str(
        "    )\n    _describe command commands\n    return\n  fi\n  shift words; (( CURRENT-- ))\n  case ${words[1]} in\n",
    );
    for command in COMMANDS {
        let options: String = command.rows().iter().map(option).collect();
        let operands = match (command.operands, of_operands(command.operands)) {
            (Operands::NewService(_), candidates) => {
                format!(" '1:name: ' '*:program:{}'", action(&candidates))
            }
            (_, candidates) if candidates == Candidates::default() => String::new(),
            (_, candidates) => format!(" {}", shell_quoted(&format!("*:operand:{}", action(&candidates)))),
        };
        let _ = writeln!(script, "    {}) _arguments -S{options}{operands} ;;", command.name);
    }
    script.push_str("  esac\n}\ncompdef _futo futo\ncompdef _futo_launch futo-launch\n");
    script
}

/// `'*--template=[what the worker is]:value:(python uv shell node)'`
fn option(option: &OptionRow<()>) -> String {
    let OptionRow { long, takes, help, .. } = option;
    let help = help.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let candidates = of_option(option).unwrap_or_default();
    let value = |metavariable: &str| format!("{}:{}", metavariable.replace(':', "\\:"), action(&candidates));
    let spec = match takes {
        Takes::Nothing => format!("--{long}[{help}]"),
        Takes::Value(metavariable) => format!("*--{long}=[{help}]:{}", value(metavariable)),
        Takes::OptionalValue(metavariable) => format!("--{long}=-[{help}]::{}", value(metavariable)),
    };
    format!(" {}", shell_quoted(&spec))
}

/// What offers them: a list, a function, or both in braces; a blank offers nothing.
fn action(candidates: &Candidates) -> String {
    let functions: Vec<&str> = candidates
        .kinds
        .iter()
        .map(|kind| match kind {
            Kind::Users => "_users",
            Kind::Groups => "_groups",
            Kind::Files => "_files",
            Kind::Directories => "_files -/",
            Kind::Programs => "_command_names; _files",
            Kind::Services => "_futo_services",
        })
        .collect();
    // of a word that ends so, more follows
    let words: Vec<String> = candidates.words.iter().map(|word| word.replace(':', "\\:")).collect();
    match (functions.is_empty(), words.is_empty()) {
        (true, true) => " ".to_string(),
        (true, false) => format!("({})", words.join(" ")),
        (false, true) => format!("{{{}}}", functions.join("; ")),
        (false, false) => format!("{{{}; compadd -- {}}}", functions.join("; "), candidates.words.join(" ")),
    }
}
