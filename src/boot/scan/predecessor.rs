//! Identifies service directories left by another tool that contain no other files.

use std::ffi::{OsStr, OsString};

use super::ScanDirectory;
use super::run_state::RunState;
use crate::boot::directory::{self, Directory};
use crate::boot::part::Part;
use crate::service::layout;

/// The size limit of `run`, in bytes.
const MAX_RUN: usize = 16 << 10;
/// The limit of names: a service directory has fewer.
const MAX_NAMES: usize = 64;

/// Whether a service directory was made by another tool, and whether it has a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// It was not.
    None,
    /// It was, and has no supervisor.
    Unsupervised,
    /// It was, and its supervisor reports this state.
    Supervised(RunState),
}

impl ScanDirectory {
    /// Examines a service directory. It was made by another tool if it contains nothing but the files of a service
    /// directory, and its `run` ends with one of these lines. A directory with futo's marker was not.
    pub fn predecessor(&self, name: &str, last_lines: &[String]) -> Predecessor {
        if last_lines.is_empty() || !self.is_predecessor(name, last_lines).unwrap_or_default() {
            return Predecessor::None;
        }
        self.run_state(name).map_or(Predecessor::Unsupervised, Predecessor::Supervised)
    }

    fn is_predecessor(&self, name: &str, last_lines: &[String]) -> Option<bool> {
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        let (_, run) = slot.read(layout::RUN, MAX_RUN).ok()??;
        let run = std::str::from_utf8(&run).ok()?;
        let last = run.trim_end_matches('\n').lines().next_back()?;
        Some(has_nothing_else(&slot) && last_lines.iter().any(|line| line == last))
    }

    /// The names that satisfy `is_meant` and refer to directories with nothing but the files of a service directory.
    pub fn predecessor_names(&self, is_meant: impl Fn(&String) -> bool) -> Vec<String> {
        let names = self.directory.names(directory::MAX_NAMES).unwrap_or_default();
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
    let is_known = |part: Part, name: &OsString| {
        let supervisors = [layout::SUPERVISE, layout::EVENT];
        let is_file = |file: &str| Part::of(file).0 == part && name == Part::of(file).1;
        supervisors.iter().any(|known| name == known)
            || (part == Part::Service && name == layout::LOG)
            || layout::FILES.iter().any(|file| is_file(file))
    };
    let all_known = |directory: &Directory, part: Part| {
        directory.names(MAX_NAMES).is_ok_and(|names| names.iter().all(|name| is_known(part, name)))
    };
    let log = slot.try_open(OsStr::new(layout::LOG));
    all_known(slot, Part::Service) && log.is_ok_and(|log| all_known(&log, Part::Logger))
}
