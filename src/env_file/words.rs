//! Parses words by bash's rules: quotes, backslashes, `$`. Nothing is evaluated here.

use super::cursor::Cursor;
use super::refusal::Refusal;
use super::syntax::{Part, Quotes, Word};
use super::{ansi_c, parameter};

/// The maximum nesting depth of `${…}` and quotes.
pub(super) const MAX_DEPTH: usize = 50;

/// The role of a word, which determines the expansions a shell would perform.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context<'n> {
    /// The value of this variable, as a command of its own.
    Value(&'n str),
    /// The same after export, where bash also expands braces.
    Exported(&'n str),
    /// A word of a command, where bash also expands braces and file names.
    Argument,
    /// A word of a command that must not depend on variables.
    Plain,
}

impl Context<'_> {
    pub(super) fn remedy(self) -> String {
        match self {
            Context::Value(name) | Context::Exported(name) => format!("put the value in quotes: {name}='…'"),
            Context::Argument | Context::Plain => "put the word in single quotes".to_string(),
        }
    }

    fn is_value(self) -> bool {
        matches!(self, Context::Value(_) | Context::Exported(_))
    }

    pub(super) fn expands(self, byte: u8) -> bool {
        match self {
            Context::Value(_) => false,
            Context::Exported(_) => byte == b'{',
            Context::Argument | Context::Plain => matches!(byte, b'{' | b'*' | b'?' | b'['),
        }
    }
}

/// A word, up to a blank or the end of the command.
pub(super) fn word(cursor: &mut Cursor<'_>, context: Context<'_>) -> Result<Word, Refusal> {
    let mut parts = Word::new();
    // a shell expands a tilde at the start and, in an assignment, after every ':'
    let mut tilde_expands = true;
    loop {
        cursor.join();
        let line = cursor.line();
        let Some(byte) = cursor.peek() else { return Ok(parts) };
        match byte {
            b' ' | b'\t' | b'\n' | b';' => return Ok(parts),
            b'(' if parts.is_empty() && context.is_value() => {
                return Err(Refusal::array(line));
            }
            b'&' | b'|' | b'<' | b'>' | b'(' | b')' => return Err(unquoted(line, byte, context)),
            b'~' if tilde_expands => {
                cursor.next();
                parts.push(tilde(cursor, line, context, Tilde::InAssignment)?);
            }
            _ if context.expands(byte) => return Err(unquoted(line, byte, context)),
            b'\'' | b'"' | b'\\' | b'$' | b'`' | 0 => quoting(cursor, &mut parts, context, 0)?,
            _ if is_ordinary(byte) => {
                let run = cursor.take_until(|byte| !is_ordinary(byte));
                Part::extend(&mut parts, run, Quotes::Outside);
            }
            _ => {
                cursor.next();
                Part::push(&mut parts, byte, Quotes::Outside);
            }
        }
        tilde_expands = byte == b':' && context != Context::Argument;
    }
}

/// A byte without special meaning anywhere in an unquoted word.
fn is_ordinary(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b',' | b'@' | b'%' | b'+')
}

pub(super) fn unquoted(line: usize, byte: u8, context: Context<'_>) -> Refusal {
    Refusal::new(line, format!("an unquoted '{}'", char::from(byte)), context.remedy())
}

/// The position of a tilde, which determines what ends the user name after it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tilde {
    InAssignment,
    /// In a word inside `${…}`.
    InBraces,
}

/// Reads the text after a tilde that a shell would expand.
pub(super) fn tilde(
    cursor: &mut Cursor<'_>,
    line: usize,
    context: Context<'_>,
    tilde: Tilde,
) -> Result<Part, Refusal> {
    if !context.is_value() {
        return Err(Refusal::new(line, "an unquoted '~'", "write out the home directory"));
    }
    cursor.join();
    match (tilde, cursor.peek()) {
        (_, Some(b'/'))
        | (Tilde::InAssignment, None | Some(b' ' | b'\t' | b'\n' | b';' | b':'))
        | (Tilde::InBraces, Some(b'}')) => Ok(Part::Home { line }),
        _ => Err(Refusal::new(
            line,
            "an unquoted '~' with text after it",
            "write out the home directory; for a literal '~', quote it",
        )),
    }
}

/// Reads a quote or an expansion, outside double quotes.
pub(super) fn quoting(
    cursor: &mut Cursor<'_>,
    parts: &mut Word,
    context: Context<'_>,
    depth: usize,
) -> Result<(), Refusal> {
    let line = cursor.line();
    match cursor.next() {
        Some(b'\'') => single_quoted(cursor, parts),
        Some(b'"') => double_quoted(cursor, parts, context, depth),
        Some(b'\\') => match cursor.next() {
            Some(0) => Err(Refusal::nul(line)),
            Some(next) => {
                Part::push(parts, next, Quotes::Inside);
                Ok(())
            }
            // bash keeps it
            None if context.is_value() => {
                Part::push(parts, b'\\', Quotes::Inside);
                Ok(())
            }
            None => Err(Refusal::new(line, "a backslash at the end of the file", "remove it")),
        },
        Some(b'$') => {
            if context != Context::Plain {
                cursor.join();
                if cursor.take(b'\'') {
                    let bytes = ansi_c::read(cursor)?;
                    parts.push(Part::Text { bytes, quotes: Quotes::Inside });
                    return Ok(());
                }
                // without a translation it is an ordinary double quote
                if cursor.take(b'"') {
                    return double_quoted(cursor, parts, context, depth);
                }
            }
            parameter::dollar(cursor, parts, context, Quotes::Outside, depth)
        }
        Some(b'`') => Err(substitution(line)),
        _ => Err(Refusal::nul(line)),
    }
}

pub(super) fn substitution(line: usize) -> Refusal {
    Refusal::new(line, "command substitution is not supported", "write the result")
}

fn single_quoted(cursor: &mut Cursor<'_>, parts: &mut Word) -> Result<(), Refusal> {
    let opened = cursor.line();
    let bytes = cursor.take_until(|byte| matches!(byte, b'\'' | 0)).to_vec();
    parts.push(Part::Text { bytes, quotes: Quotes::Inside });
    let line = cursor.line();
    match cursor.next() {
        Some(b'\'') => Ok(()),
        Some(_) => Err(Refusal::nul(line)),
        None => Err(Refusal::unclosed(opened, '\'')),
    }
}

fn double_quoted(
    cursor: &mut Cursor<'_>,
    parts: &mut Word,
    context: Context<'_>,
    depth: usize,
) -> Result<(), Refusal> {
    let opened = cursor.line();
    parts.push(Part::Text { bytes: Vec::new(), quotes: Quotes::Inside });
    loop {
        cursor.join();
        let run = cursor.take_until(|byte| matches!(byte, b'"' | b'\\' | b'$' | b'`' | 0));
        if !run.is_empty() {
            Part::extend(parts, run, Quotes::Inside);
            continue;
        }
        let line = cursor.line();
        match cursor.next() {
            Some(b'"') => return Ok(()),
            Some(b'\\') => match cursor.peek() {
                Some(next @ (b'$' | b'`' | b'"' | b'\\')) => {
                    cursor.next();
                    Part::push(parts, next, Quotes::Inside);
                }
                _ => Part::push(parts, b'\\', Quotes::Inside),
            },
            Some(b'$') => parameter::dollar(cursor, parts, context, Quotes::Inside, depth)?,
            Some(b'`') => return Err(substitution(line)),
            Some(0) => return Err(Refusal::nul(line)),
            // nothing else ends a literal run
            Some(byte) => Part::push(parts, byte, Quotes::Inside),
            None => return Err(Refusal::unclosed(opened, '"')),
        }
    }
}
