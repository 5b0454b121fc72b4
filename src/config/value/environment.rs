//! `--env NAME=VALUE`, `--default NAME=VALUE`, `--unset NAME`, `--require NAME,…`, `--env-file -PATH`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::expandable_text::ExpandableText;
use super::variable_name::VariableName;
use crate::invalid::Invalid;

/// Reads `NAME=VALUE`; everything after the first `=` is the value.
pub fn assignment(text: &OsStr) -> Result<(VariableName, ExpandableText), Invalid> {
    let bytes = text.as_bytes();
    let equals =
        bytes.iter().position(|byte| *byte == b'=').ok_or_else(|| Invalid::new("is not NAME=VALUE"))?;
    let name = VariableName::parse(bytes.get(..equals).unwrap_or_default())?;
    let value = ExpandableText::parse(OsStr::from_bytes(bytes.get(equals + 1..).unwrap_or_default()))?;
    Ok((name, value))
}

/// Reads `NAME,…`.
pub fn names(text: &OsStr) -> Result<Vec<VariableName>, Invalid> {
    text.as_bytes().split(|byte| *byte == b',').map(VariableName::parse).collect()
}

/// Whether a file or directory of variables must exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be missing.
    Optional,
}

impl Presence {
    /// Splits off the dash that makes a path optional, as in systemd's `EnvironmentFile=-PATH`. A path that begins
    /// with a dash is written `./-PATH`.
    pub fn split(text: &OsStr) -> (Presence, &OsStr) {
        match text.as_bytes().strip_prefix(b"-") {
            Some(path) => (Presence::Optional, OsStr::from_bytes(path)),
            None => (Presence::Required, text),
        }
    }
}

/// What the command line does to the worker's environment, in order. Its Debug form shows no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvironmentEdit {
    /// `--env NAME=VALUE`
    Set(VariableName, ExpandableText),
    /// `--unset NAME`
    Unset(VariableName),
}

impl EnvironmentEdit {
    /// Reads `NAME=VALUE`.
    pub fn parse_set(text: &OsStr) -> Result<Self, Invalid> {
        match assignment(text) {
            Err(invalid) if !text.as_bytes().contains(&b'=') => {
                Err(invalid.hint("use --unset NAME to remove a variable"))
            }
            result => result.map(|(name, value)| EnvironmentEdit::Set(name, value)),
        }
    }

    /// Reads `NAME`.
    pub fn parse_unset(text: &OsStr) -> Result<Self, Invalid> {
        Ok(EnvironmentEdit::Unset(VariableName::parse(text.as_bytes())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_everything_after_the_first_equals_sign() {
        let EnvironmentEdit::Set(name, value) =
            EnvironmentEdit::parse_set(OsStr::new("URL=http://h/?a=b&c $X ")).expect("an assignment")
        else {
            panic!("not a Set");
        };
        assert_eq!((name.as_str(), value.literal()), ("URL", Some("http://h/?a=b&c $X ".into())));
    }

    #[test]
    fn a_message_never_shows_the_value() {
        let error = EnvironmentEdit::parse_set(OsStr::new("1BAD=hunter2")).expect_err("a bad name");
        assert!(!format!("{error:?}{error}").contains("hunter2"));
    }
}
