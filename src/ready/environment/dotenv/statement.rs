//! Splits a file into statements.

use super::faults::{
    AFTER_QUOTE, AFTER_QUOTE_BELOW, BAD_NAME, COLON, Fault, HASH, HASH_AFTER_TAB, NO_NAME, OPEN_QUOTE,
    STRAY_CR, UNREADABLE,
};
use super::value::{self, Value};

/// `NAME=value`, `NAME: value`, or a name alone.
pub(super) struct Statement<'a> {
    /// The line where it starts, counted from 1.
    pub(super) line: usize,
    /// The variable's name.
    pub(super) name: &'a str,
    /// What it is set to.
    pub(super) definition: Definition<'a>,
}

/// The value of a variable.
pub(super) enum Definition<'a> {
    /// A name alone: the inherited value.
    Inherited,
    /// `=` or `: ` followed by this.
    Value(Value<'a>),
}

/// A statement that is refused.
pub(super) struct Refused<'a> {
    /// The line where it starts, counted from 1.
    pub(super) line: usize,
    /// The variable that would have been set, if known.
    pub(super) name: Option<&'a str>,
    /// What is wrong with it.
    pub(super) fault: Fault,
}

/// The statements of a file. A refused one is followed by the next line.
pub(super) struct Statements<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<Statement<'a>, Refused<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.skip_blanks();
            let line = self.line;
            if !is_line_end(self.rest) && !self.rest.starts_with('#') {
                break;
            }
            if self.rest.is_empty() {
                return None;
            }
            let checked = self.line_checked();
            self.skip_line();
            if let Err(fault) = checked {
                return Some(Err(Refused { line, name: None, fault }));
            }
        }
        let (line, mut name) = (self.line, None);
        let statement = self.statement(&mut name);
        self.skip_line();
        Some(match statement {
            Ok((name, definition)) => Ok(Statement { line, name, definition }),
            Err(fault) => Err(Refused { line, name, fault }),
        })
    }
}

impl<'a> Statements<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Statements { rest: text, line: 1 }
    }

    fn advance(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) -> &'a str {
        self.advance(self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len())
    }

    fn skip_line(&mut self) {
        self.advance(self.rest.find('\n').map_or(self.rest.len(), |at| at + 1));
    }

    /// The rest of the line, without its end. Other programs end a line at every CR.
    fn line_checked(&self) -> Result<&'a str, Fault> {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.contains('\r') { Err(STRAY_CR) } else { Ok(line) }
    }

    /// One statement, without the end of its last line. A refused statement ends anywhere before it.
    fn statement(&mut self, known: &mut Option<&'a str>) -> Result<(&'a str, Definition<'a>), Fault> {
        if let Some(after) = self.rest.strip_prefix("export") {
            if is_line_end(after) {
                return Err(NO_NAME);
            }
            if after.starts_with([' ', '\t']) {
                self.advance("export".len());
                self.skip_blanks();
            }
        }
        let name = self.name()?;
        let blanks = self.skip_blanks();
        if is_line_end(self.rest) {
            return Ok((name, Definition::Inherited));
        }
        if !self.rest.starts_with(['=', ':']) {
            return Err(UNREADABLE);
        }
        *known = Some(name);
        let is_separated =
            blanks.is_empty() && [": ", ":\t"].iter().any(|colon| self.rest.starts_with(colon));
        if self.rest.starts_with(':') && !is_separated {
            return Err(COLON);
        }
        self.advance(1);
        self.skip_blanks();
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.unquoted()?,
        };
        Ok((name, Definition::Value(value)))
    }

    fn name(&mut self) -> Result<&'a str, Fault> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let length = self.rest.find(|c: char| !is_name(c)).unwrap_or(self.rest.len());
        if self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Ok(self.advance(length));
        }
        Err(if self.rest.starts_with(['=', '\n', '\r']) || self.rest.is_empty() { NO_NAME } else { BAD_NAME })
    }

    fn unquoted(&mut self) -> Result<Value<'a>, Fault> {
        value::unquoted(without_comment(self.line_checked()?)?.trim_end_matches([' ', '\t']))
    }

    fn quoted(&mut self, quote: char) -> Result<Value<'a>, Fault> {
        let after = self.rest.get(1..).unwrap_or_default();
        let length = closing(after, quote).ok_or(OPEN_QUOTE)?;
        let first = self.line;
        let inner = after.get(..length).unwrap_or_default();
        self.advance(length + 2);
        let value = match quote {
            '\'' => value::single_quoted(inner),
            _ => value::double_quoted(inner),
        };
        self.skip_blanks();
        if !is_line_end(self.rest) && !self.rest.starts_with('#') {
            return Err(if first == self.line { AFTER_QUOTE } else { AFTER_QUOTE_BELOW });
        }
        self.line_checked().and(value)
    }
}

fn is_line_end(rest: &str) -> bool {
    matches!(rest, "" | "\r") || rest.starts_with('\n') || rest.starts_with("\r\n")
}

/// The end of a quoted text. A backslash escapes the character after it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => _ = characters.next(),
            _ if character == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// An unquoted value, less a comment: a blank and `#`.
fn without_comment(line: &str) -> Result<&str, Fault> {
    if line.starts_with('#') {
        return Err(HASH);
    }
    match comment(line) {
        Some((_, '\t')) => Err(HASH_AFTER_TAB),
        Some((at, _)) => Ok(line.get(..at).unwrap_or_default()),
        None => Ok(line),
    }
}

/// The blank before the first `#` that follows one.
fn comment(line: &str) -> Option<(usize, char)> {
    line.char_indices()
        .zip(line.chars().skip(1))
        .find(|((_, blank), next)| *next == '#' && matches!(blank, ' ' | '\t'))
        .map(|(blank, _)| blank)
}
