//! The one writer of our own lines: to the log and to the inherited stderr (so that `docker logs`
//! shows failures). It cannot panic on a closed stderr and escapes control characters.

use std::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use crate::error::{Finding, Findings};
use crate::sys;

/// How bad a line is, in execline's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The launcher goes no further.
    Fatal,
    /// It goes on, but somebody should look.
    Warning,
    /// Worth knowing.
    Info,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Fatal => "fatal",
            Level::Warning => "warning",
            Level::Info => "info",
        }
    }
}

/// Who reads a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The log and the inherited stderr.
    Everyone,
    /// The log only: of failures in a row, all but the first.
    LogOnly,
}

/// Where our lines go, and under which name.
#[derive(Debug, Default)]
pub struct Reporter {
    name: Option<String>,
    silent: bool,
    log: Option<Rc<OwnedFd>>,
}

impl Reporter {
    /// Writes to the inherited stderr, before the service has a name.
    pub fn unnamed() -> Self {
        Reporter::default()
    }

    /// Says nothing: for what is looked at a second time.
    pub fn silent() -> Self {
        Reporter { silent: true, ..Reporter::default() }
    }

    /// Writes to the inherited stderr under the service's name.
    pub fn named(name: &str) -> Self {
        Reporter { name: Some(name.to_string()), ..Reporter::default() }
    }

    /// From now on our lines go to this log too.
    pub fn set_log(&mut self, log: Option<Rc<OwnedFd>>) {
        self.log = log;
    }

    /// Says one line.
    pub fn say(&self, level: Level, audience: Audience, text: &str) {
        if self.silent {
            return;
        }
        let line = format_line(self.name.as_deref(), &sys::clock::utc_now(), level, text);
        if let Some(log) = &self.log {
            sys::fd::write_all_or_give_up(log.as_fd(), line.as_bytes());
        }
        if audience == Audience::LogOnly && self.log.is_some() {
            return;
        }
        sys::fd::write_all_or_give_up(std::io::stderr().as_fd(), line.as_bytes());
    }

    /// A warning for everyone.
    pub fn warn(&self, text: &str) {
        self.say(Level::Warning, Audience::Everyone, text);
    }

    /// A note for everyone.
    pub fn info(&self, text: &str) {
        self.say(Level::Info, Audience::Everyone, text);
    }

    /// Says one finding and its remedy.
    pub fn finding(&self, level: Level, finding: &Finding) {
        self.say(level, Audience::Everyone, &finding.text);
        if let Some(hint) = &finding.hint {
            self.say(Level::Info, Audience::Everyone, &format!("hint: {hint}"));
        }
    }

    /// Says all findings.
    pub fn findings(&self, level: Level, findings: &Findings) {
        for finding in findings.iter() {
            self.finding(level, finding);
        }
    }
}

fn format_line(name: Option<&str>, utc: &str, level: Level, text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 64);
    match name {
        Some(name) => {
            line.push_str(utc);
            line.push(' ');
            push_escaped(&mut line, name);
        }
        None => line.push_str("futo-launch"),
    }
    line.push_str(": ");
    line.push_str(level.word());
    line.push_str(": ");
    push_escaped(&mut line, text);
    line.push('\n');
    line
}

/// Control characters become visible, so that a file name cannot forge a line or drive a terminal.
pub fn push_escaped(line: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_time_name_level() {
        assert_eq!(
            format_line(Some("heartbeat"), "2026-11-22T03:45:54Z", Level::Warning, "unable to open 'a'"),
            "2026-11-22T03:45:54Z heartbeat: warning: unable to open 'a'\n"
        );
        assert_eq!(format_line(None, "x", Level::Fatal, "t"), "futo-launch: fatal: t\n");
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        if self.silent {
            return;
        }
        let line = format_line(Some("a"), "T", Level::Info, "x\n2026 b: info: forged\u{1b}[2J\u{85}");
        assert_eq!(line, "T a: info: x\\n2026 b: info: forged\\u{1b}[2J\\u{85}\n");
        assert_eq!(line.matches('\n').count(), 1);
    }
}
