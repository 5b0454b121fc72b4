//! `futo completions SHELL`: what a shell offers behind futo and futo-launch, from the tables of options.

use std::fmt::Write as _;

use super::options::{Command, Words};
use super::{COMMANDS, CommandError};
use crate::cli::Takes;
use crate::cli::flags::FLAGS;
use crate::exit::Exit;
use crate::report::shell_quoted;

pub(super) const COMMAND: Command = Command {
    name: "completions",
    operands: "bash|zsh|fish",
    help: "print what the shell needs to complete futo and futo-launch",
    more: "bash: . <(futo completions bash). zsh: . <(futo completions zsh), behind compinit. fish: futo completions fish \
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
        Some("bash") => bash(),
        Some("zsh") => zsh(),
        Some("fish") => fish(),
        _ => return Err(usage("bash, zsh or fish")),
    };
    Ok(crate::explain::print(&script))
}

/// Where names of services come from, as a shell's glob.
const PLACES: &str = "/config/s6-services/*/run /run/service/*/run";

/// `--interval --once …`
fn launch_options() -> String {
    FLAGS.iter().map(|flag| format!("--{}", flag.long)).collect::<Vec<_>>().join(" ")
}

fn options_of(command: &Command) -> String {
    let own = command.options.iter().map(|option| format!("--{}", option.long));
    let mut all: Vec<String> = own.chain(["--help".to_string()]).collect();
    if command.launch_options {
        all.push(launch_options());
    }
    all.join(" ")
}

/// What stands behind a command, beside services.
fn operands_of(command: &Command) -> &'static str {
    match command.name {
        "completions" => "bash zsh fish",
        "man" => "futo-launch.1 futo.1 futo-service.5 futo-config-env.5",
        _ => "",
    }
}

/// Whether names of services stand behind it.
fn takes_services(command: &Command) -> bool {
    command.operands.contains("NAME") && command.name != "new"
}

fn names() -> String {
    COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
}

fn bash() -> String {
    let mut script = format!(
        "# completion of futo and futo-launch for bash\n\
         _futo_services() {{\n\
         \x20 local run\n\
         \x20 for run in {PLACES}; do [ -e \"$run\" ] && run=${{run%/run}} && printf '%s\\n' \"${{run##*/}}\"; done\n\
         }}\n\
         _futo() {{\n\
         \x20 local word=${{COMP_WORDS[COMP_CWORD]}} options= operands=\n\
         \x20 if [ \"$COMP_CWORD\" = 1 ]; then\n\
         \x20   COMPREPLY=($(compgen -W '{} --help --version' -- \"$word\"))\n\
         \x20   return\n\
         \x20 fi\n\
         \x20 case ${{COMP_WORDS[1]}} in\n",
        names()
    );
    for command in COMMANDS {
        let operands = match takes_services(command) {
            true => "$(_futo_services)",
            false => operands_of(command),
        };
        let _ = writeln!(
            script,
            "    {}) options='{}' operands=\"{operands}\" ;;",
            command.name,
            options_of(command)
        );
    }
    let _ = write!(
        script,
        "  esac\n\
         \x20 case $word in\n\
         \x20   -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n\
         \x20   *) COMPREPLY=($(compgen -W \"$operands\" -- \"$word\") $(compgen -f -- \"$word\")) ;;\n\
         \x20 esac\n\
         }}\n\
         complete -F _futo futo\n\
         _futo_launch() {{\n\
         \x20 local word=${{COMP_WORDS[COMP_CWORD]}}\n\
         \x20 case $word in\n\
         \x20   -*) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n\
         \x20   *) COMPREPLY=($(compgen -c -- \"$word\") $(compgen -f -- \"$word\")) ;;\n\
         \x20 esac\n\
         }}\n\
         complete -F _futo_launch futo-launch\n",
        launch_options()
    );
    script
}

/// `'--interval[run again so long after the end of each run]:DURATION:_default'`
fn zsh_option(long: &str, takes: Takes, help: &str) -> String {
    let help = help.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let value = |metavariable: &str| format!(":{}:_default", metavariable.replace(':', "\\:"));
    let spec = match takes {
        Takes::Nothing => format!("--{long}[{help}]"),
        Takes::Value(metavariable) => format!("*--{long}=[{help}]{}", value(metavariable)),
        Takes::OptionalValue(metavariable) => format!("--{long}=-[{help}]:{}", value(metavariable)),
    };
    shell_quoted(&spec)
}

fn zsh_launch_options() -> String {
    FLAGS.iter().map(|flag| format!(" {}", zsh_option(flag.long, flag.takes, flag.help))).collect()
}

fn zsh() -> String {
    let mut script = format!(
        "#compdef futo futo-launch\n\
         # completion of futo and futo-launch for zsh\n\
         _futo_services() {{\n\
         \x20 local -a names=({}(N:h:t))\n\
         \x20 compadd -a names\n\
         \x20 _files\n\
         }}\n\
         _futo_launch() {{\n\
         \x20 _arguments -S{} '*::program:_normal'\n\
         }}\n\
         _futo() {{\n\
         \x20 if (( CURRENT == 2 )); then\n\
         \x20   local -a commands=(\n",
        PLACES.replace(' ', "(N:h:t) "),
        zsh_launch_options()
    );
    for command in COMMANDS {
        let line = format!("{}:{}", command.name, command.help.replace(':', "\\:"));
        let _ = writeln!(script, "      {}", shell_quoted(&line));
    }
    script.push_str("    )\n    _describe command commands\n    return\n  fi\n  shift words; (( CURRENT-- ))\n  case ${words[1]} in\n");
    for command in COMMANDS {
        let mut line = format!("    {}) _arguments '--help[show this]'", command.name);
        for option in command.options {
            line.push(' ');
            line.push_str(&zsh_option(option.long, option.takes, option.help));
        }
        if command.launch_options {
            line.push_str(&zsh_launch_options());
        }
        line.push_str(&match (takes_services(command), operands_of(command)) {
            (true, _) => " '*:service:_futo_services'".to_string(),
            (false, "") => String::new(),
            (false, operands) => format!(" '*:word:({operands})'"),
        });
        let _ = writeln!(script, "{line} ;;");
    }
    script.push_str("  esac\n}\ncompdef _futo futo\ncompdef _futo_launch futo-launch\n");
    script
}

fn fish() -> String {
    let mut script = format!(
        "# completion of futo and futo-launch for fish\n\
         function __futo_services\n\
         \x20   for run in {PLACES}\n\
         \x20       basename (dirname $run)\n\
         \x20   end\n\
         end\n"
    );
    for flag in FLAGS {
        let _ = writeln!(script, "complete -c futo-launch {}", fish_option(flag.long, flag.takes, flag.help));
    }
    for command in COMMANDS {
        let _ = writeln!(
            script,
            "complete -c futo -n __fish_use_subcommand -f -a {} -d {}",
            command.name,
            fish_quoted(command.help)
        );
        let seen = format!("complete -c futo -n '__fish_seen_subcommand_from {}'", command.name);
        for option in command.options {
            let _ = writeln!(script, "{seen} {}", fish_option(option.long, option.takes, option.help));
        }
        if command.launch_options {
            for flag in FLAGS {
                let _ = writeln!(script, "{seen} {}", fish_option(flag.long, flag.takes, flag.help));
            }
        }
        match (takes_services(command), operands_of(command)) {
            (true, _) => {
                let _ = writeln!(script, "{seen} -a '(__futo_services)'");
            }
            (false, "") => {}
            (false, operands) => {
                let _ = writeln!(script, "{seen} -f -a {}", fish_quoted(operands));
            }
        }
    }
    script
}

fn fish_option(long: &str, takes: Takes, help: &str) -> String {
    let value = if matches!(takes, Takes::Value(_)) { " -r" } else { "" };
    format!("-l {long}{value} -d {}", fish_quoted(help))
}

/// In fish's single quotes a backslash takes the next backslash or quote as it is.
fn fish_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
