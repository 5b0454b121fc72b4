//! Which files may be read for the worker's variables, and reading them so that changes are detected.

use std::io;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::FileStat;

use super::variables::Environment;
use crate::machine::ownership::belongs_to_root;
use crate::plan::{Change, Plan};
use crate::sys;

/// Whether a file may be read.
pub(super) enum Access {
    Granted,
    /// The user does not exist, or the worker is root and non-root users can write the file. It is not even opened:
    /// opening some devices has effects.
    Denied,
}

pub(super) fn access(plan: &Plan, path: &Path) -> io::Result<Access> {
    let for_nobody = plan.change == Change::Unknown && nix::unistd::geteuid().is_root();
    let for_root = plan.change == Change::StaysRoot && !belongs_to_root(path)?;
    Ok(if for_nobody || for_root { Access::Denied } else { Access::Granted })
}

pub(super) fn not_for_root() -> io::Error {
    io::Error::other("it is writable by non-root users, and the worker would be root")
}

impl Environment {
    /// Reads a file and records its state when it was opened.
    pub(super) fn open_and_read(&mut self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let opened = sys::file::open_regular_with_status(AT_FDCWD, path, OFlag::empty());
        self.note(path, opened.as_ref().map(|(_, status)| status));
        sys::file::read_at_most(opened?.0, most)
    }

    pub(super) fn note(&mut self, path: &Path, opened: Result<&FileStat, &io::Error>) {
        match opened {
            Ok(status) => self.signature.opened(path, status),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.signature.missing(path),
            Err(_) => self.signature.seen(path),
        }
    }
}
