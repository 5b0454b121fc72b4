//! The machine that a launch finds: accounts, environment, directories, and who owns a path. Reading only.

pub mod accounts;
pub mod envdir;
mod host;
pub mod ownership;

pub(crate) use host::text_of;
pub use host::{Host, Machine};
