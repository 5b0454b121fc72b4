//! Commands for `sh -c`.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::invalid::Invalid;

/// A command that `sh -c` runs as the worker's user. A `$` in it is expanded by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellCommand(CString);

impl ShellCommand {
    /// Reads a command.
    pub fn parse(text: &OsStr) -> Result<Self, Invalid> {
        if text.as_bytes().iter().all(u8::is_ascii_whitespace) {
            return Err(Invalid::new("is empty"));
        }
        // an argument cannot contain NUL, and a value of a file with one has been refused
        let command = CString::new(text.as_bytes()).map_err(|_| Invalid::new("contains a NUL byte"))?;
        Ok(ShellCommand(command))
    }

    /// For the kernel.
    pub fn as_c_string(&self) -> &CString {
        &self.0
    }
}

/// As it was written.
impl std::fmt::Display for ShellCommand {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.to_string_lossy())
    }
}
