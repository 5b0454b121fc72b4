//! Service directories: their name, layout, and what a run script in one says.

pub mod layout;
mod name;
pub mod one_line;
pub mod run_script;

pub use name::{InvalidName, ServiceName};
