//! Writes a run script of one line: the inverse of [`super::run_script`].

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::shell_quote::push_shell_word;

/// Starts the logger of a service if it was left down together with the service (`log/down`): otherwise the service
/// would block on a pipe without a reader. Opening the FIFO for reading as well keeps the shell from blocking.
pub const WAKE_LOGGER: &str = "[ -p log/supervise/control ] && printf u 1<>log/supervise/control\n";

/// Whether a run script first starts its logger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logger {
    /// The logger may be down.
    Wake,
    /// There is no logger, or it is never left down.
    Leave,
}

/// An sh script that executes these words and nothing else; `by` names the command that writes it.
pub fn script(words: &[OsString], logger: Logger, by: &str) -> Vec<u8> {
    let wake = if logger == Logger::Wake { WAKE_LOGGER } else { "" };
    let mut script = format!("#!/bin/sh\n# written by {by}; edits here are lost\n{wake}exec").into_bytes();
    for word in words {
        script.push(b' ');
        push_shell_word(&mut script, word.as_bytes());
    }
    script.push(b'\n');
    script
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::service::run_script::{self, RunScript};

    #[test]
    fn written_scripts_are_read_back() {
        let words: Vec<OsString> = [
            b"--env=A=b c".as_slice(),
            b"",
            b"it's",
            b"$(reboot) `x` \"y\" \\ # ; & | < > * ? ~",
            b"two\nlines",
            b"\xff\xfe",
            "é~".as_bytes(),
            b"#",
        ]
        .into_iter()
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
        let mut line = vec![OsString::from("/usr/local/bin/futo-launch")];
        line.extend(words.iter().cloned());
        for logger in [Logger::Leave, Logger::Wake] {
            let script = script(&line, logger, "futo sync");
            assert_eq!(run_script::parse(&script), Ok(RunScript::OneLine(words.clone())));
        }
    }
}
