//! The outcome of an order.

use crate::service::control::ControlError;

/// The outcome, as text.
pub(super) enum Outcome {
    /// The effect occurred.
    Reached(String),
    /// It did not occur in time.
    Missed(String),
}

pub(super) fn reached(text: impl Into<String>) -> Result<Outcome, ControlError> {
    Ok(Outcome::Reached(text.into()))
}

pub(super) fn missed(text: impl Into<String>) -> Result<Outcome, ControlError> {
    Ok(Outcome::Missed(text.into()))
}
