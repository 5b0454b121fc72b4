//! The machine a launch runs on: accounts, environment, directories, path ownership. Read-only.

pub mod accounts;
pub mod envdir;
mod host;
pub mod ownership;

pub(crate) use host::text_of;
pub use host::{Host, Machine};
