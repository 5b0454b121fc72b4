//! Checks of the text of any run script.

use super::executed::Executed;
use super::finding::{CheckFinding, Weight};
use crate::cli;
use crate::config::flags::{Key, LaunchOption};
use crate::error::Findings;
use crate::service::launcher;
use crate::service::run_script::{self, NotLauncherScript, RunScript};
use crate::service::script_outline::{self, Outline, Unparsed};
use crate::service::shell_commands;
use crate::shell_quote::shell_word;
use crate::sys::privilege::Privilege;

/// Programs that become another user.
const DROPS: [&str; 9] = [
    launcher::NAME,
    "s6-setuidgid",
    "s6-applyuidgid",
    "chpst",
    "setpriv",
    "setuidgid",
    "su-exec",
    "gosu",
    "runuser",
];

/// What is wrong with the text; messages name the file as `place`.
pub(super) fn check_text(
    place: &str,
    script: &[u8],
    starter: Privilege,
    executed: Executed,
) -> Vec<CheckFinding> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(script);
    if let Some(line) = line_of(&text, "\r").filter(|line| *line > 1) {
        let text = format!("{place}:{line}: the line ends with CR LF");
        found.push(
            executed.weigh_mistake(CheckFinding::problem(
                text,
                &format!("sed -i 's/\\r$//' {}", shell_word(place)),
            )),
        );
    }
    let why = match run_script::parse(script) {
        Ok(RunScript::File) => return found,
        Ok(RunScript::OneLine(_)) => {
            if !starts_with_exec(script) {
                let line = line_of(&text, launcher::NAME).unwrap_or(1);
                found.push(executed.weigh_mistake(without_exec(place, line)));
            }
            return found;
        }
        Err(why) => why,
    };
    if let Some(outline) = script_outline::read(script) {
        found.extend(longer(place, &outline));
        return found;
    }
    // execline does not leave a shell
    if !starts_with_exec(script) && !text.lines().next().is_some_and(|first| first.contains("execlineb")) {
        let text = format!("{place}: no command is started with exec: a stop reaches only the shell");
        found.push(CheckFinding::problem(text, "write exec before the last command"));
    }
    if starter.is_root() && !DROPS.iter().any(|program| text.contains(program)) {
        let text = format!("{place}: nothing in it drops root: the worker runs as root");
        found.push(CheckFinding::problem(text, "exec futo-launch -- PROGRAM runs it as abc"));
    }
    found.push(not_ours(place, &why));
    found
}

fn not_ours(place: &str, why: &NotLauncherScript) -> CheckFinding {
    let text = format!("{place}: is not a futo-launch script, so only its text was checked: {why}");
    CheckFinding::note(text, "a futo-launch script is one line: exec futo-launch … -- PROGRAM")
}

fn without_exec(place: &str, line: usize) -> CheckFinding {
    let text = format!("{place}:{line}: no exec before futo-launch: a stop reaches only the shell");
    CheckFinding::problem(text, "exec futo-launch …")
}

/// A script that does more than start the launcher: what that means, and what of it is not known.
fn longer(place: &str, outline: &Outline) -> Vec<CheckFinding> {
    let mut found = Vec::new();
    if let Some(line) = outline.changes_directory
        && !outline.launcher.as_ref().is_ok_and(names_service_directory)
    {
        let text = format!(
            "{place}:{line}: cd: futo-launch starts outside its service directory: under another name, without \
             config.env, and with its log and run record elsewhere"
        );
        found.push(CheckFinding::problem(text, "replace cd with futo-launch --chdir DIR"));
    }
    if !outline.unparsed.is_empty() {
        let lines: Vec<String> = outline.unparsed.iter().take(10).map(usize::to_string).collect();
        let lines = lines.join(", ");
        let text = match outline.unparsed.len() {
            1 => format!(
                "{place}:{lines}: the shell runs this before futo-launch; what it changes was not checked"
            ),
            _ => format!(
                "{place}: the shell runs lines {lines} before futo-launch; what they change was not checked"
            ),
        };
        found.push(CheckFinding::unseen(
            text,
            "futo-launch has options for such things: --env, --chdir, --umask, --if-env; see futo-launch --help",
        ));
    }
    match &outline.launcher {
        Ok(command) if !command.replaces_shell => found.push(without_exec(place, command.line)),
        Ok(_) => {}
        Err(Unparsed { line, what }) => {
            let text = format!("{place}:{line}: {what}: the options of futo-launch were not checked");
            let hint = "end it with one plain command, exec futo-launch … -- PROGRAM; in single quotes, \
                        '${NAME:-word}' in --interval, --env and others is expanded by futo-launch itself";
            found.push(CheckFinding::unseen(text, hint));
        }
    }
    found
}

fn names_service_directory(command: &script_outline::LauncherCommand) -> bool {
    let request = cli::parse(command.words.iter().cloned(), &mut Findings::default());
    request.given.iter().any(|given| given.is(Key::Launch(LaunchOption::ServiceDir)))
}

/// Whether a program takes the shell's place; `exec 2>&1` replaces nothing.
fn starts_with_exec(script: &[u8]) -> bool {
    let is_exec = |command: &[u8]| {
        let rest = command.strip_prefix(b"exec").unwrap_or_default().trim_ascii();
        rest.iter().find(|byte| !byte.is_ascii_digit()).is_some_and(|byte| !b"<>&".contains(byte))
    };
    match shell_commands::split(script) {
        Ok(commands) => commands.iter().any(|command| is_exec(command.text)),
        Err(_) => script.split(|byte| *byte == b'\n').any(|line| is_exec(line.trim_ascii_start())),
    }
}

/// The same for a script of another program, as notes: its authors had their reasons.
pub(super) fn check_foreign_text(place: &str, script: &[u8], starter: Privilege) -> Vec<CheckFinding> {
    let found = check_text(place, script, starter, Executed::AsIs).into_iter();
    found.map(|found| CheckFinding { weight: Weight::Note, ..found }).collect()
}

/// The first line that contains this, from 1.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.split('\n').position(|line| line.contains(part)).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(script: &str) -> Vec<String> {
        check_text("run", script.as_bytes(), Privilege::Root, Executed::AsIs)
            .into_iter()
            .filter(CheckFinding::is_problem)
            .map(|found| found.text)
            .collect()
    }

    #[test]
    fn each_mistake_in_a_run_script_is_named() {
        let none: Vec<String> = Vec::new();
        assert_eq!(problems("#!/bin/sh\nexec futo-launch -- a\n"), none);
        assert_eq!(problems("#!/usr/local/bin/futo-launch --file\nexec = ['a']\n"), none);
        assert_eq!(
            problems("#!/bin/sh\nfuto-launch -- a\n"),
            ["run:2: no exec before futo-launch: a stop reaches only the shell"]
        );
        assert_eq!(
            problems("#!/bin/bash\nwhile true; do hook; sleep 60; done\n"),
            [
                "run: no command is started with exec: a stop reaches only the shell",
                "run: nothing in it drops root: the worker runs as root"
            ]
        );
    }
}
