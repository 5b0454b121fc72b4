//! Parses the value of a statement into literal text and references to variables.

use super::faults::{BACKSLASH_DOLLAR, BRACES, CONTROL, CRLF_IN_QUOTES, DOLLAR, ESCAPE, Fault, JOINED, NUL};

/// A value: its parts, in order.
pub(super) type Value<'a> = Vec<Piece<'a>>;

/// A part of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// `$NAME` or `${NAME}`.
    Reference {
        /// The variable's name.
        name: &'a str,
        /// `${NAME:-word}`, `${NAME-word}`: the default for an unset variable.
        otherwise: Option<Otherwise<'a>>,
    },
}

/// The default for an unset variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Otherwise<'a> {
    /// Plain text.
    pub(super) word: &'a str,
    /// With the colon: for an empty one as well.
    pub(super) also_if_empty: bool,
}

/// Single-quoted: only `\'` is an escape.
pub(super) fn single_quoted(inner: &str) -> Result<Value<'_>, Fault> {
    refuse_in_quotes(inner)?;
    let mut value = Value::new();
    let mut rest = inner;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|text| text.find('\\')).map(|at| from + at) {
        // a backslash escapes the next character: `\\'` is not `\'`
        let next = rest.get(at + 1..).and_then(|after| after.chars().next());
        match next {
            Some('\'') => {
                value.extend(text(rest.get(..at)));
                rest = rest.get(at + 1..).unwrap_or_default();
                from = 1;
            }
            next => from = at + 1 + next.map_or(0, char::len_utf8),
        }
    }
    value.extend(text(Some(rest)));
    Ok(value)
}

/// Double-quoted: escapes and variables.
pub(super) fn double_quoted(inner: &str) -> Result<Value<'_>, Fault> {
    refuse_in_quotes(inner)?;
    let mut value = Value::new();
    let mut rest = inner;
    while let Some(at) = rest.find(['\\', '$']) {
        value.extend(text(rest.get(..at)));
        let special = rest.get(at..).unwrap_or_default();
        rest = match special.strip_prefix('\\') {
            Some(after) => {
                let (escaped, rest) = escape(after)?;
                value.push(Piece::Text(escaped));
                rest
            }
            None => dollar(special.get(1..).unwrap_or_default(), &mut value)?,
        };
    }
    value.extend(text(Some(rest)));
    Ok(value)
}

/// Unquoted, up to the end of the line or a comment: everything but `$` is literal.
pub(super) fn unquoted(whole: &str) -> Result<Value<'_>, Fault> {
    if whole.contains('\0') {
        return Err(NUL);
    }
    if whole.contains(|c: char| (c.is_control() || c.is_whitespace()) && c != ' ' && c != '\t') {
        return Err(CONTROL);
    }
    let mut value = Value::new();
    let mut rest = whole;
    while let Some((before, after)) = rest.split_once('$') {
        if before.ends_with('\\') {
            return Err(BACKSLASH_DOLLAR);
        }
        value.extend(text(Some(before)));
        rest = dollar(after, &mut value)?;
    }
    value.extend(text(Some(rest)));
    Ok(value)
}

fn text(text: Option<&str>) -> Option<Piece<'_>> {
    text.filter(|text| !text.is_empty()).map(Piece::Text)
}

fn refuse_in_quotes(inner: &str) -> Result<(), Fault> {
    if inner.contains('\0') {
        return Err(NUL);
    }
    if inner.contains('\r') {
        return Err(CRLF_IN_QUOTES);
    }
    Ok(())
}

/// Decodes the escape after a backslash; returns it and the rest.
fn escape(after: &str) -> Result<(&'static str, &str), Fault> {
    let mut characters = after.chars();
    let escaped = match characters.next() {
        Some('a') => "\x07",
        Some('b') => "\x08",
        Some('f') => "\x0c",
        Some('n') => "\n",
        Some('r') => "\r",
        Some('t') => "\t",
        Some('v') => "\x0b",
        Some('\\') => "\\",
        Some('"') => "\"",
        Some('$') => "$",
        _ => return Err(ESCAPE),
    };
    Ok((escaped, characters.as_str()))
}

/// Reads a reference after a `$`; returns the rest.
fn dollar<'a>(after: &'a str, value: &mut Value<'a>) -> Result<&'a str, Fault> {
    if let Some(rest) = after.strip_prefix('$') {
        value.push(Piece::Text("$"));
        return Ok(rest);
    }
    if let Some(after) = after.strip_prefix('{') {
        let (inner, rest) = after.split_once('}').ok_or(BRACES)?;
        value.push(braces(inner)?);
        return Ok(rest);
    }
    let (name, rest) = split_name(after);
    if name.is_empty() {
        return Err(DOLLAR);
    }
    if rest.starts_with(|next: char| !next.is_ascii()) {
        return Err(JOINED);
    }
    value.push(Piece::Reference { name, otherwise: None });
    Ok(rest)
}

/// Between `${` and `}`.
fn braces(inner: &str) -> Result<Piece<'_>, Fault> {
    let (name, rest) = split_name(inner);
    let (word, also_if_empty) = match (rest.strip_prefix(":-"), rest.strip_prefix('-')) {
        _ if name.is_empty() => return Err(BRACES),
        _ if rest.is_empty() => return Ok(Piece::Reference { name, otherwise: None }),
        (Some(word), _) => (word, true),
        (None, Some(word)) => (word, false),
        (None, None) => return Err(BRACES),
    };
    if word.contains(['$', '{', '\\', '"', '\'', '\n']) {
        return Err(BRACES);
    }
    Ok(Piece::Reference { name, otherwise: Some(Otherwise { word, also_if_empty }) })
}

/// Splits off the name at the start of a text.
fn split_name(text: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => 0,
        false => text.find(|c: char| !is_name(c)).unwrap_or(text.len()),
    };
    text.split_at_checked(length).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text as is, variables in angle brackets.
    fn shown(value: Result<Value<'_>, Fault>) -> Result<String, &'static str> {
        let show = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Reference { name, otherwise: None } => format!("<{name}>"),
            Piece::Reference { name, otherwise: Some(Otherwise { word, also_if_empty }) } => {
                format!("<{name}{}{word}>", if *also_if_empty { ":" } else { "|" })
            }
        };
        value.map(|value| value.iter().map(show).collect()).map_err(|(what, _)| what)
    }

    #[test]
    fn in_single_quotes_only_a_quote_can_be_escaped() {
        for (inner, value) in [
            ("", ""),
            ("a $b \\n \"", "a $b \\n \""),
            ("it\\'s", "it's"),
            ("\\'", "'"),
            ("\\\\", "\\\\"),
            ("\\'\\'a\\'", "''a'"),
            ("\\é\\'", "\\é'"),
        ] {
            assert_eq!(shown(single_quoted(inner)), Ok(value.to_string()), "{inner}");
        }
    }

    #[test]
    fn double_quotes_know_escapes_and_variables() {
        for (inner, value) in [
            ("a\\tb\\n\\\"\\\\\\$c", "a\tb\n\"\\$c"),
            ("$A_B-${A}${A:-x y}${A-}$$", "<A_B>-<A><A:x y><A|>$"),
            ("\\\\$A", "\\<A>"),
        ] {
            assert_eq!(shown(double_quoted(inner)), Ok(value.to_string()), "{inner}");
        }
    }

    #[test]
    fn without_quotes_only_a_dollar_is_special() {
        for (text, value) in [
            ("a b\\n \"c\" it's", "a b\\n \"c\" it's"),
            ("C:\\x $A.", "C:\\x <A>."),
            ("{\"k\":[1]}", "{\"k\":[1]}"),
        ] {
            assert_eq!(shown(unquoted(text)), Ok(value.to_string()), "{text}");
        }
    }

    #[test]
    fn what_others_read_differently_is_refused() {
        for (inner, what) in [
            ("$5", DOLLAR.0),
            ("$", DOLLAR.0),
            ("$ ", DOLLAR.0),
            ("$$$", DOLLAR.0),
            ("$\u{212a}", DOLLAR.0),
            ("$Aé", JOINED.0),
            ("${A", BRACES.0),
            ("${}", BRACES.0),
            ("${5}", BRACES.0),
            ("${A:?x}", BRACES.0),
            ("${A+x}", BRACES.0),
            ("${A:-${B}}", BRACES.0),
            ("${A/x/y}", BRACES.0),
            ("${a.b}", BRACES.0),
            ("\\d", ESCAPE.0),
            ("\\'", ESCAPE.0),
            ("\\0101", ESCAPE.0),
            ("\\\n", ESCAPE.0),
            ("a\r\nb", CRLF_IN_QUOTES.0),
            ("\0", NUL.0),
        ] {
            assert_eq!(shown(double_quoted(inner)), Err(what), "{inner:?}");
        }
        for text in ["a\u{b}b", "a\u{a0}b", "a\u{3000}", "a\u{1f}", "a\rb", "\u{7f}", "\u{85}"] {
            assert_eq!(shown(unquoted(text)), Err(CONTROL.0), "{text:?}");
        }
        assert_eq!(shown(unquoted("a\\$A")), Err("a backslash before an unquoted '$'"));
    }
}
