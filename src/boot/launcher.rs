//! The launcher that run scripts name: where it is, and whether root may execute it.

use std::path::Path;

use crate::error::Problem;
use crate::exit::Exit;
use crate::machine::ownership::is_roots;
use crate::machine::{Host, Machine};
use crate::service::launcher;

const LAUNCHER: &str = launcher::NAME;

/// The launcher as run scripts name it: the one beside this program, else the first on PATH.
pub fn launcher() -> String {
    let environment = Machine.environment();
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let found = launcher::find(path);
    found.and_then(|path| path.to_str().map(str::to_string)).unwrap_or_else(|| launcher::NAME.to_string())
}

/// Why no launcher is published.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Whoever can replace it could have root run their program.
    #[error("the launcher '{0}', which root would execute, can be replaced by non-root users")]
    NotRootOwned(String),
    /// The PATH of a supervisor may find anything.
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

/// Refuses to publish as root a launcher that somebody else can replace.
pub(crate) fn judge(launcher: &str) -> Result<(), LauncherError> {
    match Machine.is_root() {
        // there are no rights to be gained from a supervisor of one's own
        false => Ok(()),
        true if !launcher.starts_with('/') => Err(LauncherError::Missing),
        true if !is_roots(Path::new(launcher)) => Err(LauncherError::NotRootOwned(launcher.to_string())),
        true => Ok(()),
    }
}
