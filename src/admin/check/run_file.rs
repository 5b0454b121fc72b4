//! What the text of a run script tells, whoever wrote it. A pure look.

use super::found::Found;
use crate::service::run_script::{self, NotOurs, RunScript};

/// Programs that become another user.
const DROPS: [&str; 9] = [
    "futo-launch",
    "s6-setuidgid",
    "s6-applyuidgid",
    "chpst",
    "setpriv",
    "setuidgid",
    "su-exec",
    "gosu",
    "runuser",
];

/// What is wrong with the text; `place` is how messages name the file. `user` is who the worker is meant to be,
/// if the service is root's to start.
pub(super) fn look(place: &str, script: &[u8], is_started_by_root: bool) -> Vec<Found> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(script);
    let first = text.split('\n').next().unwrap_or_default();
    if script.starts_with(b"\xef\xbb\xbf") {
        let text = format!("{place}:1: begins with a byte order mark: the kernel finds no interpreter");
        found.push(Found::problem(text, "save it without one"));
        return found;
    }
    if first.ends_with('\r') {
        let text = format!("{place}:1: lines end with CR LF: the interpreter's name would end with CR");
        found.push(Found::problem(text, &format!("sed -i 's/\\r$//' {place}")));
        return found;
    }
    let Some(interpreter) = first.strip_prefix("#!").map(str::trim).filter(|rest| !rest.is_empty()) else {
        let text = format!("{place}:1: names no interpreter");
        found.push(Found::problem(text, "begin it with #!/bin/sh"));
        return found;
    };
    if !interpreter.starts_with('/') {
        let text = format!("{place}:1: the interpreter '{interpreter}' is no whole path");
        found.push(Found::problem(text, "begin it with #!/bin/sh"));
    }
    if let Some(line) = line_of(&text, "\r") {
        let text = format!("{place}:{line}: the line ends with CR LF");
        found.push(Found::problem(text, &format!("sed -i 's/\\r$//' {place}")));
    }
    let has_exec = text.lines().any(|line| line.trim_start().starts_with("exec"));
    match run_script::parse(script) {
        Ok(RunScript::File) => {}
        Ok(RunScript::OneLine(_)) => {
            if !has_exec {
                let line = line_of(&text, "futo-launch").unwrap_or(1);
                let text =
                    format!("{place}:{line}: no exec before futo-launch: a stop reaches the shell only");
                found.push(Found::problem(text, "exec futo-launch …"));
            }
        }
        Err(why) => {
            let is_execline = interpreter.contains("execlineb");
            if !has_exec && !is_execline {
                let text = format!("{place}: nothing is started with exec: a stop reaches the shell only");
                found.push(Found::problem(text, "write exec before the last command"));
            }
            if is_started_by_root && !DROPS.iter().any(|program| text.contains(program)) {
                let text = format!("{place}: nothing in it becomes another user: the worker is root");
                found.push(Found::problem(text, "exec futo-launch -- PROGRAM runs it as abc"));
            }
            if let (true, NotOurs::NotPlain(refusal)) = (text.contains("futo-launch"), &why) {
                let text = format!("{place}:{}: {}", refusal.line, refusal.what);
                found.push(Found::note(text, &refusal.remedy));
            } else {
                let text = format!("{place}: is not ours, only its text was looked at: {why}");
                found.push(Found::note(
                    text,
                    "a run script of ours is one line: exec futo-launch … -- PROGRAM",
                ));
            }
        }
    }
    found
}

/// The first line that contains this, from 1.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.split('\n').position(|line| line.contains(part)).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(script: &str) -> Vec<String> {
        look("run", script.as_bytes(), true)
            .into_iter()
            .filter(Found::is_problem)
            .map(|found| found.text)
            .collect()
    }

    #[test]
    fn each_mistake_of_a_run_script_is_named() {
        let none: Vec<String> = Vec::new();
        assert_eq!(problems("#!/bin/sh\nexec futo-launch -- a\n"), none);
        assert_eq!(problems("#!/usr/local/bin/futo-launch --file\nexec = ['a']\n"), none);
        assert_eq!(
            problems("#!/bin/sh\nfuto-launch -- a\n"),
            ["run:2: no exec before futo-launch: a stop reaches the shell only"]
        );
        assert_eq!(problems("exec futo-launch -- a\n"), ["run:1: names no interpreter"]);
        assert_eq!(
            problems("#!/bin/sh\r\nexec futo-launch -- a\r\n"),
            ["run:1: lines end with CR LF: the interpreter's name would end with CR"]
        );
        assert_eq!(
            problems("\u{feff}#!/bin/sh\nexec futo-launch -- a\n"),
            ["run:1: begins with a byte order mark: the kernel finds no interpreter"]
        );
        assert_eq!(
            problems("#!bash\nexec s6-setuidgid abc a\n"),
            ["run:1: the interpreter 'bash' is no whole path"]
        );
        assert_eq!(
            problems("#!/bin/bash\nwhile true; do hook; sleep 60; done\n"),
            [
                "run: nothing is started with exec: a stop reaches the shell only",
                "run: nothing in it becomes another user: the worker is root"
            ]
        );
    }
}
