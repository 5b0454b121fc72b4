//! A run script that does more than start futo-launch: the launcher's arguments, if it ends with one plain command, and
//! the shell commands before that. For reports only: scripts that are published or executed are parsed by
//! [`super::run_script`].

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::script_search::{line_of_launcher, mentions_launcher, names_launcher};
use super::shell_commands::{self, Nesting, SimpleCommand, Terminator};
use super::{launcher, run_script};
use crate::env_file;

/// The size limit of a script.
const MAX_SCRIPT: usize = 256 << 10;

/// The understood parts of such a script.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    /// The launcher's command at its end.
    pub launcher: Result<LauncherCommand, Unparsed>,
    /// Assignments and `export` commands in the syntax of config.env, one per line.
    variables: Vec<u8>,
    /// The exported names.
    exported: Vec<String>,
    /// The line of the first command that changes to another directory.
    pub changes_directory: Option<usize>,
    /// The lines of commands that could not be parsed.
    pub unparsed: Vec<usize>,
}

/// `exec futo-launch …`
#[derive(Debug, PartialEq, Eq)]
pub struct LauncherCommand {
    /// The arguments.
    pub words: Vec<OsString>,
    /// Its line, from 1.
    pub line: usize,
    /// Whether the launcher replaces the shell.
    pub replaces_shell: bool,
}

/// Why the launcher's arguments are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// The line, from 1.
    pub line: usize,
    /// The reason.
    pub what: String,
}

/// Reads a script; `None` if it never mentions futo-launch.
pub fn read(script: &[u8]) -> Option<Outline> {
    let script = run_script::with_unix_lines(script);
    let script = script.as_ref();
    if !names_launcher(script) {
        return None;
    }
    let named_at = line_of_launcher(script).unwrap_or(1);
    let unparsed = |line: usize, what: &str| Unparsed { line, what: what.to_string() };
    let commands = match script.len() {
        ..=MAX_SCRIPT if run_script::is_for_a_shell(script) => {
            shell_commands::split(script).map_err(|error| unparsed(error.line, error.what))
        }
        ..=MAX_SCRIPT => Err(unparsed(named_at, "a script for an interpreter other than sh")),
        _ => Err(unparsed(1, "it is longer than 256 KiB")),
    };
    let commands = match commands {
        Ok(commands) => commands,
        Err(why) => return Some(Outline::new(Err(why))),
    };
    let is_plain =
        |last: &&SimpleCommand<'_>| last.nesting == Nesting::Top && last.terminator != Terminator::Concurrent;
    let last = commands.last().filter(is_plain).and_then(launcher_command);
    let mut outline =
        Outline::new(last.unwrap_or(Err(unparsed(named_at, "futo-launch is not the last command"))));
    let before = match &outline.launcher {
        Ok(command) => command.line,
        Err(_) => named_at,
    };
    let is_before = |each: &&SimpleCommand<'_>| each.line <= before && !mentions_launcher(each.text);
    commands.iter().filter(is_before).for_each(|command| outline.take(command));
    Some(outline)
}

impl Outline {
    fn new(launcher: Result<LauncherCommand, Unparsed>) -> Self {
        Outline {
            launcher,
            variables: Vec::new(),
            exported: Vec::new(),
            changes_directory: None,
            unparsed: Vec::new(),
        }
    }

    fn take(&mut self, command: &SimpleCommand<'_>) {
        let words = env_file::words(command.text).unwrap_or_default();
        let first = match words.first() {
            Some(word) => word.as_slice(),
            None => command.text.split(u8::is_ascii_whitespace).next().unwrap_or_default(),
        };
        match first {
            b"cd" | b"pushd" if is_own_directory(command.text) => {}
            b"cd" | b"pushd" => _ = self.changes_directory.get_or_insert(command.line),
            _ if command.nesting != Nesting::Top || command.terminator == Terminator::Concurrent => {
                self.note_unparsed(command)
            }
            b"set" if words.len() > 1 && words.iter().skip(1).all(|word| is_harmless_set(word)) => {}
            b"exec" if is_redirection_of_stderr(command.text) => {}
            b":" | b"true" => {}
            b"export" if reads_as_variables(command.text) => {
                let names = command.text.split(u8::is_ascii_whitespace).skip(1).filter_map(name_of);
                self.exported.extend(names);
                self.remember(command);
            }
            // a shell variable, unless its name is already exported
            _ if is_assignment(first) && !first.starts_with(b"PATH=") && reads_as_variables(command.text) => {
                self.remember(command);
            }
            _ => self.note_unparsed(command),
        }
    }

    fn note_unparsed(&mut self, command: &SimpleCommand<'_>) {
        self.unparsed.push(command.line);
        self.unparsed.dedup();
    }

    fn remember(&mut self, command: &SimpleCommand<'_>) {
        self.variables.extend_from_slice(command.text);
        self.variables.push(b'\n');
    }

    /// The variables that these commands export to the launcher, on top of the present environment.
    pub fn exports(&self, inherited: env_file::Inherited<'_>) -> Vec<(OsString, OsString)> {
        let read = env_file::parse(&self.variables, inherited).unwrap_or_default();
        read.assignments
            .into_iter()
            .filter(|each| self.exported.contains(&each.name))
            .map(|each| (each.name.into(), OsString::from_vec(each.value)))
            .collect()
    }
}

/// The launcher's command; `None` if it is another command.
fn launcher_command(command: &SimpleCommand<'_>) -> Option<Result<LauncherCommand, Unparsed>> {
    if !mentions_launcher(command.text) {
        return None;
    }
    // stdout and stderr end up in the same log anyway
    let text = command.text.strip_suffix(b"2>&1").unwrap_or(command.text);
    let words = match env_file::words(text) {
        Ok(words) => words,
        Err(refusals) => {
            let first = refusals.into_iter().next()?;
            return Some(Err(Unparsed { line: command.line + first.line - 1, what: first.what }));
        }
    };
    let mut words = words.into_iter().map(OsString::from_vec).peekable();
    let replaces_shell = words.next_if(|word| word == "exec").is_some();
    let program = words.next()?;
    let command = LauncherCommand { words: words.collect(), line: command.line, replaces_shell };
    launcher::is_launcher(program).then_some(Ok(command))
}

/// Whether it changes to the script's own directory, in which a supervisor starts it anyway.
fn is_own_directory(command: &[u8]) -> bool {
    let text: Vec<u8> = command.iter().copied().filter(|byte| !b"\"'{} ".contains(byte)).collect();
    [b"cd.".as_slice(), b"cd./", b"cd$(dirname$0)", b"cd$(dirname--$0)", b"cd$0%/*", b"cd--$(dirname$0)"]
        .contains(&text.as_slice())
}

/// `set -eu`, `set -o pipefail`: options that affect only the script itself. `-a` would export variables.
fn is_harmless_set(word: &[u8]) -> bool {
    match word {
        b"pipefail" | b"errexit" | b"nounset" | b"xtrace" => true,
        [b'-' | b'+', letters @ ..] => letters.iter().all(|letter| b"eufxo".contains(letter)),
        _ => false,
    }
}

fn is_redirection_of_stderr(command: &[u8]) -> bool {
    let text: Vec<u8> = command.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    text == b"exec2>&1"
}

fn reads_as_variables(command: &[u8]) -> bool {
    env_file::parse(command, &|_| Some(b"x")).is_ok()
}

fn is_assignment(word: &[u8]) -> bool {
    word.contains(&b'=') && name_of(word).is_some()
}

/// `NAME` of `NAME` and of `NAME=value`
fn name_of(word: &[u8]) -> Option<String> {
    let name = word.split(|byte| *byte == b'=').next()?;
    let name = Some(name).filter(|name| env_file::is_name(name))?;
    String::from_utf8(name.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(script: &str) -> Outline {
        read(script.as_bytes()).unwrap_or_else(|| panic!("{script}: names no futo-launch"))
    }

    #[test]
    fn the_launchers_words_are_found_after_other_commands() {
        for before in [
            "",
            "set -e\n",
            "set -euo pipefail\nexec 2>&1\n",
            "cd \"$(dirname \"$0\")\"\n",
            "MODE=x; export MODE\n",
            "export MODE=x PATH=\"/config/bin:$PATH\"\n",
        ] {
            let script =
                format!("#!/bin/sh\n{before}# why\nexec futo-launch --interval 5 \\\n  -- a 'b c' 2>&1\n");
            let found = outline(&script);
            let launcher = found.launcher.unwrap_or_else(|why| panic!("{script}: {why:?}"));
            assert_eq!(launcher.words, ["--interval", "5", "--", "a", "b c"], "{script}");
            assert_eq!((launcher.replaces_shell, found.changes_directory), (true, None), "{script}");
            assert_eq!(found.unparsed, [0; 0], "{script}");
        }
        let found = outline("#!/bin/bash\nset -e\n\nfuto-launch -- x\n").launcher.expect("read");
        assert_eq!((found.line, found.replaces_shell), (4, false));
        let exports = |script: &str| {
            let pairs = outline(script).exports(&|name| (name == "P").then_some(b"p"));
            let pairs = pairs.iter().map(|(name, value)| format!("{}={}", name.display(), value.display()));
            pairs.collect::<Vec<_>>()
        };
        let script = "#!/bin/sh\nexport A=1\nB=\"$A$P\"; C=c\nexport B\nexec futo-launch -- x\n";
        assert_eq!(exports(script), ["A=1", "B=1p"]);
    }

    #[test]
    fn unparsed_commands_are_listed_by_line() {
        for (before, unparsed, directory) in [
            ("umask 027\n", &[2][..], None),
            ("cd /srv\n", &[], Some(2)),
            ("cd /srv && ", &[], Some(2)),
            ("true\ncd /srv && true\n", &[], Some(3)),
            ("if [ -z \"$X\" ]; then exec sleep infinity; fi\n", &[2], None),
            ("export X=$(cat /x)\n. ./lib.sh\n", &[2, 3], None),
            ("set -a\n", &[2], None),
            ("PATH=/x\n", &[2], None),
            ("a | b\n", &[2], None),
            ("if a; then\n cd /x\nfi\n", &[2], Some(3)),
        ] {
            let found = outline(&format!("#!/bin/sh\n{before}exec futo-launch -- a\n"));
            assert_eq!(
                (found.unparsed.as_slice(), found.changes_directory),
                (unparsed, directory),
                "{before}"
            );
        }
    }

    #[test]
    fn the_launchers_words_are_never_guessed() {
        for (script, line) in [
            ("#!/bin/sh\nset -e\nexec futo-launch --interval \"$EVERY\" -- a\n", 3),
            ("#!/bin/sh\nexec futo-launch -- a\necho done\n", 2),
            ("#!/bin/sh\nif a; then\n exec futo-launch -- a\nfi\n", 3),
            ("#!/bin/sh\nfuto-launch -- a | logger\n", 2),
            ("#!/bin/sh\ncat <<X\nX\nexec futo-launch -- a\n", 2),
            ("#!/usr/bin/execlineb -P\nexport A b\nfuto-launch -- a\n", 3),
            ("#!/usr/bin/python3\nimport os; os.execvp('futo-launch', ['futo-launch', 'a'])\n", 2),
        ] {
            assert_eq!(outline(script).launcher.map_err(|why| why.line), Err(line), "{script}");
        }
        for script in ["#!/bin/sh\nexec sleep 5\n", "#!/bin/sh\n# once futo-launch\nexec sleep 5\n", ""] {
            assert_eq!(read(script.as_bytes()), None, "{script}");
        }
        let long = format!("#!/bin/sh\n{}exec futo-launch a\n", "true\n".repeat(100_000));
        assert!(outline(&long).launcher.is_err());
        let found = outline("#!/bin/sh\ncd /x\nexec futo-launch -- $A\n");
        assert_eq!((found.changes_directory, found.launcher.is_err()), (Some(2), true));
    }
}
