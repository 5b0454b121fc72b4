//! The reader: one pass over the bytes, by bash's rules of quoting.

use super::{Assignment, Refusal};

/// Variables that bash keeps itself: an assignment fails or does not last.
const BASHS_OWN: &[&str] = &[
    "BASHOPTS", "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV", "BASH_ARGV0", "BASH_CMDS",
    "BASH_COMMAND", "BASH_COMPAT", "BASH_LINENO", "BASH_SOURCE", "BASH_SUBSHELL", "BASH_VERSINFO",
    "COMP_WORDBREAKS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS",
    "HISTCMD", "LINENO", "PIPESTATUS", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SRANDOM", "UID", "_",
];

const QUOTE_IT: &str = "put the value in single quotes";

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    assignments: Vec<Assignment>,
    refusals: Vec<Refusal>,
}

/// What stands before an assignment on its command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Nothing,
    Export,
}

/// A refusal has been noted; the rest of the line does not count.
struct Refused;

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, line: 1, assignments: Vec::new(), refusals: Vec::new() }
    }

    pub(super) fn read(mut self) -> Result<Vec<Assignment>, Vec<Refusal>> {
        while self.at < self.bytes.len() {
            if self.command().is_err() {
                self.skip_line();
            }
        }
        if self.refusals.is_empty() { Ok(self.assignments) } else { Err(self.refusals) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    fn refuse(&mut self, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Refused {
        self.refusals.push(Refusal { line, what: what.into(), remedy: remedy.into() });
        Refused
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// Blanks and line continuations between words.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.bytes.get(self.at + 1) == Some(&b'\n') => {
                    self.next();
                    self.next();
                }
                _ => return,
            }
        }
    }

    /// Assignments up to the end of the line, or to a `;`.
    fn command(&mut self) -> Result<(), Refused> {
        let mut prefix = Prefix::Nothing;
        let mut words = 0;
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return Ok(()),
                Some(b'\n') => {
                    self.next();
                    return Ok(());
                }
                Some(b'#') => {
                    self.skip_line();
                    return Ok(());
                }
                Some(b';') if words == 0 => {
                    return Err(self.refuse(self.line, "a ';' without a command before it", "remove it"));
                }
                Some(b';') => {
                    self.at += 1;
                    if self.peek() == Some(b';') {
                        return Err(self.refuse(self.line, "a ';;'", "remove one"));
                    }
                    return Ok(());
                }
                Some(_) => {
                    if words == 0 && self.is_word(b"export") {
                        self.at += b"export".len();
                        prefix = Prefix::Export;
                    } else {
                        self.assignment(prefix)?;
                    }
                    words += 1;
                }
            }
        }
    }

    /// Whether just this word, unquoted, stands here.
    fn is_word(&self, word: &[u8]) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.strip_prefix(word).is_some_and(|rest| {
            rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';'))
        })
    }

    fn assignment(&mut self, prefix: Prefix) -> Result<(), Refused> {
        let line = self.line;
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
        let name = self.bytes.get(start..self.at).unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let is_name = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        match self.peek() {
            Some(b'=') if is_name => self.at += 1,
            Some(b'+') if is_name && self.bytes.get(self.at + 1) == Some(&b'=') => {
                return Err(self.refuse(line, "'+=' is not read", format!("write the whole value: {name}=…")));
            }
            Some(b'[') if is_name => {
                return Err(self.refuse(line, "an array has no place in an environment", "use a variable for each"));
            }
            None | Some(b' ' | b'\t' | b'\n' | b';') if is_name && prefix == Prefix::Export => return Ok(()),
            _ => return Err(self.not_an_assignment(line)),
        }
        if BASHS_OWN.contains(&name.as_str()) {
            let what = format!("bash keeps {name} itself: the value would not last");
            return Err(self.refuse(line, what, "use another name"));
        }
        let value = self.value(&name, prefix)?;
        self.assignments.push(Assignment { name, value, line });
        Ok(())
    }

    fn not_an_assignment(&mut self, line: usize) -> Refused {
        // a word behind an assignment on its line: a value with a blank and no quotes
        if let Some(last) = self.assignments.last()
            && last.line == line
        {
            let remedy = format!("put the value in quotes: {}='…'", last.name);
            return self.refuse(line, "a second word, which bash would run as a command", remedy);
        }
        self.refuse(line, "not an assignment", "write NAME=VALUE, without blanks around '='")
    }

    /// The value behind `=`, up to a blank or the end of the command.
    fn value(&mut self, name: &str, prefix: Prefix) -> Result<Vec<u8>, Refused> {
        let mut value = Vec::new();
        // bash expands a tilde at the start and behind each ':'
        let mut tilde_expands = true;
        loop {
            let line = self.line;
            let Some(byte) = self.peek() else { return Ok(value) };
            match byte {
                b' ' | b'\t' | b'\n' | b';' => return Ok(value),
                b'\'' => self.single_quoted(&mut value)?,
                b'"' => self.double_quoted(&mut value)?,
                b'\\' => {
                    self.at += 1;
                    match self.next() {
                        Some(b'\n') => continue,
                        Some(0) => return Err(self.nul(line)),
                        Some(next) => value.push(next),
                        None => return Err(self.refuse(line, "a backslash at the end of the file", "remove it")),
                    }
                }
                b'(' if value.is_empty() => {
                    return Err(self.refuse(line, "an array has no place in an environment", QUOTE_IT));
                }
                b'&' | b'|' | b'<' | b'>' | b'(' | b')' => {
                    let what = format!("an unquoted '{}'", char::from(byte));
                    return Err(self.refuse(line, what, format!("put the value in quotes: {name}='…'")));
                }
                b'$' | b'`' => return Err(self.expansion(line, byte, name)),
                b'~' if tilde_expands => {
                    return Err(self.refuse(line, "an unquoted '~'", "write the home directory out"));
                }
                b'{' if prefix == Prefix::Export => {
                    return Err(self.refuse(line, "an unquoted '{' behind export", QUOTE_IT));
                }
                0 => return Err(self.nul(line)),
                _ => {
                    self.at += 1;
                    value.push(byte);
                }
            }
            tilde_expands = byte == b':';
        }
    }

    fn single_quoted(&mut self, value: &mut Vec<u8>) -> Result<(), Refused> {
        let opened = self.line;
        self.at += 1;
        loop {
            let line = self.line;
            match self.next() {
                Some(b'\'') => return Ok(()),
                Some(0) => return Err(self.nul(line)),
                Some(byte) => value.push(byte),
                None => return Err(self.refuse(opened, "a quote that is never closed", "close it with '")),
            }
        }
    }

    fn double_quoted(&mut self, value: &mut Vec<u8>) -> Result<(), Refused> {
        let opened = self.line;
        self.at += 1;
        loop {
            let line = self.line;
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.peek() {
                    Some(b'\n') => {
                        self.next();
                    }
                    Some(next @ (b'$' | b'`' | b'"' | b'\\')) => {
                        self.at += 1;
                        value.push(next);
                    }
                    _ => value.push(b'\\'),
                },
                Some(byte @ (b'$' | b'`')) => return Err(self.expansion(line, byte, "NAME")),
                Some(0) => return Err(self.nul(line)),
                Some(byte) => value.push(byte),
                None => return Err(self.refuse(opened, "a quote that is never closed", "close it with \"")),
            }
        }
    }

    fn expansion(&mut self, line: usize, byte: u8, name: &str) -> Refused {
        let (what, remedy) = match byte {
            b'`' => ("a command substitution is not run".to_string(), "write its result".to_string()),
            _ => (
                "'$' outside single quotes is not read".to_string(),
                format!("if a dollar is meant, {name}='…$…'; else write the value out"),
            ),
        };
        self.refuse(line, what, remedy)
    }

    fn nul(&mut self, line: usize) -> Refused {
        self.refuse(line, "a NUL byte", "remove it: no variable can hold one")
    }
}
