//! Parses run scripts that consist of a single futo-launch command: one line of sh, or the `--file` form. The script is
//! never executed.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::{launcher, one_line};
pub use crate::env_file::with_unix_lines;
use crate::env_file::{self, Refusal};

/// Shells that parse a single plain command alike.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "with-contenv"];

/// A run script that is a single futo-launch command.
#[derive(Debug, PartialEq, Eq)]
pub enum RunScript {
    /// `exec futo-launch …`: the words after the program's name.
    OneLine(Vec<OsString>),
    /// `#!/usr/local/bin/futo-launch --file`
    File,
}

/// Why a run script is not a futo-launch script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLauncherScript {
    /// It has no `#!` line, or names another interpreter.
    #[error("its first line names neither a shell nor futo-launch --file")]
    Interpreter,
    /// It contains an expansion, or a second command.
    #[error("line {}: {}", .0.line, .0.what)]
    NotPlain(Refusal),
    /// It is another command.
    #[error("it is not a single command, exec futo-launch …")]
    OtherCommand,
}

/// Parses a run script; CR LF counts as LF.
pub fn parse(script: &[u8]) -> Result<RunScript, NotLauncherScript> {
    let script = with_unix_lines(script);
    let script = script.as_ref();
    let (first, rest) = match script.iter().position(|byte| *byte == b'\n') {
        Some(newline) => script.split_at(newline),
        None => (script, [].as_slice()),
    };
    let (name, options) = interpreter(first).ok_or(NotLauncherScript::Interpreter)?;
    if name == launcher::NAME && options == ["--file"] {
        return Ok(RunScript::File);
    }
    if !SHELLS.contains(&name) {
        return Err(NotLauncherScript::Interpreter);
    }
    let words =
        env_file::words(&without_wake(rest)).map_err(|refusals| match refusals.into_iter().next() {
            // `rest` starts with the newline of the first line: line numbers are right
            Some(refusal) => NotLauncherScript::NotPlain(refusal),
            None => NotLauncherScript::OtherCommand,
        })?;
    let mut words = words.into_iter().map(OsString::from_vec).peekable();
    words.next_if(|word| word == "exec");
    match words.next() {
        Some(program) if launcher::is_launcher(&program) => Ok(RunScript::OneLine(words.collect())),
        _ => Err(NotLauncherScript::OtherCommand),
    }
}

/// The script without the line that `futo reconcile` writes before the command.
fn without_wake(script: &[u8]) -> Cow<'_, [u8]> {
    let wake = one_line::WAKE_LOGGER.as_bytes();
    match script.windows(wake.len()).position(|window| window == wake) {
        Some(at) => {
            let (before, rest) = script.split_at(at);
            let after = rest.get(wake.len()..).unwrap_or_default();
            // an empty line in its place keeps line numbers right
            Cow::Owned([before, b"\n", after].concat())
        }
        None => Cow::Borrowed(script),
    }
}

/// Whether the script is for a shell.
pub(super) fn is_for_a_shell(script: &[u8]) -> bool {
    let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    interpreter(first).is_some_and(|(name, _)| SHELLS.contains(&name))
}

/// The interpreter named in the first line, and its arguments.
fn interpreter(first: &[u8]) -> Option<(&str, Vec<&str>)> {
    let mut words = std::str::from_utf8(first).ok()?.strip_prefix("#!")?.split_whitespace();
    let mut name = words.next().map(basename).unwrap_or_default();
    if name == "env" {
        name = words.find(|word| *word != "-S").map(basename).unwrap_or_default();
    }
    Some((name, words.collect()))
}

fn basename(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_line(script: &str) -> Result<Vec<String>, NotLauncherScript> {
        match parse(script.as_bytes())? {
            RunScript::OneLine(words) => {
                Ok(words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
            }
            RunScript::File => panic!("the file form"),
        }
    }

    #[test]
    fn reads_one_plain_command() {
        let script = "#!/bin/sh -e\n# a heartbeat\n\nexec /usr/local/bin/futo-launch --interval 60 \\\n  -- sh -c 'echo \"$X\"; true' # why\n\n# end\n";
        let expected = ["--interval", "60", "--", "sh", "-c", "echo \"$X\"; true"].map(String::from);
        assert_eq!(one_line(script), Ok(expected.to_vec()));
        let crlf = "#!/bin/sh\r\n# why\r\nexec futo-launch \\\r\n  -- true\r\n";
        assert_eq!(one_line(crlf), Ok(vec!["--".to_string(), "true".to_string()]));
        assert_eq!(parse(b"#!/usr/local/bin/futo-launch --file\r\nexec = ['a']\r\n"), Ok(RunScript::File));
        let script = "#!/usr/bin/with-contenv bash\nfuto-launch worker";
        assert_eq!(one_line(script), Ok(vec!["worker".to_string()]));
    }

    #[test]
    fn recognises_the_file_form() {
        assert_eq!(parse(b"#!/usr/local/bin/futo-launch --file\nexec = ['a']\n"), Ok(RunScript::File));
        assert_eq!(parse(b"#!/usr/local/bin/futo-launch --files\n"), Err(NotLauncherScript::Interpreter));
    }

    #[test]
    fn scripts_that_take_a_shell_to_run_are_rejected() {
        for (script, line) in [
            ("#!/bin/sh\nexec futo-launch -- $PROGRAM\n", 2),
            ("#!/bin/sh\nexec futo-launch a; rm b\n", 2),
            ("#!/bin/sh\n\nexec futo-launch a && b\n", 3),
            ("#!/bin/sh\nexec futo-launch *.py\n", 2),
            ("#!/bin/sh\nexec futo-launch a\nexec b\n", 3),
        ] {
            match one_line(script) {
                Err(NotLauncherScript::NotPlain(refusal)) => assert_eq!(refusal.line, line, "{script}"),
                other => panic!("{script}: {other:?}"),
            }
        }
        assert_eq!(one_line("#!/bin/sh\nexec sleep 5\n"), Err(NotLauncherScript::OtherCommand));
        assert_eq!(one_line("#!/bin/sh\n"), Err(NotLauncherScript::OtherCommand));
        assert_eq!(one_line("exec futo-launch a\n"), Err(NotLauncherScript::Interpreter));
    }
}
