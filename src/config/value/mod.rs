//! The values of options, each parsed once, at the edge, into a type of its own.

mod backoff;
mod bounds;
mod capabilities;
mod delay;
mod environment;
mod gate;
mod identity;
mod number;
mod ready_form;
mod shell_command;
mod signal;
mod template;

pub use backoff::Backoff;
pub use bounds::{Bound, Bounds, resource_name};
pub use capabilities::Capabilities;
pub use delay::Delay;
pub use environment::{EnvironmentEdit, VariableName, assignment, names};
pub use gate::Gate;
pub use identity::{GroupRequest, GroupsRequest, UserRequest};
pub use number::{ByteSize, descriptor, mode, whole};
pub use ready_form::{Check, ReadyForm};
pub use shell_command::ShellCommand;
pub use signal::{StopSignal, signal_name};
pub use template::{ExpansionError, Lookup, Template};

use std::ffi::OsStr;

use crate::escape;

/// A reason may quote a word of the value; in bytes.
const LONGEST_REASON: usize = 300;

/// Why a value is not of an option's form. Never carries the value: the caller decides whether it
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

/// The value as text, for options that take text.
pub fn text(value: &OsStr) -> Result<&str, Invalid> {
    let text = value.to_str().ok_or_else(|| Invalid::new("not UTF-8"))?;
    refuse_quotes(text).map(|()| text)
}

/// Quotes that a shell has not taken off: no value of such an option has any.
pub fn refuse_quotes(text: &str) -> Result<(), Invalid> {
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    match is_quoted('"') || is_quoted('\'') {
        true => Err(Invalid::new("has quotes of its own").hint("take the inner quotes out")),
        false => Ok(()),
    }
}
