//! Service directories that an earlier maker has left, provably and with nothing else in them.

use std::ffi::{OsStr, OsString};

use super::ScanDirectory;
use super::run_state::RunState;
use crate::boot::directory::{self, Directory};
use crate::service::layout;

/// The longest `run` that is looked into, in bytes.
const LONGEST_RUN: usize = 16 << 10;
/// More names than a service directory has.
const MOST_NAMES: usize = 64;

/// Whether a service directory is an earlier maker's, and what is at work there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// It is not.
    None,
    /// It is, and has no supervisor.
    Unsupervised,
    /// It is, and this is what its supervisor says.
    Supervised(RunState),
}

impl ScanDirectory {
    /// Looks at a service directory. It is an earlier maker's if it holds nothing but what makes one, and its `run`
    /// ends with one of these lines; a directory with our marker is none.
    pub fn predecessor(&self, name: &str, last_lines: &[String]) -> Predecessor {
        if last_lines.is_empty() || !self.is_predecessor(name, last_lines).unwrap_or_default() {
            return Predecessor::None;
        }
        self.run_state(name).map_or(Predecessor::Unsupervised, Predecessor::Supervised)
    }

    fn is_predecessor(&self, name: &str, last_lines: &[String]) -> Option<bool> {
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        let (_, run) = slot.read(layout::RUN, LONGEST_RUN).ok()??;
        let run = std::str::from_utf8(&run).ok()?;
        let last = run.trim_end_matches('\n').lines().next_back()?;
        Some(has_nothing_else(&slot) && last_lines.iter().any(|line| line == last))
    }

    /// All names for which `is_meant` holds of directories that hold nothing but what makes a service directory.
    pub fn dot_or_plain_names(&self, is_meant: impl Fn(&String) -> bool) -> Vec<String> {
        let names = self.directory.names(directory::MOST_NAMES).unwrap_or_default();
        let mut names: Vec<String> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
        names.retain(|name| {
            is_meant(name)
                && self.directory.try_open(OsStr::new(name)).is_ok_and(|staging| has_nothing_else(&staging))
        });
        names.sort_unstable();
        names
    }
}

fn has_nothing_else(slot: &Directory) -> bool {
    let is_known = |below: &str, name: &OsString| {
        let supervisors = [layout::SUPERVISE, layout::EVENT];
        supervisors.iter().any(|known| name == known)
            || (below.is_empty() && name == layout::LOG)
            || layout::FILES.iter().any(|file| file.strip_prefix(below).is_some_and(|file| name == file))
    };
    let all_known = |directory: &Directory, below: &str| {
        directory.names(MOST_NAMES).is_ok_and(|names| names.iter().all(|name| is_known(below, name)))
    };
    let log = slot.try_open(OsStr::new(layout::LOG));
    all_known(slot, "") && log.is_ok_and(|log| all_known(&log, "log/"))
}
