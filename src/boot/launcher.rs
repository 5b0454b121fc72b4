//! The launcher named in run scripts: its location, and whether root may execute it.

use std::path::Path;

use crate::error::Problem;
use crate::exit::Exit;
use crate::machine::ownership::is_root_owned;
use crate::machine::{Host, Machine};
use crate::service::launcher;

const LAUNCHER: &str = launcher::NAME;

/// The launcher as written in run scripts: the one next to this program, else the first on PATH.
pub fn launcher() -> String {
    let environment = Machine.environment();
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let found = launcher::find(path);
    found.and_then(|path| path.to_str().map(str::to_string)).unwrap_or_else(|| launcher::NAME.to_string())
}

/// Why the launcher cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Users who can replace it could make root run their program.
    #[error("the launcher '{0}', which root would execute, can be replaced by non-root users")]
    NotRootOwned(String),
    /// There is none: with a bare name, the supervisor's PATH could find any program.
    #[error("no {LAUNCHER} next to this program or on PATH")]
    Missing,
}

impl Problem for LauncherError {
    fn exit(&self) -> Exit {
        Exit::NOTHING_DONE
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "install futo and {LAUNCHER} in a directory that only root can write, for example /usr/local/bin"
        ))
    }
}

/// As root, rejects a launcher that other users can replace.
pub(crate) fn judge(launcher: &str) -> Result<(), LauncherError> {
    match Machine.is_root() {
        // a user's own supervisor grants no additional rights
        false => Ok(()),
        true if !launcher.starts_with('/') => Err(LauncherError::Missing),
        true if !is_root_owned(Path::new(launcher)) => Err(LauncherError::NotRootOwned(launcher.to_string())),
        true => Ok(()),
    }
}
