//! Detects a scan directory that users other than that of s6-svscan can write, or could in the past.
//!
//! s6-svscan executes its content with its own rights, so any user with write access effectively has them. Some images
//! change the owner of the scan directory to the services' user, who can then register services at run time. Root
//! rejects such a directory. It also rejects a directory that is owned by root again but contains entries of other
//! users that s6-svscan has not picked up: the next scan would execute them. Nothing is repaired, and s6-svscan is not
//! notified.

use std::ffi::OsStr;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::geteuid;

use super::supervised::{self, is_root};
use crate::boot::directory::{Directory, MAX_NAMES, StepError};
use crate::error::{Finding, Findings};
use crate::service::layout::{self, SCANNER};
use crate::service::supervision::Suite;
use crate::sys::file::kind;
use crate::sys::{acl, nofollow, process};

/// The limit of names in a message.
const MAX_NAMED: usize = 10;
/// The remedy for a scan directory that other users can write, or could in the past.
pub(super) const REMEDY: &str = "remove the line of the init hook that changes its owner ('chown -R USER /run/service'), \
     then restart the container to empty the scan directory; see docs/boot.md";

/// Whether only root can write a directory, and new files in it.
pub(super) fn belongs_to_root_alone(directory: &Directory) -> bool {
    fstat(&directory.fd).is_ok_and(|status| nofollow::belongs_to_root_alone(&status))
        && acl::has_default(&directory.fd) == Ok(false)
}

/// The entries not created by root that s6-svscan would execute or obey as root.
pub(super) fn planted(directory: &Directory) -> Result<Vec<String>, StepError> {
    let mut planted = planted_for_svscan(directory)?;
    for name in directory.names(MAX_NAMES)? {
        let shown = name.to_string_lossy().into_owned();
        if !shown.starts_with('.') && !is_of_root(directory, &name) && !is_picked_up(directory, &name) {
            planted.push(shown);
        }
    }
    planted.sort_unstable();
    if planted.len() > MAX_NAMED {
        planted.truncate(MAX_NAMED);
        planted.push("…".to_string());
    }
    Ok(planted)
}

/// The same in s6-svscan's own directory.
fn planted_for_svscan(directory: &Directory) -> Result<Vec<String>, StepError> {
    let svscan = match directory.try_open(OsStr::new(SCANNER)) {
        Ok(svscan) => svscan,
        // s6-svscan creates it at its start
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        Err(_) => return Ok(vec![SCANNER.to_string()]),
    };
    if !belongs_to_root_alone(&svscan) {
        return Ok(vec![SCANNER.to_string()]);
    }
    let is_fine = |name: &OsStr| {
        let status = match svscan.try_status(name) {
            Ok(status) => status,
            Err(errno) => return errno == Errno::ENOENT,
        };
        let is_link = kind(&status) == SFlag::S_IFLNK;
        status.st_uid == 0
            && (is_link || name == layout::LOCK || status.st_mode & 0o022 == 0)
            && (name != layout::CONTROL || kind(&status) == SFlag::S_IFIFO)
    };
    let names = svscan.names(MAX_NAMES)?;
    let planted = names.iter().filter(|name| !is_fine(name));
    Ok(planted.map(|name| format!("{SCANNER}/{}", name.to_string_lossy())).collect())
}

/// Whether only root can have created an entry: a root-owned file or link, or a root-owned directory with root-owned
/// scripts.
fn is_of_root(directory: &Directory, name: &OsStr) -> bool {
    match directory.try_status(name) {
        // just removed
        Err(Errno::ENOENT) => return true,
        Err(_) => return false,
        Ok(status) if status.st_uid != 0 => return false,
        Ok(status) if kind(&status) != SFlag::S_IFDIR => return true,
        Ok(_) => {}
    }
    let Ok(slot) = directory.try_open(name) else { return false };
    let are_roots = |below: &Directory, names: &[&str]| {
        let is_root_owned = |name: &&str| match below.try_status(OsStr::new(name)) {
            Ok(status) => status.st_uid == 0,
            Err(errno) => errno == Errno::ENOENT,
        };
        belongs_to_root_alone(below) && names.iter().all(is_root_owned)
    };
    let log = slot.try_open(OsStr::new(layout::LOG));
    are_roots(&slot, &[layout::RUN, layout::FINISH, layout::LOG])
        && log.map_or(true, |log| are_roots(&log, &[layout::RUN, layout::FINISH]))
}

/// Whether root's s6-svscan has a supervisor in exactly this directory: then root is executing it anyway. The lock
/// alone proves nothing, since any process could hold one, and any lock file could have been moved here.
fn is_picked_up(directory: &Directory, name: &OsStr) -> bool {
    let is_at_work = || {
        let slot = directory.try_open(name).ok()?;
        let supervisor = supervised::root_with_lock(&slot)?;
        let svscan = process::parent_of(supervisor).filter(|pid| is_root(*pid))?;
        let comm = std::fs::read_to_string(format!("/proc/{svscan}/comm")).ok()?;
        let are_here = slot.is_worked_in_by(supervisor) && directory.is_worked_in_by(svscan);
        Some(comm.trim_end() == Suite::S6.scanner() && are_here)
    };
    is_at_work().unwrap_or_default()
}

/// A warning about entries that root executes and other users can write; `is_known` filters out entries that have
/// already been reported.
pub(super) fn not_owned_by_root(directory: &Directory, is_known: impl Fn(&String) -> bool) -> Findings {
    let mut findings = Findings::default();
    if !geteuid().is_root() {
        return findings;
    }
    let mut names: Vec<String> = directory
        .names(MAX_NAMES)
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !is_of_root(directory, name))
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !is_known(name))
        .collect();
    names.sort_unstable();
    if names.is_empty() {
        return findings;
    }
    let more = if names.len() > MAX_NAMED { ", …" } else { "" };
    names.truncate(MAX_NAMED);
    let text = format!(
        "root executes files in the scan directory '{}' that non-root users own or can write: {}{more}",
        directory.shown.display(),
        names.join(", ")
    );
    findings.push(Finding::trouble(text, Some(REMEDY.to_string())));
    findings
}
