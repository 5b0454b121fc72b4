//! The only writer of the program's own lines, to the log and to the inherited stderr (where `docker logs` shows
//! them). It cannot panic on a closed stderr, and escapes control characters.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use crate::error::{Finding, Findings};
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::sys;
use crate::sys::lock;

/// The severity of a line, in execline's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The launcher gives up.
    Fatal,
    /// It continues, but something needs attention.
    Warning,
    /// Worth knowing.
    Info,
    /// The remedy for the line before.
    Hint,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Fatal => "fatal",
            Level::Warning => "warning",
            Level::Info => "info",
            Level::Hint => "hint",
        }
    }
}

/// Who reads a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The log and the inherited stderr.
    Everyone,
    /// The log only: repeated failures after the first.
    LogOnly,
}

/// What a recurring problem concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The log cannot be opened, or not as planned.
    Log,
    /// The pump of the log cannot be started.
    Pump,
    /// The log became shorter during a run.
    Truncation,
    /// The directories of `--mkdir`.
    Directories,
    /// The variables of the worker.
    Environment,
    /// The run record.
    Record,
    /// The notification of readiness.
    Readiness,
    /// The lock of `--lock`.
    RunLock,
    /// The lock of the service's one loop.
    LoopLock,
}

/// The log for our own lines.
#[derive(Debug)]
pub struct OwnLines {
    /// Open for appending, or a pipe.
    pub to: Rc<OwnedFd>,
    /// The lock of whoever else may write to this file, not by appending.
    pub turn: Option<Rc<OwnedFd>>,
}

/// How long the turn is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

impl OwnLines {
    /// Returns whether it was this file's turn: who has it may write over the line.
    fn write(&self, line: &[u8]) -> bool {
        // without locks on this volume nobody waits for another
        let turn = self.turn.as_ref().and_then(|turn| lock::within(PATIENCE, turn).ok());
        let is_others = matches!(turn, Some(None));
        if !is_others {
            sys::fd::write_line(self.to.as_fd(), line);
        }
        !is_others
    }
}

/// Where the lines go, and under which name.
#[derive(Debug, Default)]
pub struct Reporter {
    name: Option<String>,
    program: &'static str,
    log: Option<OwnLines>,
    troubles: BTreeMap<Topic, Finding>,
}

impl Reporter {
    /// Writes to the inherited stderr under a program's name, without time: for people at a shell.
    pub fn of_program(program: &'static str) -> Self {
        Reporter { program, ..Reporter::default() }
    }

    /// Writes to the inherited stderr under the service's name.
    pub fn named(name: &str) -> Self {
        Reporter { name: Some(name.to_string()), ..Reporter::default() }
    }

    /// Also writes the lines to this log from now on.
    pub fn set_log(&mut self, log: Option<OwnLines>) {
        self.log = log;
    }

    /// Writes one line.
    pub fn say(&self, level: Level, audience: Audience, text: &str) {
        let line = format_line(self.program, self.name.as_deref(), level, text);
        let is_in_log = self.log.as_ref().is_some_and(|log| log.write(line.as_bytes()));
        if audience == Audience::LogOnly && is_in_log {
            return;
        }
        sys::fd::write_line(std::io::stderr().as_fd(), line.as_bytes());
    }

    /// A warning for everyone.
    pub fn warn(&self, text: &str) {
        self.say(Level::Warning, Audience::Everyone, text);
    }

    /// A note for everyone.
    pub fn info(&self, text: &str) {
        self.say(Level::Info, Audience::Everyone, text);
    }

    /// A remedy for everyone.
    pub fn hint(&self, text: &str) {
        self.say(Level::Hint, Audience::Everyone, text);
    }

    /// Writes one finding and its remedy.
    pub fn finding(&self, level: Level, finding: &Finding) {
        self.say(level, Audience::Everyone, &finding.text);
        if let Some(hint) = &finding.hint {
            self.hint(hint);
        }
    }

    /// A line for the user at the shell, and its remedy.
    pub fn say_at_shell(&self, level: Level, text: &str, hint: Option<&str>) {
        self.say(level, Audience::Everyone, text);
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// A recurring problem that does not keep the worker from running: reported once, and again only after it has
    /// cleared or changed. There is one per `topic` at a time; `None` clears it.
    pub fn trouble(&mut self, topic: Topic, trouble: Option<Finding>) {
        match trouble {
            None => {
                self.troubles.remove(&topic);
            }
            Some(trouble) if self.troubles.get(&topic) == Some(&trouble) => {}
            Some(trouble) => {
                self.finding(Level::Warning, &trouble);
                self.troubles.insert(topic, trouble);
            }
        }
    }

    /// Writes all findings.
    pub fn findings(&self, level: Level, findings: &Findings) {
        for finding in findings.iter() {
            self.finding(level, finding);
        }
    }
}

fn format_line(program: &str, service: Option<&str>, level: Level, text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 64);
    match service {
        Some(name) => {
            line.push_str(&sys::clock::utc_now());
            line.push(' ');
            push_escaped(&mut line, name);
        }
        None => line.push_str(program),
    }
    line.push_str(": ");
    line.push_str(level.word());
    line.push_str(": ");
    push_escaped(&mut line, text);
    line.push('\n');
    line
}

/// Writes a page to stdout.
pub fn print(page: &str) -> Exit {
    sys::fd::write_all_or_give_up(std::io::stdout().as_fd(), page.as_bytes());
    Exit::OK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_time_name_level() {
        let line = format_line("p", Some("heartbeat"), Level::Warning, "unable to open 'a'");
        let (time, rest) = line.split_at(20);
        assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
        assert_eq!(rest, " heartbeat: warning: unable to open 'a'\n");
        assert_eq!(format_line("futo", None, Level::Fatal, "t"), "futo: fatal: t\n");
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        let line = format_line("p", None, Level::Info, "x\n2026 b: info: forged\u{1b}[2J\u{85}\u{202e}");
        assert_eq!(line, "p: info: x\\n2026 b: info: forged\\u{1b}[2J\\u{85}\\u{202e}\n");
    }
}
