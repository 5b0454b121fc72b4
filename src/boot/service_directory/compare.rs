//! Whether a service directory matches its manifest.

use std::ffi::OsString;

use nix::sys::stat::{FileStat, SFlag};

use super::leftovers::has_leftovers;
use super::marker::Marker;
use crate::boot::delegate;
use crate::boot::directory::{Directory, StepError};
use crate::boot::manifest::{Manifest, ServiceFiles, mode_of};
use crate::boot::part::Part;
use crate::service::layout;
use crate::sys::file::kind;

/// Whether the marker was written for the same manifest and nothing has been modified since. The marker is written
/// last, so older files were written together with it.
fn is_untouched(slot: &Directory, marker: &Marker, manifest: &Manifest) -> Result<bool, StepError> {
    // files created by s6-supervise itself are newer
    if manifest.delegation.is_none() {
        return Ok(false);
    }
    let written = (marker.status.st_ctime, marker.status.st_ctime_nsec);
    let no_name_is_younger = |status: &FileStat| (status.st_mtime, status.st_mtime_nsec) <= written;
    let is_file = |status: &FileStat, name: &str| {
        (status.st_ctime, status.st_ctime_nsec) <= written
            && kind(status) == SFlag::S_IFREG
            && status.st_mode & 0o7777 == mode_of(name)
    };
    if marker.digest != Some(manifest.digest())
        || !slot.own_status().is_ok_and(|status| no_name_is_younger(&status))
    {
        return Ok(false);
    }
    for (name, _) in manifest.files.iter() {
        if !slot.status_following_links(name)?.is_some_and(|status| is_file(&status, name)) {
            return Ok(false);
        }
    }
    let has_logger = manifest.files.has_logger();
    Ok(!has_logger || slot.status(layout::LOG)?.is_some_and(|status| no_name_is_younger(&status)))
}

/// Whether everything in it matches its manifest.
pub(in crate::boot) fn matches(
    slot: &Directory,
    marker: &Marker,
    manifest: &Manifest,
) -> Result<bool, StepError> {
    if !is_untouched(slot, marker, manifest)? {
        let names = slot.names(usize::MAX)?;
        if !has_files(slot, &names, &manifest.files)? || has_leftovers(slot, &names) {
            return Ok(false);
        }
    }
    is_delegated(slot, manifest)
}

/// `names` are all names in the directory.
pub(super) fn has_files(
    slot: &Directory,
    names: &[OsString],
    files: &ServiceFiles,
) -> Result<bool, StepError> {
    for (name, content) in files.iter() {
        if !slot.holds(name, content, mode_of(name))? {
            return Ok(false);
        }
    }
    let is_there = |name: &str| names.iter().any(|each| each == name);
    for name in layout::FILES.iter().filter(|name| !files.has(name)) {
        let may_be_there = match Part::of(name) {
            (Part::Logger, _) => is_there(layout::LOG),
            (Part::Service, name) => is_there(name),
        };
        // a dangling link counts as absent
        if may_be_there && slot.status_following_links(name)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn is_delegated(slot: &Directory, manifest: &Manifest) -> Result<bool, StepError> {
    Ok(delegate::matches(slot, Part::Service, manifest.delegation)?
        && (!manifest.files.has_logger() || delegate::matches(slot, Part::Logger, manifest.delegation)?))
}
