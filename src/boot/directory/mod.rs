//! An open directory that only root (or the unprivileged caller) can write, and the operations in it. Every error names
//! the affected file.

mod remove;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, readlinkat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat, stat};
use nix::unistd::{UnlinkatFlags, linkat, symlinkat, unlinkat};

use crate::error::{Problem, reason};
use crate::exit::Exit;
use crate::sys::file::{self, kind};

/// An operation that the system refused.
#[derive(Debug, thiserror::Error)]
#[error("unable to {verb} '{}': {}", object.display(), why(*errno))]
pub struct StepError {
    /// The operation.
    pub verb: &'static str,
    /// Its object.
    pub object: PathBuf,
    /// Why it failed.
    pub errno: Errno,
}

impl Problem for StepError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }
}

fn why(errno: Errno) -> String {
    match errno {
        // returned by `Directory::names`
        Errno::E2BIG => "too many entries".to_string(),
        _ => reason(errno),
    }
}

/// The limit of names in a scan directory.
pub(super) const MAX_NAMES: usize = 100_000;
/// The size limit of files written by this program.
const MAX_OWN: usize = 1 << 20;

/// Identifies a directory regardless of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// From a status.
    pub fn of(status: &FileStat) -> Self {
        FileId { device: status.st_dev, inode: status.st_ino }
    }
}

/// An open directory, and its path for messages.
#[derive(Debug)]
pub struct Directory {
    /// Open for reading.
    pub fd: OwnedFd,
    /// For messages only.
    pub shown: PathBuf,
}

impl Directory {
    fn refused(&self, verb: &'static str, name: impl AsRef<Path>) -> impl FnOnce(Errno) -> StepError {
        let object = self.shown.join(name);
        move |errno| StepError { verb, object, errno }
    }

    /// The error for an operation that failed.
    pub fn refused_to(&self, verb: &'static str, name: &str, errno: Errno) -> StepError {
        self.refused(verb, name)(errno)
    }

    /// Opens a subdirectory. Symbolic links are not followed.
    pub fn open(&self, name: &OsStr) -> Result<Directory, StepError> {
        self.try_open(name).map_err(self.refused("open directory", name))
    }

    /// The same, with the bare errno.
    pub fn try_open(&self, name: &OsStr) -> Result<Directory, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty())?;
        Ok(Directory { fd, shown: self.shown.join(name) })
    }

    /// Creates a directory with exactly this mode: there is no umask during a run.
    pub fn make(&self, name: &str, mode: u32) -> Result<(), StepError> {
        mkdirat(&self.fd, name, Mode::from_bits_truncate(mode))
            .map_err(self.refused("create directory", name))
    }

    /// Like [`Directory::make`], but the directory may exist.
    pub fn make_if_missing(&self, name: &str, mode: u32) -> Result<(), StepError> {
        match mkdirat(&self.fd, name, Mode::from_bits_truncate(mode)) {
            Err(errno) if errno != Errno::EEXIST => Err(self.refused("create directory", name)(errno)),
            _ => Ok(()),
        }
    }

    /// Creates a file with this content.
    pub fn create(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), StepError> {
        let file = self.create_empty(name, mode)?;
        self.write(file, name, bytes)
    }

    /// Creates an empty file.
    pub fn create_empty(&self, name: &str, mode: u32) -> Result<File, StepError> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.fd, name, flags, Mode::from_bits_truncate(mode))
            .map(File::from)
            .map_err(self.refused("create", name))
    }

    /// Writes an open file of this directory.
    pub fn write(&self, mut file: File, name: &str, bytes: &[u8]) -> Result<(), StepError> {
        file.write_all(bytes).map_err(|error| {
            self.refused("write", name)(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
        })
    }

    /// The status and the start of a regular file: the result of one read of at most `most` bytes. `None` if there is
    /// no such file. Symbolic links are not followed.
    pub fn read(&self, name: &str, most: usize) -> Result<Option<(FileStat, Vec<u8>)>, StepError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::ENOENT | Errno::ELOOP) => return Ok(None),
            Err(errno) => return Err(self.refused("open", name)(errno)),
        };
        let status = fstat(&file).map_err(self.refused("stat", name))?;
        if kind(&status) != SFlag::S_IFREG {
            return Ok(None);
        }
        let mut bytes = vec![0; most];
        let count = nix::unistd::read(&file, &mut bytes).map_err(self.refused("read", name))?;
        bytes.truncate(count);
        Ok(Some((status, bytes)))
    }

    /// Whether the name resolves to a regular file with exactly this content and mode. Links are followed: they are
    /// futo's own.
    pub fn holds(&self, name: &str, bytes: &[u8], mode: u32) -> Result<bool, StepError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::ENOENT | Errno::ELOOP) => return Ok(false),
            Err(errno) => return Err(self.refused("open", name)(errno)),
        };
        let status = fstat(&file).map_err(self.refused("stat", name))?;
        if kind(&status) != SFlag::S_IFREG
            || status.st_mode & 0o7777 != mode
            || usize::try_from(status.st_size) != Ok(bytes.len())
        {
            return Ok(false);
        }
        let mut content = vec![0; bytes.len()];
        let read = File::from(file).read_exact(&mut content);
        Ok(read.is_ok() && content == bytes)
    }

    /// The content of a file written by this program. Links are followed: they are futo's own.
    pub fn read_following_links(&self, name: &str) -> Result<Option<Vec<u8>>, StepError> {
        match file::open_regular_at(&self.fd, Path::new(name), OFlag::empty())
            .and_then(|open| file::read_at_most(open, MAX_OWN))
        {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(self.refused("read", name)(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))))
            }
        }
    }

    /// Creates a symbolic link.
    pub fn link(&self, target: &str, name: &str) -> Result<(), StepError> {
        symlinkat(target, &self.fd, name).map_err(self.refused("create symbolic link", name))
    }

    /// Creates a hard link in another directory.
    pub fn add_name(&self, name: &str, other: &Directory, other_name: &str) -> Result<(), StepError> {
        linkat(&self.fd, name, &other.fd, other_name, AtFlags::empty())
            .map_err(other.refused("create hard link", other_name))
    }

    /// The target of a symbolic link; `None` if there is no such link.
    pub fn target(&self, name: &str) -> Option<OsString> {
        readlinkat(&self.fd, name).ok()
    }

    /// Renames within this directory; an existing file with the new name is replaced.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), StepError> {
        renameat(&self.fd, from, &self.fd, to).map_err(self.refused("rename to", to))
    }

    /// Exchanges two names of this directory atomically.
    pub fn exchange(&self, one: &str, other: &str) -> Result<(), StepError> {
        renameat2(&self.fd, one, &self.fd, other, RenameFlags::RENAME_EXCHANGE)
            .map_err(self.refused("replace", other))
    }

    /// Removes a file if it exists.
    pub fn remove(&self, name: &str) -> Result<(), StepError> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Err(errno) if errno != Errno::ENOENT => Err(self.refused("remove", name)(errno)),
            _ => Ok(()),
        }
    }

    /// This directory's own status.
    pub fn own_status(&self) -> Result<FileStat, StepError> {
        fstat(&self.fd).map_err(self.refused("stat", ""))
    }

    /// Whether this is the working directory of a process, such as a supervisor that has not taken its lock yet.
    pub(super) fn is_worked_in_by(&self, pid: i32) -> bool {
        let working = stat(format!("/proc/{pid}/cwd").as_str()).map(|status| FileId::of(&status));
        working.is_ok_and(|working| fstat(&self.fd).is_ok_and(|own| FileId::of(&own) == working))
    }

    /// Like [`Directory::status`], with the bare errno.
    pub fn try_status(&self, name: &OsStr) -> Result<FileStat, Errno> {
        fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// The type of the file with this name; links are not followed.
    pub fn kind_of(&self, name: &OsStr) -> Result<SFlag, Errno> {
        self.try_status(name).map(|status| kind(&status))
    }

    /// The status of the file with this name; `None` if it does not exist. Links are not followed.
    pub fn status(&self, name: &str) -> Result<Option<FileStat>, StepError> {
        self.status_by(name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// Like [`Directory::status`], following links.
    pub fn status_following_links(&self, name: &str) -> Result<Option<FileStat>, StepError> {
        self.status_by(name, AtFlags::empty())
    }

    fn status_by(&self, name: &str, flags: AtFlags) -> Result<Option<FileStat>, StepError> {
        match fstatat(&self.fd, name, flags) {
            Ok(status) => Ok(Some(status)),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            Err(errno) => Err(self.refused("stat", name)(errno)),
        }
    }

    /// All names except `.` and `..`, unordered; more than `most` are an error.
    pub fn names(&self, most: usize) -> Result<Vec<OsString>, StepError> {
        use std::os::unix::ffi::OsStrExt;
        let read = || -> Result<Vec<OsString>, Errno> {
            // a descriptor of its own: listing moves its offset
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let mut names = Vec::new();
            for entry in Dir::openat(&self.fd, ".", flags, Mode::empty())?.iter() {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if name != b"." && name != b".." {
                    if names.len() == most {
                        return Err(Errno::E2BIG);
                    }
                    names.push(OsStr::from_bytes(name).to_os_string());
                }
            }
            Ok(names)
        };
        read().map_err(self.refused("list", ""))
    }
}
