//! The file NAME.log.pump beside a log that has a pump: its lock is that of the log, its text the state of the pump.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use serde::{Deserialize, Serialize};

use crate::sys;
use crate::sys::nofollow::with_no_umask;

/// What follows the name of the log.
pub(crate) const SUFFIX: &str = ".pump";
/// The text has one length: on a full volume it can be written in its place.
const LENGTH: usize = 512;
/// A reason is shortened to this.
const LONGEST_REASON: usize = 300;

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PumpState {
    /// Lines that were dropped since the pump was started.
    #[serde(default)]
    pub(crate) dropped: u64,
    /// Why the log cannot be written.
    #[serde(default)]
    pub(crate) trouble: Option<String>,
    /// Since when this holds.
    #[serde(default)]
    pub(crate) since: Option<String>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct StateFile(OwnedFd);

impl StateFile {
    /// Opens it: a regular file with a single link; no symbolic link is followed. Only the user may read it: who can
    /// open a file can lock it.
    pub(super) fn open(directory: &OwnedFd, log: &OsStr) -> Result<Self, Errno> {
        let mut name = log.to_os_string();
        name.push(SUFFIX);
        let flags = OFlag::O_RDWR
            | OFlag::O_CREAT
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = with_no_umask(|| openat(directory, name.as_os_str(), flags, mode))?;
        let status = fstat(&file)?;
        match sys::file::kind_name(sys::file::kind(&status)) {
            None if status.st_nlink == 1 => {}
            _ => return Err(Errno::ELOOP),
        }
        let state = StateFile(file);
        // space for it is taken now: the volume may be full later
        state.note(0, None);
        Ok(state)
    }

    pub(super) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Waits until no other pump writes to the log. The lock belongs to the open file: a writer that is killed leaves
    /// it to its keeper.
    pub(super) fn lock(&self) {
        let _ = sys::lock::wait_exclusive(self.0.as_raw_fd());
    }

    pub(super) fn unlock(&self) {
        sys::lock::release(self.0.as_raw_fd());
    }

    /// Writes the state of the pump. A failure is ignored: the log is more important.
    pub(super) fn note(&self, dropped: u64, trouble: Option<&str>) {
        let trouble = trouble.map(|why| why.chars().take(LONGEST_REASON).collect());
        let state = PumpState { dropped, trouble, since: Some(sys::clock::utc_now()) };
        let Ok(mut text) = serde_json::to_vec(&state) else { return };
        text.resize(LENGTH.max(text.len() + 1), b' ');
        if let Some(last) = text.last_mut() {
            *last = b'\n';
        }
        let _ = nix::sys::uio::pwrite(&self.0, &text, 0);
    }
}
