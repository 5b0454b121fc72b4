//! Why a text is not a valid value.

use crate::escape;

/// A reason may quote a word of the value; in bytes.
const LONGEST_REASON: usize = 300;

/// Why a text is not a valid value. Never contains the value: the caller decides whether it
/// may be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Invalid {
    /// Completes "invalid value: …".
    pub reason: String,
    /// How to write it.
    pub hint: Option<String>,
}

impl Invalid {
    /// A reason without a hint.
    pub fn new(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Invalid { reason: escape::shortened(&reason, LONGEST_REASON).into_owned(), hint: None }
    }

    /// The same with the way to write it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Refuses quotes that no shell has removed: valid values of these options have none.
pub fn refuse_quotes(text: &str) -> Result<(), Invalid> {
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    match is_quoted('"') || is_quoted('\'') {
        true => Err(Invalid::new("contains quotes").hint("remove the inner quotes")),
        false => Ok(()),
    }
}
