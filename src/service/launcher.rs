//! The launcher as a program: its name, and where it is installed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::search_path;
use crate::shell_quote::shell_word;
use crate::sys::file::is_regular;

/// The program's name.
pub const NAME: &str = "futo-launch";

/// Whether a path or program name refers to the launcher.
pub fn is_launcher(program: impl AsRef<Path>) -> bool {
    program.as_ref().file_name().is_some_and(|name| name == NAME)
}

/// The full path of the launcher: the one next to this program, else the first on this PATH.
pub fn find(path: Option<&OsStr>) -> Option<PathBuf> {
    let on_path = path.map(std::env::split_paths).into_iter().flatten().map(|above| above.join(NAME));
    next_to_this_program()
        .into_iter()
        .chain(on_path.filter(|path| path.is_absolute()))
        .find(|path| is_regular(path))
}

/// The launcher as written in a run script: its name if a supervisor finds it on PATH, else the path of the one next to
/// this program.
pub fn word() -> String {
    let is_found = std::env::split_paths(search_path::OF_SERVICE).any(|above| is_regular(&above.join(NAME)));
    match next_to_this_program() {
        Some(path) if !is_found && is_regular(&path) => shell_word(&path.to_string_lossy()),
        _ => NAME.to_string(),
    }
}

fn next_to_this_program() -> Option<PathBuf> {
    std::env::current_exe().ok().map(|program| program.with_file_name(NAME))
}
