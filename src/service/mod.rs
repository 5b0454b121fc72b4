//! Service directories: their names and layout, their run scripts, the state that a supervisor records in them, and the
//! commands that it accepts.

pub mod control;
mod elf;
pub mod executable;
pub mod launcher;
pub mod layout;
mod name;
pub mod one_line;
pub mod place;
pub mod run_script;
pub mod s6_overlay;
pub mod script_outline;
pub mod script_search;
pub mod search_path;
pub mod shell_commands;
pub mod signal_permission;
pub mod supervised_directory;
pub mod supervision;
pub(crate) mod tai;

pub use name::{InvalidName, ServiceName};
