//! A scan directory that somebody else than its supervisor's user can write, or could.
//!
//! s6-svscan executes what is in it with its own rights: whoever writes there has them. Images give theirs to the
//! user of their services, so that these can be registered at run time. Root refuses such a directory, and one that
//! is root's again and still holds what others have made and its s6-svscan has not taken up: the next scan would
//! execute it. Nothing is repaired, and nobody is notified.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::geteuid;

use super::directory::{Directory, StepError};
use super::scan::{MOST_NAMES, ScanDirectory};
use crate::error::{Finding, Findings};
use crate::service::layout;
use crate::sys::file::kind;
use crate::sys::{self, acl, nofollow, proc, process};

/// s6-svscan's own directory in it.
const SVSCAN: &str = ".s6-svscan";
/// Where it listens.
const CONTROL: &str = "control";
/// Executed by nobody; its mode follows the umask.
const LOCK: &str = "lock";
/// As many are named.
const MOST_NAMED: usize = 10;
/// What to do about a scan directory that is not, or was not always, root's alone.
pub(super) const REMEDY: &str = "delete the line of the init hook that gives it away ('chown -R USER /run/service'), then \
     restart the container, so that the scan directory is empty; docs/boot.md";

/// Whether nobody but root can write a directory, or anything that is made in it.
pub(super) fn is_roots_alone(directory: &Directory) -> bool {
    fstat(&directory.fd).is_ok_and(|status| nofollow::belongs_to_root_alone(&status))
        && acl::has_default(&directory.fd) == Ok(false)
}

/// What s6-svscan executes or obeys as root although root has not made it.
pub(super) fn planted(directory: &Directory) -> Result<Vec<String>, StepError> {
    let mut planted = planted_for_svscan(directory)?;
    for name in directory.names(MOST_NAMES)? {
        let shown = name.to_string_lossy().into_owned();
        if !shown.starts_with('.') && !is_of_root(directory, &name) && !is_taken_up(directory, &name) {
            planted.push(shown);
        }
    }
    planted.sort_unstable();
    if planted.len() > MOST_NAMED {
        planted.truncate(MOST_NAMED);
        planted.push("…".to_string());
    }
    Ok(planted)
}

/// The same of what s6-svscan keeps for itself.
fn planted_for_svscan(directory: &Directory) -> Result<Vec<String>, StepError> {
    let svscan = match directory.try_open(OsStr::new(SVSCAN)) {
        Ok(svscan) => svscan,
        // it makes it when it starts
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        Err(_) => return Ok(vec![SVSCAN.to_string()]),
    };
    if !is_roots_alone(&svscan) {
        return Ok(vec![SVSCAN.to_string()]);
    }
    let is_fine = |name: &OsStr| {
        let status = match svscan.look_at(name) {
            Ok(status) => status,
            Err(errno) => return errno == Errno::ENOENT,
        };
        let is_link = kind(&status) == SFlag::S_IFLNK;
        status.st_uid == 0
            && (is_link || name == LOCK || status.st_mode & 0o022 == 0)
            && (name != CONTROL || kind(&status) == SFlag::S_IFIFO)
    };
    let names = svscan.names(MOST_NAMES)?;
    let planted = names.iter().filter(|name| !is_fine(name));
    Ok(planted.map(|name| format!("{SVSCAN}/{}", name.to_string_lossy())).collect())
}

/// Whether root alone can have made it: a file or link of root's, or a directory whose scripts are too.
fn is_of_root(directory: &Directory, name: &OsStr) -> bool {
    match directory.look_at(name) {
        // it has just gone
        Err(Errno::ENOENT) => return true,
        Err(_) => return false,
        Ok(status) if status.st_uid != 0 => return false,
        Ok(status) if kind(&status) != SFlag::S_IFDIR => return true,
        Ok(_) => {}
    }
    let Ok(slot) = directory.try_open(name) else { return false };
    let are_roots = |below: &Directory, names: &[&str]| {
        let is_roots = |name: &&str| match below.look_at(OsStr::new(name)) {
            Ok(status) => status.st_uid == 0,
            Err(errno) => errno == Errno::ENOENT,
        };
        is_roots_alone(below) && names.iter().all(is_roots)
    };
    let log = slot.try_open(OsStr::new(layout::LOG));
    are_roots(&slot, &[layout::RUN, "finish", layout::LOG])
        && log.map_or(true, |log| are_roots(&log, &[layout::RUN, "finish"]))
}

/// Whether a supervisor of root's s6-svscan is at work in exactly this directory: root has been executing what
/// is in it. Any process could hold a lock, and any lock could have been moved here.
fn is_taken_up(directory: &Directory, name: &OsStr) -> bool {
    let is_at_work = || {
        let slot = directory.try_open(name).ok()?;
        let supervisor = root_with_lock(&slot)?;
        let svscan = process::parent_of(supervisor).filter(|pid| is_root(*pid))?;
        let comm = std::fs::read_to_string(format!("/proc/{svscan}/comm")).ok()?;
        let are_here = slot.is_worked_in_by(supervisor) && directory.is_worked_in_by(svscan);
        Some(comm.trim_end() == "s6-svscan" && are_here)
    };
    is_at_work().unwrap_or_default()
}

/// The control FIFO of s6-svscan, open for writing. No link is followed, and root writes into root's alone.
pub(super) fn open_control(directory: &Directory) -> Result<OwnedFd, Errno> {
    let svscan = directory.try_open(OsStr::new(SVSCAN))?;
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let control = openat(&svscan.fd, CONTROL, flags, Mode::empty())?;
    let is_ours = |status: FileStat| !geteuid().is_root() || status.st_uid == 0;
    let is_fine = fstat(&control).is_ok_and(|status| kind(&status) == SFlag::S_IFIFO && is_ours(status))
        && svscan.own_status().is_ok_and(is_ours);
    if is_fine { Ok(control) } else { Err(Errno::EPERM) }
}

/// For another user than root: a warning if root's s6-svscan executes what this user publishes.
pub(super) fn warn_of_root(directory: &Directory, warnings: &mut Findings) {
    let uid = geteuid();
    if !is_run_by_root(directory) {
        return;
    }
    let text = format!(
        "the s6-svscan of '{}' runs as root and executes what uid {uid} can write there: whoever acts as uid {uid} \
         can become root",
        directory.shown.display()
    );
    let hint =
        "run this command as root, from the init hook, and leave the scan directory to root (docs/boot.md)";
    warnings.push(Finding::trouble(text, Some(hint.to_string())));
}

/// By the holder of s6-svscan's lock; where that cannot be seen, by the owner of its directory.
fn is_run_by_root(directory: &Directory) -> bool {
    let Ok(svscan) = directory.try_open(OsStr::new(SVSCAN)) else {
        // it is closed to this user
        return directory.look_at(OsStr::new(SVSCAN)).is_ok_and(|status| status.st_uid == 0);
    };
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Ok(lock) = openat(&svscan.fd, LOCK, flags, Mode::empty()) else {
        return svscan.own_status().is_ok_and(|status| status.st_uid == 0);
    };
    is_held_by_root(lock.as_fd())
}

/// Whether a process of root's holds a lock on it: a lock alone can be anybody's.
fn is_held_by_root(file: BorrowedFd<'_>) -> bool {
    holder(file).is_some_and(is_root)
}

/// The process that holds a lock on a file, if it can be seen.
fn holder(file: BorrowedFd<'_>) -> Option<i32> {
    sys::lock::posix_holder(file).filter(|pid| *pid > 0)
}

fn is_root(pid: i32) -> bool {
    proc::ids(pid).is_ok_and(|ids| ids.only_uid() == Some(0))
}

/// The process of root's that holds the lock of a service directory's supervisor.
fn root_with_lock(slot: &Directory) -> Option<i32> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).ok()?;
    let lock = openat(&supervise.fd, LOCK, flags, Mode::empty()).ok()?;
    holder(lock.as_fd()).filter(|pid| is_root(*pid))
}

impl ScanDirectory {
    /// A warning for what root executes in the scan directory although somebody else can write it; `is_known`
    /// tells what has been said of already.
    pub fn not_owned_by_root(&self, is_known: impl Fn(&String) -> bool) -> Findings {
        let mut findings = Findings::default();
        if !geteuid().is_root() {
            return findings;
        }
        let mut names: Vec<String> = self
            .directory
            .names(MOST_NAMES)
            .unwrap_or_default()
            .into_iter()
            .filter(|name| !is_of_root(&self.directory, name))
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !is_known(name))
            .collect();
        names.sort_unstable();
        if names.is_empty() {
            return findings;
        }
        let more = if names.len() > MOST_NAMED { ", …" } else { "" };
        names.truncate(MOST_NAMED);
        let text = format!(
            "in the scan directory '{}' root executes what non-root users own or can write: {}{more}",
            self.directory.shown.display(),
            names.join(", ")
        );
        findings.push(Finding::trouble(text, Some(REMEDY.to_string())));
        findings
    }
}
