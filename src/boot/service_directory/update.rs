//! Updates a service directory that may be live: all files change with one rename.

use std::ffi::OsStr;

use super::compare::{has_files, is_delegated};
use super::leftovers::{CURRENT_PART, GENERATIONS, LINK_PART, MARKER_PART, sweep};
use super::marker::{MARKER, Marker};
use crate::boot::delegate;
use crate::boot::directory::{Directory, StepError};
use crate::boot::manifest::{Manifest, ServiceFiles, mode_of};
use crate::boot::part::Part;
use crate::service::layout;

/// Makes a service directory that may be live match its manifest; all files change with one rename.
pub(in crate::boot) fn update(slot: &Directory, manifest: &Manifest, maker: &str) -> Result<(), StepError> {
    if manifest.files.has_logger() {
        slot.make_if_missing(layout::LOG, 0o755)?;
    }
    sweep(slot)?;
    if !has_files(slot, &slot.names(usize::MAX)?, &manifest.files)? {
        let current = make_links(slot, &manifest.files)?;
        let [one, other] = GENERATIONS;
        let next = if current == one { other } else { one };
        let switched = write_generation(slot, next, &manifest.files)
            .and_then(|()| slot.link(next, CURRENT_PART))
            .and_then(|()| slot.rename(CURRENT_PART, layout::CURRENT));
        // the generation that is not in use
        let swept = sweep(slot);
        switched.and(swept)?;
    }
    if !is_delegated(slot, manifest)? {
        delegate::correct(slot, manifest.delegation)?;
        if manifest.files.has_logger() {
            delegate::correct(&slot.open(OsStr::new(layout::LOG))?, manifest.delegation)?;
        }
    }
    slot.create(MARKER_PART, Marker::text(maker, manifest).as_bytes(), 0o644)?;
    slot.rename(MARKER_PART, MARKER)
}

/// Adds the files of the present logger.
pub(in crate::boot) fn keep_logger(slot: &Directory, files: &mut ServiceFiles) -> Result<(), StepError> {
    for name in layout::FILES.into_iter().filter(|name| Part::of(name).0 == Part::Logger) {
        if let Some(content) = slot.read_following_links(name)? {
            files.set(name, content);
        }
    }
    Ok(())
}

/// Makes every name a link into `.cur`; returns the generation in use. No step changes the target of a name: the first
/// generation consists of hard links to the same files, and exists before any link refers to it.
fn make_links(slot: &Directory, files: &ServiceFiles) -> Result<String, StepError> {
    let current = match slot.target(layout::CURRENT) {
        Some(current) => current.to_string_lossy().into_owned(),
        None => {
            let [first, _] = GENERATIONS;
            slot.make(first, 0o755)?;
            let generation = slot.open(OsStr::new(first))?;
            for name in layout::FILES {
                if slot.status(name)?.is_some() {
                    slot.add_name(name, &generation, &flat(name))?;
                }
            }
            slot.link(first, layout::CURRENT)?;
            first.to_string()
        }
    };
    for name in layout::FILES {
        let (above, target) = match Part::of(name).0 {
            Part::Logger => ("../", flat(name)),
            Part::Service => ("", name.to_string()),
        };
        let target = format!("{above}{}/{target}", layout::CURRENT);
        let is_link = slot.target(name).is_some_and(|present| present == OsStr::new(&target));
        if !is_link && (files.has(name) || slot.status(name)?.is_some()) {
            slot.link(&target, LINK_PART)?;
            slot.rename(LINK_PART, name)?;
        }
    }
    Ok(current)
}

fn write_generation(slot: &Directory, name: &str, files: &ServiceFiles) -> Result<(), StepError> {
    slot.make(name, 0o755)?;
    let generation = slot.open(OsStr::new(name))?;
    for (file, content) in files.iter() {
        generation.create(&flat(file), content, mode_of(file))?;
    }
    Ok(())
}

/// The name in a generation: `log-run` for `log/run`.
fn flat(name: &str) -> String {
    name.replace('/', "-")
}
