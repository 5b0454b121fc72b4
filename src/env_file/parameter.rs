//! What follows a `$`: names, braces and the forms in them.

use super::cursor::Cursor;
use super::names;
use super::names::is_name;
use super::refusal::Refusal;
use super::syntax::{Action, Case, Extent, Form, Length, Parameter, Part, Quotes, Side, Unset, Word};
use super::words::{self, Context, MAX_DEPTH, Tilde};

/// Reads what follows a `$`; a `$` that starts no expansion is text.
pub(super) fn dollar(
    cursor: &mut Cursor<'_>,
    parts: &mut Word,
    context: Context<'_>,
    quotes: Quotes,
    depth: usize,
) -> Result<(), Refusal> {
    let line = cursor.line();
    if context == Context::Plain {
        let remedy = "for a literal '$', use single quotes; otherwise write the value out";
        return Err(Refusal::new(line, "'$' outside single quotes is not supported", remedy));
    }
    cursor.join();
    match cursor.peek() {
        Some(b'{') => {
            cursor.next();
            parts.push(Part::Parameter(braced(cursor, context, quotes, depth)?));
        }
        Some(byte) if names::is_name_byte(byte) && !byte.is_ascii_digit() => {
            let name = cursor.name();
            parts.push(Part::Parameter(Parameter { name, line, quotes, form: Form::Value }));
        }
        // bash uses these bytes internally, and mishandles them here
        Some(0x01 | 0x7f) => {
            let what = "a control character after a '$'";
            return Err(Refusal::new(line, what, "for a literal '$', write \\$"));
        }
        // the last background command: there is none
        Some(b'!') => {
            cursor.next();
            parts.push(Part::Text { bytes: Vec::new(), quotes });
        }
        Some(b'(' | b'[') => {
            return Err(if cursor.rest().starts_with(b"((") || cursor.peek() == Some(b'[') {
                Refusal::new(line, "arithmetic is not supported", "write the result")
            } else {
                words::substitution(line)
            });
        }
        Some(byte @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'-')) => {
            return Err(special(line, byte, context));
        }
        _ => Part::push(parts, b'$', quotes),
    }
    Ok(())
}

fn special(line: usize, byte: u8, context: Context<'_>) -> Refusal {
    // the digit may be part of a password
    let what = match byte {
        b'0'..=b'9' => "'$' with a digit refers to an argument of the script".to_string(),
        _ => format!("'${}' depends on the script", char::from(byte)),
    };
    let remedy = match context {
        Context::Value(name) | Context::Exported(name) => format!("for a literal '$', write {name}='…$…'"),
        _ => "for a literal '$', write \\$".to_string(),
    };
    Refusal::new(line, what, remedy)
}

fn braced(
    cursor: &mut Cursor<'_>,
    context: Context<'_>,
    quotes: Quotes,
    depth: usize,
) -> Result<Parameter, Refusal> {
    let line = cursor.line();
    if depth >= MAX_DEPTH {
        return Err(Refusal::too_deep(line));
    }
    cursor.join();
    match cursor.peek() {
        Some(b'#') => return Err(not_read(line, "a length")),
        Some(b'!') => return Err(not_read(line, "an indirection")),
        Some(byte @ (b'0'..=b'9' | b'@' | b'*' | b'?' | b'$' | b'-')) => {
            return Err(special(line, byte, context));
        }
        _ => {}
    }
    let name = cursor.name();
    if !is_name(name.as_bytes()) {
        return Err(Refusal::new(line, "'${' without a name after it", "for a literal '$', write \\$"));
    }
    let form = form(cursor, context, quotes, depth, line)?;
    Ok(Parameter { name, line, quotes, form })
}

fn not_read(line: usize, what: &str) -> Refusal {
    Refusal::new(line, format!("{what} inside '${{…}}' is not supported"), "write the result")
}

/// From the end of the name to the closing brace.
fn form(
    cursor: &mut Cursor<'_>,
    context: Context<'_>,
    quotes: Quotes,
    depth: usize,
    line: usize,
) -> Result<Form, Refusal> {
    let Some(operator) = cursor.next() else { return Err(unclosed(line)) };
    cursor.join();
    match operator {
        b'}' => Ok(Form::Value),
        b':' => match cursor.peek() {
            Some(next @ (b'-' | b'=' | b'?' | b'+')) => {
                cursor.next();
                test(cursor, context, quotes, depth, next, Unset::OrEmpty)
            }
            _ => slice(cursor, line),
        },
        b'-' | b'=' | b'?' | b'+' => test(cursor, context, quotes, depth, operator, Unset::Only),
        b'#' | b'%' => {
            let side = if operator == b'#' { Side::Start } else { Side::End };
            let extent = extent(cursor, operator);
            let nested = Nested { context, quotes, purpose: Purpose::Pattern, depth: depth + 1 };
            let pattern = nested.read(cursor, line)?;
            let is_plain = |part: &Part| match part {
                Part::Parameter(parameter) => matches!(parameter.form, Form::Value),
                Part::Text { .. } | Part::Home { .. } => true,
            };
            if !pattern.iter().all(is_plain) {
                return Err(not_read(line, "a pattern with an expansion other than a plain name"));
            }
            Ok(Form::Remove { side, extent, pattern })
        }
        b'^' | b',' => {
            let to = if operator == b'^' { Case::Upper } else { Case::Lower };
            let extent = extent(cursor, operator);
            cursor.join();
            if cursor.take(b'}') { Ok(Form::Case { to, extent }) } else { Err(not_read(line, "a pattern")) }
        }
        b'[' => Err(Refusal::array(line)),
        b'/' => Err(not_read(line, "a replacement")),
        b'@' => Err(not_read(line, "a transformation")),
        _ => Err(Refusal::new(
            line,
            "'${' with something other than a name in it",
            "for a literal '$', write \\$",
        )),
    }
}

fn unclosed(line: usize) -> Refusal {
    Refusal::new(line, "an unterminated '${'", "close it with }")
}

fn extent(cursor: &mut Cursor<'_>, operator: u8) -> Extent {
    if cursor.take(operator) { Extent::Most } else { Extent::Least }
}

fn test(
    cursor: &mut Cursor<'_>,
    context: Context<'_>,
    quotes: Quotes,
    depth: usize,
    operator: u8,
    unset: Unset,
) -> Result<Form, Refusal> {
    let action = match operator {
        b'-' => Action::Default,
        b'=' => Action::Assign,
        b'?' => Action::Require,
        _ => Action::Alternative,
    };
    let line = cursor.line();
    let nested = Nested { context, quotes, purpose: Purpose::Value, depth: depth + 1 };
    Ok(Form::Test { unset, action, word: nested.read(cursor, line)? })
}

fn slice(cursor: &mut Cursor<'_>, line: usize) -> Result<Form, Refusal> {
    let offset = number(cursor);
    let length = match cursor.take(b':') {
        true => number(cursor).map(Length::AtMost),
        false => Some(Length::ToTheEnd),
    };
    match (offset, length, cursor.next()) {
        (Some(offset), Some(length), Some(b'}')) => Ok(Form::Slice { offset, length }),
        _ => Err(not_read(line, "an expression")),
    }
}

/// A plain decimal number: bash reads a leading zero as octal.
fn number(cursor: &mut Cursor<'_>) -> Option<usize> {
    let digits = cursor.name();
    if digits.starts_with('0') && digits.len() > 1 || digits.len() > 6 {
        return None;
    }
    digits.parse().ok()
}

/// What the word after an operator is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Value,
    Pattern,
}

/// The word after an operator, up to the closing brace.
#[derive(Clone, Copy)]
struct Nested<'n> {
    context: Context<'n>,
    quotes: Quotes,
    purpose: Purpose,
    depth: usize,
}

impl Nested<'_> {
    /// How surrounding double quotes affect the word: not at all for a pattern, whose `*` keeps its meaning.
    fn inner_quotes(self) -> Quotes {
        match self.purpose {
            Purpose::Value => Quotes::Inside,
            Purpose::Pattern => Quotes::Outside,
        }
    }

    fn read(self, cursor: &mut Cursor<'_>, opened: usize) -> Result<Word, Refusal> {
        let mut parts = Word::new();
        let mut is_start = true;
        let mut after_colon = false;
        loop {
            cursor.join();
            let line = cursor.line();
            let Some(byte) = cursor.peek() else { return Err(unclosed(opened)) };
            match byte {
                b'}' => {
                    cursor.next();
                    return Ok(parts);
                }
                // bash uses these bytes internally
                0x01 | 0x7f => {
                    let what = "a control character inside '${…}'";
                    return Err(Refusal::new(
                        line,
                        what,
                        "assign it to a variable of its own on an earlier line",
                    ));
                }
                _ if self.quotes == Quotes::Inside => self.in_double_quotes(cursor, &mut parts)?,
                b'~' if self.purpose == Purpose::Pattern && is_start || after_colon => {
                    return Err(Refusal::new(line, "an unquoted '~' inside '${…}'", "quote it"));
                }
                b'~' if is_start => {
                    cursor.next();
                    parts.push(words::tilde(cursor, line, self.context, Tilde::InBraces)?);
                }
                b'{' if self.context.expands(b'{') => return Err(words::unquoted(line, byte, self.context)),
                b'<' | b'>' if matches!(cursor.rest().get(1), Some(b'(')) => {
                    return Err(words::substitution(line));
                }
                b'\'' | b'"' | b'\\' | b'$' | b'`' | 0 => {
                    words::quoting(cursor, &mut parts, self.context, self.depth)?;
                }
                _ => {
                    cursor.next();
                    Part::push(&mut parts, byte, Quotes::Outside);
                }
            }
            is_start = false;
            after_colon = byte == b':';
        }
    }

    fn in_double_quotes(self, cursor: &mut Cursor<'_>, parts: &mut Word) -> Result<(), Refusal> {
        let line = cursor.line();
        let refused = |byte: u8| {
            let what = format!("a {} inside \"${{…}}\"", char::from(byte));
            Refusal::new(line, what, "assign the inner word to a variable on an earlier line")
        };
        match cursor.next() {
            Some(byte @ (b'\'' | b'"')) => Err(refused(byte)),
            Some(byte @ (b'\\' | b'~')) if self.purpose == Purpose::Pattern => Err(refused(byte)),
            Some(b'\\') => {
                match cursor.peek() {
                    Some(next @ (b'$' | b'`' | b'"' | b'\\' | b'}')) => {
                        cursor.next();
                        Part::push(parts, next, Quotes::Inside);
                    }
                    _ => Part::push(parts, b'\\', Quotes::Inside),
                }
                Ok(())
            }
            Some(b'$') => {
                cursor.join();
                match cursor.peek() {
                    Some(byte @ (b'\'' | b'"')) => Err(refused(byte)),
                    _ => dollar(cursor, parts, self.context, self.inner_quotes(), self.depth),
                }
            }
            Some(b'`') => Err(words::substitution(line)),
            Some(0) | None => Err(Refusal::nul(line)),
            Some(byte) => {
                Part::push(parts, byte, self.inner_quotes());
                Ok(())
            }
        }
    }
}
