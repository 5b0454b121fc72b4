//! Which scripts of a definition a supervisor executes, and which `futo sync` writes anew.

use std::path::Path;

use super::finding::CheckFinding;
use crate::boot::slot;
use crate::observe::Snapshot;
use crate::service::executable::Obstacle;
use crate::service::run_script;
use crate::sys;

/// What becomes of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// The supervisor executes it, or a copy of it.
    AsIs,
    /// What is executed is a script that futo sync writes from its words.
    Rewritten,
}

impl Executed {
    /// Of a script of a service: of a published definition by what is published, else by what would be.
    pub(super) fn of(snapshot: &Snapshot, script: &[u8]) -> Self {
        let is_written_anew = match (&snapshot.service.definition, &snapshot.service.live) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(definition), Some(live)) => {
                !leads_to(live, definition) && sys::file::exists(&live.join(slot::MARKER))
            }
        };
        match is_written_anew && run_script::parse(script).is_ok() {
            true => Executed::Rewritten,
            false => Executed::AsIs,
        }
    }

    /// What keeps the supervisor from executing it; no problem of a script that it does not execute.
    pub(super) fn weigh(self, obstacle: Obstacle) -> CheckFinding {
        match self {
            Executed::AsIs => CheckFinding::from(obstacle),
            Executed::Rewritten => self.weigh_mistake(CheckFinding::from(obstacle)),
        }
    }

    /// The same of a mistake in its text.
    pub(super) fn weigh_mistake(self, found: CheckFinding) -> CheckFinding {
        match self {
            Executed::AsIs => found,
            Executed::Rewritten => {
                let text = format!("{} (where a hook links it; futo sync writes its own)", found.text);
                CheckFinding::note(text, found.hint.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Whether what is published is a link to the definition.
pub(super) fn leads_to(live: &Path, directory: &Path) -> bool {
    let place = |path: &Path| nix::sys::stat::stat(path).map(|status| (status.st_dev, status.st_ino));
    place(live).is_ok_and(|there| place(directory) == Ok(there))
}
