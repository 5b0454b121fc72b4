//! Whether the text of a script mentions a program, without parsing the script as a shell would.

use super::launcher;

/// Whether a text mentions the launcher anywhere, even in a comment.
pub fn mentions_launcher(text: &[u8]) -> bool {
    let name = launcher::NAME.as_bytes();
    text.windows(name.len()).any(|window| window == name)
}

/// Whether a script appears to start the launcher.
pub fn names_launcher(script: &[u8]) -> bool {
    lines(script).any(|line| (!is_comment(line) || line.starts_with(b"#!")) && mentions_launcher(line))
}

/// Whether a script appears to run a program (with any path) with this first argument.
pub fn runs(script: &[u8], program: &str, word: &str) -> bool {
    let names = |line: &[u8]| {
        let is_between = |byte: &u8| byte.is_ascii_whitespace() || b";&|()\"'".contains(byte);
        let words: Vec<&[u8]> = line.split(is_between).filter(|word| !word.is_empty()).collect();
        let is_program = |word: &[u8]| word.rsplit(|byte| *byte == b'/').next() == Some(program.as_bytes());
        words
            .windows(2)
            .any(|pair| matches!(pair, [first, second] if is_program(first) && *second == word.as_bytes()))
    };
    lines(script).any(|line| !is_comment(line) && names(line))
}

/// The first line, from 1, that mentions the launcher outside a comment.
pub(super) fn line_of_launcher(script: &[u8]) -> Option<usize> {
    lines(script).position(|line| !is_comment(line) && mentions_launcher(line)).map(|index| index + 1)
}

fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

fn lines(script: &[u8]) -> impl Iterator<Item = &[u8]> {
    script.split(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_recognised_by_the_program_it_runs() {
        for (script, expected) in [
            ("#!/bin/sh\nfuto sync\n", true),
            ("exec /usr/local/bin/futo sync --watch", true),
            ("[ -x /usr/bin/futo ] && \"/usr/bin/futo\" sync || true", true),
            ("# futo sync\n", false),
            ("futo status\nsync\n", false),
            ("futon sync", false),
        ] {
            assert_eq!(runs(script.as_bytes(), "futo", "sync"), expected, "{script}");
        }
    }
}
