//! `futo`: the commands for people.

use std::ffi::OsString;

use crate::exit::Exit;

/// Runs a command.
pub fn run(_words: impl IntoIterator<Item = OsString>) -> Exit {
    Exit::EDIT
}
