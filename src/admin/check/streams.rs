//! Workers that open /dev/stderr or /dev/stdout by name. Where the log is a regular file, that opens the log
//! itself, and truncates it unless it is opened for appending. A pipe would not be affected, so this comes as a
//! surprise.

use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::finding::{CheckFinding, Weight};
use crate::config::spec::LogWriter;
use crate::plan::{LogPlan, Plan};
use crate::ready::environment::Environment;
use crate::ready::program;
use crate::sys;

/// How much of a script is read, in bytes.
const MOST: u64 = 256 << 10;
/// Names of the streams.
const STREAMS: [&str; 6] =
    ["/dev/stderr", "/dev/stdout", "/dev/fd/2", "/dev/fd/1", "/proc/self/fd/2", "/proc/self/fd/1"];

/// Checks the worker's program and arguments; `script` is the argument of an interpreter.
pub(super) fn check_streams(
    plan: &Plan,
    environment: &Environment,
    script: Option<&Path>,
) -> Vec<CheckFinding> {
    // a pipe cannot be truncated
    let (LogPlan::File(log), LogWriter::Worker) = (&plan.log, plan.log_rules.writer) else {
        return Vec::new();
    };
    let log = plan.directory.join(log);
    let program = program::find(plan, environment).ok();
    let scripts = program.into_iter().chain(script.map(PathBuf::from));
    let in_scripts = scripts.filter_map(|path| {
        let text = text_of(&path)?;
        let (line, stream, weight) = opened(&text)?;
        Some(found(&format!("{}:{line}", path.display()), stream, weight, &log))
    });
    let in_words = plan.program.iter().skip(1).filter_map(|word| {
        let (_, stream, weight) = opened(word.to_str()?)?;
        Some(found("an argument of the program", stream, weight, &log))
    });
    in_scripts.chain(in_words).collect()
}

fn found(place: &str, stream: &str, weight: Weight, log: &Path) -> CheckFinding {
    let text = match weight {
        Weight::Problem => {
            format!("{place}: opens {stream} by name, which truncates the log '{}'", log.display())
        }
        _ => format!(
            "{place}: names {stream}: a program that opens it, other than to append, truncates the log '{}'",
            log.display()
        ),
    };
    let hint =
        "in a shell script, write >&2 or >&1, or >> to append; in a program, use its setting for stderr";
    CheckFinding { weight, ..CheckFinding::problem(text, hint) }
}

/// The text of a script; none of a binary.
fn text_of(path: &Path) -> Option<String> {
    use std::io::Read;
    let file = sys::file::open_regular(path, OFlag::empty()).ok()?;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(MOST).read_to_end(&mut bytes).ok()?;
    let is_text = !bytes.iter().take(4096).any(|byte| *byte == 0);
    is_text.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// The first line that opens a stream by its name; a problem if it is certain to truncate.
fn opened(text: &str) -> Option<(usize, &'static str, Weight)> {
    let mut first = None;
    for (index, line) in text.split('\n').enumerate() {
        let code = line.trim_start();
        if code.starts_with('#') || code.starts_with("//") {
            continue;
        }
        for stream in STREAMS {
            let Some((before, after)) = line.split_once(stream) else { continue };
            // /dev/stdoutx, /dev/fd/10
            if after.starts_with(|next: char| next.is_alphanumeric()) {
                continue;
            }
            match weight(before.trim_end_matches(['"', '\'', ' ', '\t']), after) {
                Some(Weight::Problem) => return Some((index + 1, stream, Weight::Problem)),
                Some(weight) => _ = first.get_or_insert((index + 1, stream, weight)),
                None => {}
            }
        }
    }
    first
}

fn weight(before: &str, after: &str) -> Option<Weight> {
    let command = before.rsplit(['|', ';', '&', '(']).next().unwrap_or_default();
    let mut words = command.split_whitespace();
    let is_tee = words.next() == Some("tee");
    let appends = words.any(|word| word.starts_with("-a") || word == "--append");
    // the mode of open() in most languages
    let mode = after.trim_start_matches(['"', '\'', ',', ' ']);
    match () {
        () if before.ends_with(">>") || is_tee && appends || mode.starts_with('a') && after != mode => None,
        () if before.ends_with('>') || before.ends_with(">|") || is_tee => Some(Weight::Problem),
        () => Some(Weight::Note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncating_a_stream_differs_from_appending_and_from_naming_it() {
        let problem = |line, stream| Some((line, stream, Weight::Problem));
        let note = |line, stream| Some((line, stream, Weight::Note));
        for (text, expected) in [
            ("echo a > /dev/stderr", problem(1, "/dev/stderr")),
            ("#!/bin/sh\necho a 1>/dev/stdout\n", problem(2, "/dev/stdout")),
            ("exec >|\"/dev/stderr\"", problem(1, "/dev/stderr")),
            ("a | tee /dev/stderr | b", problem(1, "/dev/stderr")),
            ("a &> /proc/self/fd/2", problem(1, "/proc/self/fd/2")),
            ("a | tee -a /dev/stderr", None),
            ("echo a >> /dev/stderr", None),
            ("echo a >&2", None),
            ("# echo a > /dev/stderr", None),
            ("echo a > /dev/fd/10", None),
            ("open('/dev/stderr', 'a')", None),
            ("open('/dev/stderr', 'w')", note(1, "/dev/stderr")),
            ("--log=/dev/stdout", note(1, "/dev/stdout")),
            ("x /dev/stdout\necho > /dev/stderr", problem(2, "/dev/stderr")),
        ] {
            assert_eq!(opened(text), expected, "{text}");
        }
    }
}
