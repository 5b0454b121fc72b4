//! Files and directories that a run file prepares: the log and its directory need no preparation, others become
//! `--mkdir`.

use std::path::Path;

/// What is prepared so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    /// Directories, with their mode and whether an owner was set.
    pub(crate) directories: Vec<MadeDirectory>,
    /// Directories that the launcher makes.
    pub(crate) own: Vec<String>,
}

impl Prepared {
    /// The directory at a path.
    pub(crate) fn made(&mut self, path: &str) -> Option<&mut MadeDirectory> {
        self.directories.iter_mut().find(|each| each.path == path)
    }
}

/// A directory that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeDirectory {
    /// The line that makes it.
    pub(crate) line: usize,
    /// The path.
    pub(crate) path: String,
    /// Its mode.
    pub(crate) mode: Option<String>,
    /// Its owner was set to this.
    pub(crate) owner: Option<String>,
}

/// Where the launcher keeps log and record below HOME.
const STATE: &str = ".local/state/futodama";

/// Whether the launcher itself creates this: the log, a directory above it, or the state directory.
pub(crate) fn is_own(path: &str, log: Option<&str>) -> bool {
    let is_state =
        path.trim_end_matches('/').ends_with(STATE) || path.trim_end_matches('/').ends_with(".local/state");
    // not a directory that others use too
    let above = |log: &str| Path::new(log).parent().is_some_and(|above| Path::new(path) == above);
    is_state || log.is_some_and(|log| log == path || above(log))
}
