//! Whether a supervisor executes a script of a definition as it is, or as `futo sync` rewrites it.

use std::path::Path;

use super::finding::CheckFinding;
use crate::boot::service_directory::marker::MARKER;
use crate::observe::Snapshot;
use crate::service::executable::Obstacle;
use crate::service::run_script;
use crate::sys;

/// What a supervisor executes for a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// The script, or a copy of it.
    AsIs,
    /// A script that futo sync generates from its arguments.
    Rewritten,
}

impl Executed {
    /// According to what is published, or would be.
    pub(super) fn of(snapshot: &Snapshot, script: &[u8]) -> Self {
        let is_rewritten = match (&snapshot.service.definition, &snapshot.service.live) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(definition), Some(live)) => {
                !leads_to(live, definition) && sys::file::exists(&live.join(MARKER))
            }
        };
        match is_rewritten && run_script::parse(script).is_ok() {
            true => Executed::Rewritten,
            false => Executed::AsIs,
        }
    }

    /// An obstacle as a finding: a note if the supervisor executes another script.
    pub(super) fn weigh(self, obstacle: Obstacle) -> CheckFinding {
        match self {
            Executed::AsIs => CheckFinding::from(obstacle),
            Executed::Rewritten => self.weigh_mistake(CheckFinding::from(obstacle)),
        }
    }

    /// The same for an error in its text.
    pub(super) fn weigh_mistake(self, found: CheckFinding) -> CheckFinding {
        match self {
            Executed::AsIs => found,
            Executed::Rewritten => {
                let text =
                    format!("{} (only where a hook links it: futo sync writes its own script)", found.text);
                CheckFinding::note(text, found.hint.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Whether the published directory is a link to the definition.
pub(super) fn leads_to(live: &Path, directory: &Path) -> bool {
    let place = |path: &Path| nix::sys::stat::stat(path).map(|status| (status.st_dev, status.st_ino));
    place(live).is_ok_and(|live| place(directory) == Ok(live))
}
