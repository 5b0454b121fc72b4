//! Names of variables.

use crate::env_file;
use crate::invalid::Invalid;

/// A name that bash can assign to: a letter or underscore, then letters, digits, underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VariableName(String);

impl VariableName {
    /// Reads a name.
    pub fn parse(name: &[u8]) -> Result<Self, Invalid> {
        match std::str::from_utf8(name) {
            Ok(name) if env_file::is_name(name.as_bytes()) => Ok(VariableName(name.to_string())),
            _ => Err(Invalid::new("has an invalid variable name")
                .hint("use letters, digits and underscores; do not start with a digit")),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
