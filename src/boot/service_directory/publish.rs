//! A new service directory: created under a dot name, and renamed.

use std::ffi::OsStr;

use super::marker::{MARKER, Marker};
use crate::boot::delegate;
use crate::boot::directory::{Directory, StepError};
use crate::boot::manifest::{Manifest, mode_of};
use crate::service::layout;

/// Creates a new service directory under the name `staging`, and renames it.
pub(in crate::boot) fn publish(
    scan: &Directory,
    staging: &str,
    manifest: &Manifest,
    maker: &str,
) -> Result<(), StepError> {
    let made =
        fill(scan, staging, manifest, maker).and_then(|()| scan.rename(staging, manifest.name.as_str()));
    if made.is_err() {
        // an incomplete service directory is useless, and the next run would remove it
        let _ = scan.remove_all(OsStr::new(staging));
    }
    made
}

/// Like [`publish`], but replaces a link, which is removed.
pub(in crate::boot) fn replace_link(
    scan: &Directory,
    staging: &str,
    manifest: &Manifest,
    maker: &str,
) -> Result<(), StepError> {
    let made =
        fill(scan, staging, manifest, maker).and_then(|()| scan.exchange(staging, manifest.name.as_str()));
    // the link, or an incomplete service directory
    let removed = scan.remove_all(OsStr::new(staging));
    made.and(removed)
}

fn fill(scan: &Directory, staging: &str, manifest: &Manifest, maker: &str) -> Result<(), StepError> {
    scan.make(staging, 0o755)?;
    let slot = scan.open(OsStr::new(staging))?;
    // created first and written last: nothing in the directory is newer
    let marker_file = slot.create_empty(MARKER, 0o644)?;
    if manifest.files.has_logger() {
        slot.make(layout::LOG, 0o755)?;
    }
    for (name, content) in manifest.files.iter() {
        slot.create(name, content, mode_of(name))?;
    }
    if let Some(delegation) = manifest.delegation {
        delegate::make(&slot, delegation)?;
        if manifest.files.has_logger() {
            delegate::make(&slot.open(OsStr::new(layout::LOG))?, delegation)?;
        }
    }
    slot.write(marker_file, MARKER, Marker::text(maker, manifest).as_bytes())
}
