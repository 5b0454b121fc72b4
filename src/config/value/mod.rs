//! The values of options, each parsed once, at the edge, into a type of its own.

mod backoff;
mod bounds;
mod capabilities;
mod delay;
mod directory;
mod endpoint;
mod environment;
mod expandable_text;
mod gate;
mod identity;
mod number;
mod ready_form;
mod shell_command;
mod signal;
mod variable_name;

pub use backoff::Backoff;
pub use bounds::{Bound, Bounds, resource_name};
pub use capabilities::Capabilities;
pub use delay::Delay;
pub use directory::Directory;
pub use endpoint::Endpoint;
pub use environment::{EnvironmentEdit, Presence, assignment, names};
pub use expandable_text::{ExpandableText, ExpansionError, Lookup};
pub use gate::Gate;
pub use identity::{GroupRequest, GroupsRequest, UserRequest};
pub use number::{ByteSize, descriptor, mode, whole};
pub use ready_form::{Check, ReadyForm};
pub use shell_command::ShellCommand;
pub use signal::{StopSignal, signal_name};
pub use variable_name::VariableName;

use std::ffi::OsStr;

use crate::invalid::{Invalid, refuse_quotes};

/// The value as text, for options that take text.
pub fn text(value: &OsStr) -> Result<&str, Invalid> {
    let text = value.to_str().ok_or_else(|| Invalid::new("is not valid UTF-8"))?;
    refuse_quotes(text).map(|()| text)
}
