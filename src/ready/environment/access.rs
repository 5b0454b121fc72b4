//! Which files may be read for the worker's variables, and reading them so that a change is seen.

use std::io;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::FileStat;

use super::variables::Environment;
use crate::machine::ownership::belongs_to_root;
use crate::plan::{Change, Plan};
use crate::sys;

/// Whether a file may be read at all.
pub(super) enum Access {
    Granted,
    /// It is for a user that does not exist, or for a worker that is root while non-root users can write it. It
    /// is not even opened: to open some devices is to do something.
    Denied,
}

pub(super) fn access(plan: &Plan, path: &Path) -> io::Result<Access> {
    let for_nobody = plan.change == Change::Unknown && nix::unistd::geteuid().is_root();
    let for_root = plan.change == Change::StaysRoot && !belongs_to_root(path)?;
    Ok(if for_nobody || for_root { Access::Denied } else { Access::Granted })
}

pub(super) fn not_for_root() -> io::Error {
    io::Error::other("non-root users can write it, and the worker would be root")
}

impl Environment {
    /// Reads a file and notes it, as it was when it was opened.
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
