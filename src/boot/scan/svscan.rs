//! s6-svscan: its control FIFO, and its privileges.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::geteuid;

use super::supervised;
use crate::boot::directory::{Directory, StepError};
use crate::error::{Finding, Findings};
use crate::service::layout;
use crate::sys::file::kind;

/// Its path, for messages.
const CONTROL: &str = ".s6-svscan/control";

/// The recipient of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// s6-svscan.
    Svscan,
    /// None: s6-svscan is not running.
    None,
}

/// Notifies s6-svscan, if it is running: `a` makes it rescan, `n` makes it stop the supervisors of removed services.
pub(super) fn notify(directory: &Directory, commands: &[u8]) -> Result<Listener, StepError> {
    let written = match open_control(directory) {
        // it scans at its start anyway
        Err(Errno::ENOENT | Errno::ENXIO) => return Ok(Listener::None),
        opened => opened.and_then(|control| nix::unistd::write(&control, commands)),
    };
    match written {
        Ok(_) => Ok(Listener::Svscan),
        Err(errno) => Err(directory.refused_to("write to", CONTROL, errno)),
    }
}

/// Opens the control FIFO of s6-svscan for writing. Links are not followed, and root writes only to a root-owned FIFO.
fn open_control(directory: &Directory) -> Result<OwnedFd, Errno> {
    let svscan = directory.try_open(OsStr::new(layout::SCANNER))?;
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let control = openat(&svscan.fd, layout::CONTROL, flags, Mode::empty())?;
    let is_ours = |status: FileStat| !geteuid().is_root() || status.st_uid == 0;
    let is_fine = fstat(&control).is_ok_and(|status| kind(&status) == SFlag::S_IFIFO && is_ours(status))
        && svscan.own_status().is_ok_and(is_ours);
    if is_fine { Ok(control) } else { Err(Errno::EPERM) }
}

/// As a non-root user: warns if s6-svscan runs as root and executes the services that this user publishes.
pub(super) fn warn_of_root(directory: &Directory, warnings: &mut Findings) {
    let uid = geteuid();
    if !is_run_by_root(directory) {
        return;
    }
    let text = format!(
        "s6-svscan runs as root in '{}' and executes files that uid {uid} can write: uid {uid} can become root",
        directory.shown.display()
    );
    let hint = "run this command as root from the init hook, and keep the scan directory owned by root; see docs/boot.md";
    warnings.push(Finding::trouble(text, Some(hint.to_string())));
}

/// Determined by the holder of s6-svscan's lock or, if that is not visible, by the owner of its directory.
fn is_run_by_root(directory: &Directory) -> bool {
    let Ok(svscan) = directory.try_open(OsStr::new(layout::SCANNER)) else {
        // this user has no access
        return directory.try_status(OsStr::new(layout::SCANNER)).is_ok_and(|status| status.st_uid == 0);
    };
    let Ok(lock) = supervised::open_lock(&svscan) else {
        return svscan.own_status().is_ok_and(|status| status.st_uid == 0);
    };
    supervised::is_held_by_root(lock.as_fd())
}
