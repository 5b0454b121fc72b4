//! Whether the log and the run record can be written, checked with the ids of the worker's user and without creating
//! anything.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::SFlag;
use nix::sys::statvfs::statvfs;
use nix::unistd::AccessFlags;

use super::finding::CheckFinding;
use crate::config::spec::LogWriter;
use crate::error::reason;
use crate::log::remedy;
use crate::plan::{LogPlan, Plan};
use crate::ready::program;
use crate::sys;

/// A volume with less free space than this counts as full, in bytes.
const LITTLE: u64 = 1 << 20;
/// A volume with less than this is reported, in percent.
const LOW: u64 = 5;
/// So many times `--log-size` a log is reported.
const TOO_LARGE: u64 = 10;

/// Whether the log can be written.
pub(super) fn check_log(plan: &Plan) -> Vec<CheckFinding> {
    let LogPlan::File(path) = &plan.log else { return Vec::new() };
    let path = plan.directory.join(path);
    let mut found = Vec::new();
    let above = existing_directory(&path);
    let may_write = sys::file::may(&above, AccessFlags::W_OK | AccessFlags::X_OK);
    let (uid, gid) = (plan.identity.uid, plan.identity.gid);
    let owner = || match plan.identity.name.as_deref() {
        Some(name) => name.to_string(),
        None => plan.identity.uid.to_string(),
    };
    match may_be_log(&path) {
        Ok(()) => {}
        Err(Errno::ENOENT) => {
            if let Err(errno) = may_write {
                let text = format!(
                    "unable to create log '{}': {} at '{}'",
                    path.display(),
                    reason(errno),
                    program::refusing_component(&above.join("x")).unwrap_or(above.clone()).display()
                );
                let directory = path.parent().unwrap_or(Path::new("/"));
                let hint = remedy::for_unwritable(directory, uid, gid);
                found.push(CheckFinding::problem(text, &hint));
            }
        }
        Err(Errno::EACCES) if may_write.is_ok() => {
            let text = format!(
                "log '{}' is not writable by {}: the launcher renames it and starts a new one",
                path.display(),
                owner()
            );
            found.push(CheckFinding::note(
                text,
                &format!("no action is needed; to rename it now, {}", remedy::move_away(&path, uid)),
            ));
        }
        Err(errno) => {
            let text = format!("unable to write log '{}': {}", path.display(), refusal(errno));
            found.push(CheckFinding::problem(text, &remedy::for_unwritable(&path, uid, gid)));
        }
    }
    found.extend(check_size(plan, &path));
    found
}

/// A log that has long been larger than it is to be: without a pump it is rotated only between runs.
fn check_size(plan: &Plan, path: &Path) -> Option<CheckFinding> {
    let rules = plan.log_rules;
    let size = nix::sys::stat::lstat(path).ok().and_then(|status| u64::try_from(status.st_size).ok())?;
    let is_exceeded = rules.writer == LogWriter::Worker && size / TOO_LARGE >= rules.limit();
    is_exceeded.then(|| {
        let text = format!(
            "log '{}' has {} MiB, over {TOO_LARGE} times --log-size ({})",
            path.display(),
            size >> 20,
            rules.size
        );
        CheckFinding::note(text, "--log-live rotates it while the worker runs")
    })
}

/// Whether a file may be appended to, without opening it: opening a device can have effects.
fn may_be_log(path: &Path) -> Result<(), Errno> {
    let status = nix::sys::stat::lstat(path)?;
    match sys::file::kind(&status) {
        SFlag::S_IFREG => sys::file::may(path, AccessFlags::W_OK),
        SFlag::S_IFLNK => Err(Errno::ELOOP),
        SFlag::S_IFIFO => Err(Errno::ENXIO),
        SFlag::S_IFDIR => Err(Errno::EISDIR),
        _ => Err(Errno::ENODEV),
    }
}

/// Full volumes among those of the log and the run record.
pub(super) fn check_volumes(plan: &Plan) -> Vec<CheckFinding> {
    let log = plan.log.file().map(Path::to_path_buf);
    let record = plan.state_dir.as_ref().map(|directory| directory.join("record"));
    let mut checked = Vec::new();
    let mut found = Vec::new();
    for path in log.into_iter().chain(record) {
        let above = existing_directory(&plan.directory.join(path));
        let Ok(volume) = statvfs(&above) else { continue };
        if checked.contains(&volume.filesystem_id()) {
            continue;
        }
        checked.push(volume.filesystem_id());
        // the fields are as wide as a machine word
        #[allow(clippy::useless_conversion, reason = "not on every target")]
        let left = u64::from(volume.blocks_available()).saturating_mul(u64::from(volume.fragment_size()));
        if left < LITTLE || (volume.files() > 0 && volume.files_available() == 0) {
            let text = format!("the volume of '{}' is full: {left} bytes left", above.display());
            found.push(CheckFinding::problem(text, "free some space; see df -h and df -i"));
        } else if is_low(volume.blocks_available(), volume.blocks()) {
            let text = format!("the volume of '{}' is nearly full: less than {LOW} % left", above.display());
            found.push(CheckFinding::note(
                text,
                "free some space; see df -h. --log-live bounds a log even while a worker runs",
            ));
        }
    }
    found
}

/// Whether less than this share of a volume is free.
fn is_low(free: impl Into<u64>, all: impl Into<u64>) -> bool {
    free.into().saturating_mul(100) < all.into().saturating_mul(LOW)
}

fn refusal(errno: Errno) -> String {
    match errno {
        Errno::ELOOP => "it is a symbolic link".to_string(),
        // a FIFO without a reader
        Errno::ENXIO => "it is a FIFO, not a regular file".to_string(),
        Errno::EISDIR => "it is a directory, not a regular file".to_string(),
        Errno::ENODEV => "it is a device or a socket, not a regular file".to_string(),
        errno => reason(errno),
    }
}

/// The nearest existing directory above, or one that cannot be searched.
fn existing_directory(path: &Path) -> PathBuf {
    let is_there =
        |path: &&Path| path.as_os_str() != OsStr::new("") && sys::file::look_for(path) != Err(Errno::ENOENT);
    path.ancestors().skip(1).find(is_there).unwrap_or(Path::new("/")).to_path_buf()
}
