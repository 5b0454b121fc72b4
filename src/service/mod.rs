//! Service directories: their name, layout, and what a run script in one says.

mod name;
pub mod layout;

pub use name::{InvalidName, ServiceName};
