//! `futo logs NAME [-f]`: the end of a service's log, and lines appended to it.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;

use super::options::{Command, Key, Operands, Words, switch, value};
use super::{CommandError, services};
use crate::config::value::Delay;
use crate::error::reason_of;
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::observe::{FollowedLog, Observer, Snapshot, last_lines, lines_since};
use crate::report::{Level, Reporter};
use crate::sys;
use crate::sys::privilege::Privilege;

/// How often the log is read again.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const LINES: usize = 20;

pub(super) const COMMAND: Command = Command {
    name: "logs",
    operands: Operands::Services("NAME|DIR"),
    help: "show the last lines of a service's log",
    more: "Rotated and compressed logs are read too. With -f, follows the log across rotation until \
           interrupted. At a terminal, control characters are escaped; otherwise, and with --raw, bytes are \
           printed unchanged.",
    options: &[
        switch(Key::Follow, "keep running and print what is appended").short('f'),
        value(Key::Lines, "N", "number of lines [20]").short('n'),
        value(Key::Since, "DURATION", "print the lines since this long ago, by the times in them"),
        switch(Key::Raw, "print bytes unchanged, even at a terminal"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: logs,
};

fn logs(words: Words) -> Result<Exit, CommandError> {
    let part = part(&words)?;
    let service = services::one(COMMAND.name, &words)?;
    let observer = Observer::new(&services::locations(&words).scan_dir);
    let snapshot = observer.observe(service);
    let Some(path) = snapshot.log_path() else {
        return fatal(
            &format!("unable to find the log of '{}': {}", snapshot.service.name, why_no_log(&snapshot)),
            Some("s6-svscan's stderr goes to docker logs, or to the catch-all log"),
        );
    };
    let caller = observer.caller();
    let mut output = Output::new(match words.has(Key::Raw) || !std::io::stdout().is_terminal() {
        true => OutputForm::Raw,
        false => OutputForm::Escaped,
    });
    let log = match snapshot.attempt(|| show(&part, caller, &path, &mut output)) {
        Ok(Some(log)) => log,
        // nobody reads what is shown
        Ok(None) => return Ok(Exit::OK),
        Err(error) if words.has(Key::Follow) && error.kind() == std::io::ErrorKind::NotFound => {
            FollowedLog::from_start(caller, &path)
        }
        Err(error) => {
            let hint = match part {
                Part::Since(_) => Some("-n N shows lines without a time; --log-stamp iso gives each one"),
                Part::Last(_) => None,
            };
            return fatal(&format!("unable to read log '{}': {}", path.display(), reason_of(&error)), hint);
        }
    };
    match words.has(Key::Follow) {
        false => Ok(Exit::OK),
        true => follow(&snapshot, log, output),
    }
}

fn fatal(text: &str, hint: Option<&str>) -> Result<Exit, CommandError> {
    Reporter::of_program("futo").say_at_shell(Level::Fatal, text, hint);
    Ok(Exit::SYSTEM)
}

/// The part of the log to show.
enum Part {
    /// This number of lines at its end.
    Last(usize),
    /// The lines since this time.
    Since(SystemTime),
}

fn part(words: &Words) -> Result<Part, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    match (words.value(Key::Since), words.value(Key::Lines)) {
        (Some(_), Some(_)) => Err(usage("--since cannot be combined with --lines")),
        (Some(since), None) => {
            let text = since.to_str().ok_or_else(|| usage("--since: not a duration"))?;
            let delay =
                Delay::parse(text).map_err(|invalid| usage(&format!("--since: {}", invalid.reason)))?;
            let since = sys::clock::wall_now().checked_sub(delay.duration());
            Ok(Part::Since(since.unwrap_or(SystemTime::UNIX_EPOCH)))
        }
        (None, Some(count)) => {
            let count = count.to_str().and_then(|text| text.parse().ok());
            count.map(Part::Last).ok_or_else(|| usage("--lines: is not a number"))
        }
        (None, None) => Ok(Part::Last(LINES)),
    }
}

fn why_no_log(snapshot: &Snapshot) -> &str {
    match (&snapshot.plan, snapshot.troubles.first()) {
        (Some(_), _) => "its output goes to the supervisor's stdout and stderr",
        (None, Some(trouble)) => trouble.text.as_str(),
        (None, None) => "futo-launch is not running, and its run script is not a plain futo-launch command",
    }
}

/// Shows the part; gives the log from there on, none if the reader has gone.
fn show(
    part: &Part,
    caller: Privilege,
    path: &Path,
    output: &mut Output,
) -> std::io::Result<Option<FollowedLog>> {
    match part {
        Part::Last(count) => {
            let (lines, log) = last_lines(caller, path, *count)?;
            Ok(output.show(&lines).ok().map(|()| log))
        }
        Part::Since(since) => {
            let mut is_read = true;
            let mut show = |line: &[u8]| {
                is_read = output.show(line).is_ok();
                is_read
            };
            let log = lines_since(caller, path, *since, &mut show)?
                .ok_or_else(|| std::io::Error::other("no line in it has a time"))?;
            Ok(is_read.then_some(log))
        }
    }
}

/// How a log is shown.
struct Output {
    form: OutputForm,
    /// The start of a character whose end has not been read yet.
    incomplete: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputForm {
    /// The output of a worker controls no terminal.
    Escaped,
    Raw,
}

impl Output {
    fn new(form: OutputForm) -> Self {
        Output { form, incomplete: Vec::new() }
    }

    fn show(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let stdout = std::io::stdout();
        match self.form {
            OutputForm::Raw => sys::fd::write_all(stdout.as_fd(), bytes),
            OutputForm::Escaped => sys::fd::write_all(stdout.as_fd(), self.escaped(bytes).as_bytes()),
        }
    }

    /// What could control a terminal is escaped; lines and tabs stay.
    fn escaped(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.incomplete);
        all.extend_from_slice(bytes);
        if let Err(error) = std::str::from_utf8(last_bytes(&all))
            && error.error_len().is_none()
        {
            let whole = all.len() - (last_bytes(&all).len() - error.valid_up_to());
            self.incomplete = all.split_off(whole);
        }
        let mut shown = String::new();
        for part in String::from_utf8_lossy(&all).split_inclusive(['\n', '\t']) {
            let text = part.trim_end_matches(['\n', '\t']);
            push_escaped(&mut shown, text);
            shown.push_str(part.get(text.len()..).unwrap_or_default());
        }
        shown
    }
}

/// The last character, and what follows its first byte.
fn last_bytes(bytes: &[u8]) -> &[u8] {
    let begins = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let start = bytes.iter().rposition(begins).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Shows what is appended, until the output has no reader.
fn follow(snapshot: &Snapshot, mut log: FollowedLog, mut output: Output) -> Result<Exit, CommandError> {
    let stdout = std::io::stdout();
    let mut part = vec![0; 64 * 1024];
    loop {
        let count = match snapshot.attempt(|| log.read(&mut part)) {
            Ok(count) => count,
            Err(error) => return fatal(&format!("unable to read the log: {}", reason_of(&error)), None),
        };
        if count > 0 {
            if output.show(part.get(..count).unwrap_or_default()).is_err() {
                return Ok(Exit::OK);
            }
            continue;
        }
        if !sys::fd::has_reader(stdout.as_fd()) {
            return Ok(Exit::OK);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_controls_are_escaped_and_characters_stay_whole() {
        let mut output = Output { form: OutputForm::Escaped, incomplete: Vec::new() };
        assert_eq!(output.escaped(b"a\tb\n\x1b[2Jc\r\n"), "a\tb\n\\u{1b}[2Jc\\r\n");
        assert_eq!(output.escaped("\u{85}\u{202e}日".as_bytes()), "\\u{85}\\u{202e}日");
        let [one, two, three] = *"日".as_bytes() else { panic!("three bytes") };
        assert_eq!(
            (output.escaped(&[b'x', one, two]), output.escaped(&[three, b'\n'])),
            ("x".into(), "日\n".into())
        );
        assert_eq!(output.escaped(&[0xff, b'x', 0x9b]), "\u{fffd}x\u{fffd}");
    }
}
