//! The directory of the record, and replacing files in it.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::read::RecordError;
use crate::sys::nofollow::{self, Missing};
use crate::sys::replace::{Flush, ReplaceError, Replacement, replace};

/// The open directory of the record, and its identity.
#[derive(Debug)]
pub(super) struct StateDirectory {
    open: OwnedFd,
    identity: (u64, u64),
}

impl StateDirectory {
    /// Opens the directory; creates it if missing.
    pub(super) fn open(path: &Path) -> Result<Self, RecordError> {
        let open = nofollow::open_directory(path, Missing::Create)?;
        let status = nix::sys::stat::fstat(&open)?;
        Ok(StateDirectory { open, identity: (status.st_dev, status.st_ino) })
    }

    /// Whether the path still refers to this directory: readers of the record use the path.
    pub(super) fn is_still_at(&self, path: &Path) -> bool {
        nix::sys::stat::stat(path).is_ok_and(|status| (status.st_dev, status.st_ino) == self.identity)
    }

    /// The open directory.
    pub(super) fn open_file(&self) -> &OwnedFd {
        &self.open
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), RecordError> {
        match unlinkat(&self.open, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Replaces a file by a rename.
    pub(super) fn replace(&self, name: &str, content: &[u8], mode: Mode) -> Result<(), Errno> {
        let temporary = format!(".{name}.tmp");
        let new = Replacement {
            temporary: Path::new(&temporary),
            content,
            mode,
            // a record lost with the power is younger than the log beside it
            flush: Flush::Later,
        };
        match replace(&self.open, Path::new(name), new) {
            Ok(()) => Ok(()),
            Err(ReplaceError::Create(errno) | ReplaceError::Replace(errno)) => Err(errno),
        }
    }
}
