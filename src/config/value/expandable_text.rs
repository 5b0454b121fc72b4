//! A value in which `${NAME}` stands for a variable of the worker's environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::variable_name::VariableName;
use crate::invalid::Invalid;

const FORMS: &str = "write ${NAME}, ${NAME:-word} or ${NAME:?message}; $$ for a dollar sign";

/// How deeply `${NAME:-…}` may be nested.
const MAX_DEPTH: usize = 20;
/// As much as the kernel passes to a program in one variable.
const MAX_BYTES: usize = 128 << 10;

/// Text with variables in it, parsed once. `$$` is a dollar; a `$` before anything but `{` stays.
#[derive(Clone, PartialEq, Eq)]
pub struct ExpandableText(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Variable { name: VariableName, otherwise: Otherwise },
}

/// What replaces a missing variable.
#[derive(Clone, PartialEq, Eq)]
enum Otherwise {
    /// `${NAME}`: nothing; an error if it is not set.
    Error,
    /// `${NAME:-word}`: this, also for an empty one.
    Word(ExpandableText),
    /// `${NAME:?message}`: an error with this message, also for an empty one.
    Message(String),
}

/// Why a text has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpansionError {
    /// `${NAME}`, or `${NAME:?}` without a message.
    #[error("variable '{name}' is {}", if *.is_set { "empty" } else { "not set" })]
    Missing {
        /// The variable.
        name: String,
        /// Whether it is set, but empty.
        is_set: bool,
    },
    /// `${NAME:?message}`
    #[error("variable '{name}': {message}")]
    Asked {
        /// The variable.
        name: String,
        /// The message in the text.
        message: String,
    },
    /// The expanded value.
    #[error("exceeds {} KiB", MAX_BYTES >> 10)]
    TooLong,
}

impl ExpansionError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            ExpansionError::Missing { name, .. } => {
                Some(format!("set {name} in config.env, or write ${{{name}:-word}}"))
            }
            ExpansionError::Asked { .. } | ExpansionError::TooLong => None,
        }
    }
}

/// Looks up the value of a variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<&'a OsStr>;

/// Never shows a value.
impl std::fmt::Debug for ExpandableText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ExpandableText(…)")
    }
}

impl ExpandableText {
    /// Reads a text.
    pub fn parse(text: &OsStr) -> Result<Self, Invalid> {
        let mut rest = text.as_bytes();
        expandable(&mut rest, Ends::AtEnd, 0)
    }

    /// The value, if it depends on no variable.
    pub fn literal(&self) -> Option<OsString> {
        match self.0.as_slice() {
            [] => Some(OsString::new()),
            [Piece::Text(text)] => Some(OsString::from_vec(text.clone())),
            _ => None,
        }
    }

    /// The value with these variables.
    pub fn expand(&self, variables: Lookup<'_>) -> Result<OsString, ExpansionError> {
        let mut value = Vec::new();
        self.expand_into(&mut value, variables)?;
        Ok(OsString::from_vec(value))
    }

    fn expand_into(&self, value: &mut Vec<u8>, variables: Lookup<'_>) -> Result<(), ExpansionError> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => value.extend_from_slice(text),
                Piece::Variable { name, otherwise } => {
                    let found = variables(name.as_str());
                    let missing = || ExpansionError::Missing {
                        name: name.as_str().to_string(),
                        is_set: found.is_some(),
                    };
                    match (found, otherwise) {
                        (Some(found), Otherwise::Error) => value.extend_from_slice(found.as_bytes()),
                        (Some(found), _) if !found.is_empty() => value.extend_from_slice(found.as_bytes()),
                        (_, Otherwise::Word(word)) => word.expand_into(value, variables)?,
                        (_, Otherwise::Message(message)) if !message.is_empty() => {
                            let (name, message) = (name.as_str().to_string(), message.clone());
                            return Err(ExpansionError::Asked { name, message });
                        }
                        (_, Otherwise::Message(_) | Otherwise::Error) => return Err(missing()),
                    }
                }
            }
            if value.len() > MAX_BYTES {
                return Err(ExpansionError::TooLong);
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    AtEnd,
    AtBrace,
}

fn expandable(rest: &mut &[u8], ends: Ends, depth: usize) -> Result<ExpandableText, Invalid> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    loop {
        match *rest {
            [] if ends == Ends::AtEnd => break,
            [] => return Err(Invalid::new("has an unclosed '${'").hint(FORMS)),
            [b'}', ..] if ends == Ends::AtBrace => {
                advance(rest, 1);
                break;
            }
            [b'$', b'$', ..] => {
                text.push(b'$');
                advance(rest, 2);
            }
            [b'$', b'{', ..] => {
                advance(rest, 2);
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(variable(rest, depth)?);
            }
            [byte, ..] => {
                text.push(*byte);
                advance(rest, 1);
            }
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(ExpandableText(pieces))
}

/// After `${`.
fn variable(rest: &mut &[u8], depth: usize) -> Result<Piece, Invalid> {
    if depth >= MAX_DEPTH {
        return Err(Invalid::new("has '${' nested too deeply"));
    }
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let (name, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    let name = VariableName::parse(name)
        .map_err(|_| Invalid::new("has a '${' without a variable name").hint(FORMS))?;
    *rest = after;
    let otherwise = match *rest {
        [b'}', ..] => {
            advance(rest, 1);
            Otherwise::Error
        }
        [b':', b'-', ..] => {
            advance(rest, 2);
            Otherwise::Word(expandable(rest, Ends::AtBrace, depth + 1)?)
        }
        [b':', b'?', ..] => {
            advance(rest, 2);
            let end = rest
                .iter()
                .position(|byte| *byte == b'}')
                .ok_or_else(|| Invalid::new("has an unclosed '${'").hint(FORMS))?;
            let message = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
            advance(rest, end + 1);
            Otherwise::Message(message)
        }
        [] => return Err(Invalid::new("has an unclosed '${'").hint(FORMS)),
        _ => return Err(Invalid::new("has an unsupported form of '${…}'").hint(FORMS)),
    };
    Ok(Piece::Variable { name, otherwise })
}

fn advance(rest: &mut &[u8], count: usize) {
    *rest = rest.get(count..).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, ExpansionError> {
        let variables = |name: &str| match name {
            "A" => Some(OsStr::new("1")),
            "EMPTY" => Some(OsStr::new("")),
            "DOLLAR" => Some(OsStr::new("${A}$$")),
            _ => None,
        };
        let template = ExpandableText::parse(OsStr::new(text)).unwrap_or_else(|_| panic!("{text}"));
        template.expand(&variables).map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn expands_the_three_forms_and_the_dollar() {
        for (text, value) in [
            ("60", "60"),
            ("${A}h", "1h"),
            ("${EMPTY}", ""),
            ("${NONE:-60}", "60"),
            ("${EMPTY:-60}", "60"),
            ("${A:-60}", "1"),
            ("${NONE:-${EMPTY:-${A}s}}m", "1sm"),
            ("${A:?why}", "1"),
            ("$$${A}", "$1"),
            ("$${A}", "${A}"),
            ("$A $5 $", "$A $5 $"),
            ("${NONE:-$$}", "$"),
            ("${NONE:-}", ""),
            ("a}b", "a}b"),
            // the value of a variable is not expanded
            ("${DOLLAR}", "${A}$$"),
        ] {
            assert_eq!(expanded(text), Ok(value.to_string()), "{text}");
        }
    }

    #[test]
    fn a_missing_variable_is_an_error_that_names_it() {
        for (text, message) in [
            ("${NONE}", "variable 'NONE' is not set"),
            ("${NONE:?}", "variable 'NONE' is not set"),
            ("${EMPTY:?}", "variable 'EMPTY' is empty"),
            ("${EMPTY:?set it, please}", "variable 'EMPTY': set it, please"),
            ("${NONE:-${OTHER}}", "variable 'OTHER' is not set"),
        ] {
            assert_eq!(expanded(text).map_err(|error| error.to_string()), Err(message.to_string()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_form_is_refused_at_once() {
        let deep = "${A:-".repeat(30) + &"}".repeat(30);
        for text in
            ["${A", "${A:-", "${A:-x", "${A:?x", "${}", "${1}", "${A-x}", "${A:+x}", "${A/b/c}", &deep]
        {
            assert!(ExpandableText::parse(OsStr::new(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_size_is_bounded() {
        let long = "x".repeat(1 << 16);
        let variables = |_: &str| Some(OsStr::new(&long));
        let template =
            ExpandableText::parse(OsStr::new(&"${A}".repeat(100))).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(template.expand(&variables), Err(ExpansionError::TooLong));
    }
}
