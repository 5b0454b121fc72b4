//! The directory of the record, and replacing files in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::read::RecordError;
use crate::sys;
use crate::sys::nofollow::{self, Missing};

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

    /// Replaces the record of a service by a rename.
    pub(super) fn replace(&self, service: &str, text: &str, mode: Mode) -> Result<(), Errno> {
        let directory = &self.open;
        let name = format!("{service}.json");
        let temporary = format!(".{service}.json.tmp");
        let file = create_new(directory, &temporary, mode)?;
        sys::fd::write_all(file.as_fd(), text.as_bytes())
            .and_then(|()| renameat(directory, temporary.as_str(), directory, name.as_str()))
            .inspect_err(|_| {
                let _ = unlinkat(directory, temporary.as_str(), UnlinkatFlags::NoRemoveDir);
            })
    }
}

fn create_new(directory: &OwnedFd, name: &str, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    nofollow::with_no_umask(|| match openat(directory, name, flags, mode) {
        // left by a launcher that was killed
        Err(Errno::EEXIST) => {
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
            openat(directory, name, flags, mode)
        }
        result => result,
    })
}
