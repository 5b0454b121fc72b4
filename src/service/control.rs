//! Commands for a supervisor: letters written to its FIFO, without the tools of s6, runit or daemontools.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::layout;
use super::supervision::{Malformed, Suite};
use crate::error::reason;
use crate::sys;

/// The maximum time between the creation of a supervisor's files.
const CREATION_SPREAD: Duration = Duration::from_millis(50);

/// A command for a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Bring the service up: `u`
    Up,
    /// Bring the service down: `d`
    Down,
    /// Restart the process: its stop signal, followed by CONT.
    Restart,
    /// Send HUP: `h`
    Hangup,
    /// Send ALRM: `a`
    Alarm,
}

impl Order {
    /// The letters that the supervisor reads.
    fn letters(self, suite: Suite) -> &'static [u8] {
        match (self, suite) {
            (Order::Up, _) => b"u",
            (Order::Down, _) => b"d",
            // CONT resumes a process stopped by SIGSTOP
            (Order::Restart, Suite::S6) => b"rc",
            (Order::Restart, Suite::Runit | Suite::Daemontools) => b"tc",
            (Order::Hangup, _) => b"h",
            (Order::Alarm, _) => b"a",
        }
    }
}

/// Why a command could not be sent to a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No FIFO, or no process reads it.
    #[error("no supervisor is running")]
    NoSupervisor,
    /// The name refers to something other than a FIFO.
    #[error("'supervise/{control}' is not a FIFO", control = layout::CONTROL)]
    NoFifo,
    /// The status cannot be decoded: it is not from a known suite.
    #[error("unable to read 'supervise/{status}': {0}", status = layout::STATUS)]
    Status(Malformed),
    /// The FIFO cannot be written.
    #[error("unable to write to 'supervise/{control}': {}", reason(*.0), control = layout::CONTROL)]
    Refused(Errno),
}

/// Opens the FIFO in an open `supervise/`, without waiting for a reader.
fn open(supervise: &OwnedFd) -> Result<OwnedFd, ControlError> {
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let fifo = openat(supervise, layout::CONTROL, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::ENXIO | Errno::ENOENT => ControlError::NoSupervisor,
        Errno::ELOOP | Errno::EISDIR | Errno::ENOTDIR => ControlError::NoFifo,
        errno => ControlError::Refused(errno),
    })?;
    let kind = sys::file::kind(&fstat(&fifo).map_err(ControlError::Refused)?);
    if kind == SFlag::S_IFIFO { Ok(fifo) } else { Err(ControlError::NoFifo) }
}

/// Whether a supervisor is running, as far as can be determined.
pub fn probe(supervise: &OwnedFd) -> Result<(), ControlError> {
    open(supervise).map(drop)
}

/// Whether s6-svscan is running on a scan directory, as far as can be determined.
pub fn probe_scanner(scan_dir: &Path) -> Result<(), ControlError> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = nix::fcntl::open(&scan_dir.join(layout::SCANNER), flags, Mode::empty()).map_err(
        |errno| match errno {
            Errno::ENOENT => ControlError::NoSupervisor,
            errno => ControlError::Refused(errno),
        },
    )?;
    probe(&directory)
}

/// Sends a command to a supervisor of this suite. Success means that it was sent, not that it was carried out.
pub fn send(supervise: &OwnedFd, suite: Suite, order: Order) -> Result<(), ControlError> {
    let fifo = open(supervise)?;
    sys::signals::survive_writes();
    match nix::unistd::write(&fifo, order.letters(suite)) {
        Ok(_) => Ok(()),
        Err(Errno::EPIPE) => Err(ControlError::NoSupervisor),
        Err(errno) => Err(ControlError::Refused(errno)),
    }
}

/// The time of the last command from any sender: a write updates the FIFO's mtime. `None` if there was none since the
/// supervisor created it.
pub fn last_order(supervise: &OwnedFd) -> Option<SystemTime> {
    let status = |name: &str| {
        let path = format!("/proc/self/fd/{}/{name}", supervise.as_raw_fd());
        std::fs::symlink_metadata(path).ok()
    };
    let control = status(layout::CONTROL)?;
    let changed = control.modified().ok()?;
    let made = match control.created() {
        Ok(made) => made,
        // older kernels record no birth time on tmpfs; a supervisor creates its lock at the same time and never writes
        // it
        Err(_) => status(layout::LOCK)?.modified().ok()? + CREATION_SPREAD,
    };
    (changed > made).then_some(changed)
}
