//! What came of an order.

use crate::service::control::ControlError;

/// What came of it, in words.
pub(super) enum Outcome {
    /// It is as it was asked for.
    Reached(String),
    /// It is not, within the time.
    Missed(String),
}

pub(super) fn reached(text: impl Into<String>) -> Result<Outcome, ControlError> {
    Ok(Outcome::Reached(text.into()))
}

pub(super) fn missed(text: impl Into<String>) -> Result<Outcome, ControlError> {
    Ok(Outcome::Missed(text.into()))
}
