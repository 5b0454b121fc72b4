//! The program of a new service, searched for now: its absolute path is written, or its absence reported.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::error::reason_of;
use crate::machine::Host;
use crate::machine::Machine;
use crate::sys;

pub(super) const HINT: &str =
    "the service rests until the program exists; futo check NAME tests it as the service's user";

/// Where the program is, or why it cannot be started. An empty command has been refused before.
pub(super) fn find(words: &[OsString]) -> Result<PathBuf, String> {
    let program = words.first().cloned().unwrap_or_default();
    let path = Path::new(&program);
    if program.as_bytes().contains(&b'/') {
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        return match std::fs::metadata(&path) {
            Ok(file) if !file.is_file() => Err(format!("program '{}' is not a file", path.display())),
            Ok(file) if file.permissions().mode() & 0o111 == 0 => {
                Err(format!("program '{}' is not executable", path.display()))
            }
            // the worker's user may see more than this one
            Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied => {
                Err(format!("program '{}': {}", path.display(), reason_of(&error)))
            }
            Ok(_) | Err(_) => Ok(path),
        };
    }
    let environment = Machine.environment();
    let search = environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
    let found = std::env::split_paths(&search.unwrap_or_default())
        .map(|directory| directory.join(path))
        .find(|path| sys::file::is_regular(path) && access(path, AccessFlags::X_OK).is_ok());
    found.ok_or_else(|| format!("program '{}' was not found in PATH", program.display()))
}

/// The command with the absolute path of its program, so that the service finds it too.
pub(super) fn absolute(mut words: Vec<OsString>, found: &Result<PathBuf, String>) -> Vec<OsString> {
    let Some(program) = words.first_mut() else { return words };
    match found {
        Ok(path) => *program = path.clone().into_os_string(),
        Err(_) if program.as_bytes().contains(&b'/') => {
            if let Ok(path) = std::path::absolute(&program) {
                *program = path.into_os_string();
            }
        }
        Err(_) => {}
    }
    words
}

/// The current directory, for `--chdir`. `/` is left out, unless an argument is relative to it.
pub(super) fn directory(words: &[OsString]) -> Option<PathBuf> {
    let directory = Machine.working_directory().ok()?;
    let counts_from_here = |word: &OsString| {
        let path = Path::new(word);
        path.is_relative() && !word.is_empty() && sys::file::exists(path)
    };
    let is_needed = directory != Path::new("/") || words.iter().skip(1).any(counts_from_here);
    is_needed.then_some(directory)
}
