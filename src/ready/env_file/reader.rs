//! The reader: one pass over the bytes, by bash's rules of quoting.

use super::{Assignment, Refusal};

/// Variables that bash keeps itself: an assignment fails or does not last.
const BASHS_OWN: &[&str] = &[
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_ARGV0",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_COMPAT",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "COMP_WORDBREAKS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
    "_",
];

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    assignments: Vec<Assignment>,
    refusals: Vec<Refusal>,
}

/// What a word is for: which expansions a shell would do in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word<'n> {
    /// The value of this variable, as a command of its own.
    Value(&'n str),
    /// The same behind export, where bash also expands braces.
    Exported(&'n str),
    /// A word of a command, where a shell also expands braces and file names.
    Command,
}

impl Word<'_> {
    fn remedy(self) -> String {
        match self {
            Word::Value(name) | Word::Exported(name) => format!("put the value in quotes: {name}='…'"),
            Word::Command => "put the word in single quotes".to_string(),
        }
    }

    fn expands(self, byte: u8) -> bool {
        match self {
            Word::Value(_) => false,
            Word::Exported(_) => byte == b'{',
            Word::Command => matches!(byte, b'{' | b'*' | b'?' | b'['),
        }
    }
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

    /// The words of one command that takes the whole text; a comment may follow.
    pub(super) fn words(mut self) -> Result<Vec<Vec<u8>>, Vec<Refusal>> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            let line = self.line;
            match self.peek() {
                None => break,
                Some(b'#') => self.skip_line(),
                Some(b'\n') if words.is_empty() => {
                    self.next();
                }
                Some(b'\n') => {
                    self.next();
                    self.skip_blank_lines();
                    if self.at < self.bytes.len() {
                        self.refuse(self.line, "a second command", "keep one command only");
                    }
                    break;
                }
                Some(b';') => {
                    self.refuse(line, "a ';'", "keep one command only");
                    break;
                }
                Some(_) => match self.value(Word::Command) {
                    Ok(word) => words.push(word),
                    Err(Refused) => self.skip_line(),
                },
            }
        }
        if self.refusals.is_empty() { Ok(words) } else { Err(self.refusals) }
    }

    fn skip_blank_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'#') => self.skip_line(),
                Some(b'\n') => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    /// Assignments up to the end of the line, or to a `;`.
    fn command(&mut self) -> Result<(), Refused> {
        let mut exported = false;
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
                        exported = true;
                    } else {
                        self.assignment(exported)?;
                    }
                    words += 1;
                }
            }
        }
    }

    /// Whether just this word, unquoted, stands here.
    fn is_word(&self, word: &[u8]) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.strip_prefix(word)
            .is_some_and(|rest| rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';')))
    }

    fn assignment(&mut self, exported: bool) -> Result<(), Refused> {
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
                return Err(self.refuse(
                    line,
                    "'+=' is not read",
                    format!("write the whole value: {name}=…"),
                ));
            }
            Some(b'[') if is_name => {
                return Err(self.refuse(
                    line,
                    "an array has no place in an environment",
                    "use a variable for each",
                ));
            }
            None | Some(b' ' | b'\t' | b'\n' | b';') if is_name && exported => return Ok(()),
            _ => return Err(self.not_an_assignment(line)),
        }
        if BASHS_OWN.contains(&name.as_str()) {
            let what = format!("bash keeps {name} itself: the value would not last");
            return Err(self.refuse(line, what, "use another name"));
        }
        let word = if exported { Word::Exported(&name) } else { Word::Value(&name) };
        let value = self.value(word)?;
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

    /// A word, up to a blank or the end of the command.
    fn value(&mut self, word: Word<'_>) -> Result<Vec<u8>, Refused> {
        let mut value = Vec::new();
        // a shell expands a tilde at the start and, in an assignment, behind each ':'
        let mut tilde_expands = true;
        loop {
            let line = self.line;
            let Some(byte) = self.peek() else { return Ok(value) };
            match byte {
                b' ' | b'\t' | b'\n' | b';' => return Ok(value),
                b'\'' => self.single_quoted(&mut value)?,
                b'"' => self.double_quoted(&mut value, word)?,
                b'\\' => {
                    self.at += 1;
                    match self.next() {
                        Some(b'\n') => continue,
                        Some(0) => return Err(self.nul(line)),
                        Some(next) => value.push(next),
                        None => {
                            return Err(self.refuse(line, "a backslash at the end of the file", "remove it"));
                        }
                    }
                }
                b'(' if value.is_empty() && word != Word::Command => {
                    return Err(self.refuse(line, "an array has no place in an environment", word.remedy()));
                }
                b'&' | b'|' | b'<' | b'>' | b'(' | b')' => {
                    let what = format!("an unquoted '{}'", char::from(byte));
                    return Err(self.refuse(line, what, word.remedy()));
                }
                b'$' | b'`' => return Err(self.expansion(line, byte, word)),
                b'~' if tilde_expands => {
                    return Err(self.refuse(line, "an unquoted '~'", "write the home directory out"));
                }
                _ if word.expands(byte) => {
                    let what = format!("an unquoted '{}'", char::from(byte));
                    return Err(self.refuse(line, what, word.remedy()));
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

    fn double_quoted(&mut self, value: &mut Vec<u8>, word: Word<'_>) -> Result<(), Refused> {
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
                Some(byte @ (b'$' | b'`')) => return Err(self.expansion(line, byte, word)),
                Some(0) => return Err(self.nul(line)),
                Some(byte) => value.push(byte),
                None => return Err(self.refuse(opened, "a quote that is never closed", "close it with \"")),
            }
        }
    }

    fn expansion(&mut self, line: usize, byte: u8, word: Word<'_>) -> Refused {
        match (byte, word) {
            (b'`', _) => self.refuse(line, "a command substitution is not run", "write its result"),
            (_, Word::Value(name) | Word::Exported(name)) => {
                let remedy = format!("if a dollar is meant, {name}='…$…'; else write the value out");
                self.refuse(line, "'$' outside single quotes is not read", remedy)
            }
            (_, Word::Command) => {
                let remedy = "if a dollar is meant, use single quotes; else write the value out";
                self.refuse(line, "'$' outside single quotes is not read", remedy)
            }
        }
    }

    fn nul(&mut self, line: usize) -> Refused {
        self.refuse(line, "a NUL byte", "remove it: no variable can hold one")
    }
}
