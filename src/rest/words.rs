//! Descriptions of a rest, for the log and the record.

use super::watch::RestWatch;
use crate::error::Findings;
use crate::exit::Exit;
use crate::record::{Resting, RestingKind};

/// The maximum length of a reason in characters, to keep the record small.
const MAX_REASON_CHARS: usize = 1000;

/// Describes what ends the rest, and how it is detected.
pub(super) fn until(watch: &RestWatch, changes: &str) -> String {
    format!("resting until {changes} (or HUP, ALRM){}", polling_note(watch))
}

/// Describes polling, if a change may go unreported.
pub(super) fn polling_note(watch: &RestWatch) -> String {
    watch.unwatched().map_or(String::new(), |why| format!("; checking every minute, because {why}"))
}

/// All findings in one line.
pub(super) fn reason_of(findings: &Findings) -> String {
    shortened(&findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; "))
}

/// A reason, shortened for the record.
pub(super) fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON_CHARS).collect()
}

/// The kind of rest for the exit code of a launch.
pub(super) fn kind_of(exit: Exit) -> RestingKind {
    match exit {
        Exit::CANNOT_EXECUTE | Exit::NOT_FOUND => RestingKind::Program,
        _ => RestingKind::Configuration,
    }
}

/// The exit code of a resting launch.
pub(super) fn exit_of(resting: &Resting) -> Exit {
    Exit::of_worker(resting.exit)
}
