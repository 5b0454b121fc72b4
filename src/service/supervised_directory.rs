//! A supervised service directory, held open: all reads refer to the same directory, even if another one takes its
//! name.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::signal::Signal;
use nix::sys::stat::{FileStat, Mode, fstat};

use super::layout;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};
use crate::sys::privilege::Privilege;

/// An open service directory, and `supervise/` in it.
#[derive(Debug)]
pub struct SupervisedDirectory {
    status: FileStat,
    directory: OwnedFd,
    supervise: Result<(OwnedFd, FileStat), Errno>,
}

impl SupervisedDirectory {
    /// Opens it; root follows root-owned links only.
    pub fn open(reader: Privilege, path: &Path) -> Result<Self, PathError> {
        let refused = |errno| PathError::Refused(path.to_path_buf(), errno);
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = match reader {
            Privilege::User => open(path, flags, Mode::empty()).map_err(refused)?,
            Privilege::Root => match nofollow::open_directly(path, flags) {
                Some(directory) => directory,
                None => nofollow::open_directory(path, Missing::Refuse)?,
            },
        };
        let status = fstat(&directory).map_err(refused)?;
        let supervise = open_supervise(reader, path, &directory)
            .and_then(|supervise| fstat(&supervise).map(|status| (supervise, status)));
        Ok(SupervisedDirectory { status, directory, supervise })
    }

    /// `supervise/`
    pub fn supervise(&self) -> Result<&OwnedFd, Errno> {
        self.supervise.as_ref().map(|(supervise, _)| supervise).map_err(|errno| *errno)
    }

    /// The supervisor's user: the owner of `supervise/`.
    pub fn supervisor_uid(&self) -> Option<u32> {
        self.supervise.as_ref().ok().map(|(_, status)| status.st_uid)
    }

    /// Whether the supervisor has not written a status yet.
    pub fn lacks_status(&self) -> bool {
        let no_links = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
        self.supervise().is_ok_and(|supervise| {
            nix::sys::stat::fstatat(supervise, layout::STATUS, no_links) == Err(Errno::ENOENT)
        })
    }

    /// A small file written by the publisher of the service: root, or this process's own user. `None` if it is missing,
    /// or writable by other users.
    pub fn read_of_publisher(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        const MAX_BYTES: usize = 16 << 10;
        let own = nix::unistd::geteuid().as_raw();
        let is_trusted = |status: &FileStat| [0, own].contains(&status.st_uid) && status.st_mode & 0o022 == 0;
        if !is_trusted(&self.status) {
            return Ok(None);
        }
        // an update turns the names into links, which only the directory's writers can create
        match sys::file::open_regular_with_status(&self.directory, Path::new(name), OFlag::empty()) {
            Ok((file, status)) if is_trusted(&status) => sys::file::read_at_most(file, MAX_BYTES).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of the signal that stops it: TERM, or the one in `down-signal` (s6).
    pub fn stop_signal(&self) -> i32 {
        const MAX_BYTES: usize = 64;
        let named = read_at(&self.directory, layout::DOWN_SIGNAL, MAX_BYTES).ok();
        let named = named.and_then(|text| signal_of(String::from_utf8_lossy(&text).trim()));
        named.unwrap_or(libc::SIGTERM)
    }

    /// Whether the service directory contains a file of this name. A dangling link counts as absent, as it does for the
    /// supervisor.
    pub fn has(&self, name: &str) -> bool {
        nix::sys::stat::fstatat(&self.directory, name, nix::fcntl::AtFlags::empty()).is_ok()
    }
}

/// Parses a number, or a name with or without SIG.
fn signal_of(text: &str) -> Option<i32> {
    let named = || format!("SIG{}", text.trim_start_matches("SIG")).parse::<Signal>().ok();
    text.parse().ok().or_else(|| named().map(|signal| signal as i32))
}

/// Opens `supervise/`. It may be a link, which runit's packages create for a read-only `/etc`; root follows it only if
/// only root can have created it.
fn open_supervise(reader: Privilege, path: &Path, directory: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat(directory, layout::SUPERVISE, flags | OFlag::O_NOFOLLOW, Mode::empty()) {
        Err(errno @ (Errno::ENOTDIR | Errno::ELOOP)) if reader.is_root() => {
            nofollow::open_directory(&path.join(layout::SUPERVISE), Missing::Refuse).map_err(|_| errno)
        }
        Err(Errno::ENOTDIR | Errno::ELOOP) => openat(directory, layout::SUPERVISE, flags, Mode::empty()),
        opened => opened,
    }
}

fn read_at(directory: impl AsFd, name: &str, most: usize) -> io::Result<Vec<u8>> {
    let file = sys::file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW)?;
    sys::file::read_at_most(file, most)
}
