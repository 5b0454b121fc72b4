//! A rest in words, and as the record has it.

use super::watch::RestWatch;
use crate::error::Findings;
use crate::exit::Exit;
use crate::record::{Resting, RestingKind};

/// The most of a reason, in characters: the record stays small.
const LONGEST_REASON: usize = 1000;

/// What ends the rest, and how it is found.
pub(super) fn until(watch: &RestWatch, changes: &str) -> String {
    format!("resting until {changes} (or HUP, ALRM){}", looking(watch))
}

/// That a change may go unreported, if one may.
pub(super) fn looking(watch: &RestWatch) -> String {
    watch.unwatched().map_or(String::new(), |why| format!("; looking every minute, because {why}"))
}

/// All that is wrong, in one line.
pub(super) fn reason_of(findings: &Findings) -> String {
    shortened(&findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; "))
}

/// A reason as it is recorded.
pub(super) fn shortened(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}

/// Which kind of rest follows what a launch would leave with.
pub(super) fn kind_of(exit: Exit) -> RestingKind {
    match exit {
        Exit::CANNOT_EXECUTE | Exit::NOT_FOUND => RestingKind::Program,
        _ => RestingKind::Configuration,
    }
}

/// What a launch that rests would leave with.
pub(super) fn exit_of(resting: &Resting) -> Exit {
    Exit::of_worker(resting.exit)
}
