//! Temporary files of an update, left over from a killed run.

use std::ffi::{OsStr, OsString};

use crate::boot::directory::{Directory, StepError};
use crate::service::layout;

pub(super) const MARKER_PART: &str = ".futo.new";
pub(super) const CURRENT_PART: &str = ".cur.new";
pub(super) const LINK_PART: &str = ".link.new";
/// The two generations: one in use, one being written.
pub(super) const GENERATIONS: [&str; 2] = [".gen-a", ".gen-b"];

/// Whether a killed run has left any of them.
pub(super) fn has_leftovers(slot: &Directory, names: &[OsString]) -> bool {
    let is_part = |name: &&OsString| {
        GENERATIONS
            .iter()
            .chain(&[CURRENT_PART, LINK_PART, MARKER_PART])
            .any(|part| *part == name.as_os_str())
    };
    let mut parts = names.iter().filter(is_part).peekable();
    if parts.peek().is_none() {
        return false;
    }
    let current = slot.target(layout::CURRENT);
    parts.any(|name| current.as_ref() != Some(name))
}

/// Removes the leftovers of a killed run, but not the generation in use.
pub(super) fn sweep(slot: &Directory) -> Result<(), StepError> {
    slot.remove(CURRENT_PART)?;
    slot.remove(LINK_PART)?;
    slot.remove(MARKER_PART)?;
    let current = slot.target(layout::CURRENT);
    for generation in GENERATIONS.iter().filter(|each| current.as_deref() != Some(OsStr::new(each))) {
        slot.remove_all(OsStr::new(generation))?;
    }
    Ok(())
}
