//! The log that a pump writes: found by its name in an open directory before each portion, so that a rotation by others
//! and a removed log are noticed. A regular file with a single link; no symbolic link is followed.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::ftruncate;

use super::cut::Position;
use crate::config::spec::LogRules;
use crate::error::reason;
use crate::log::rotate;
use crate::sys;
use crate::sys::nofollow::with_no_umask;

const FLAGS: OFlag =
    OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// How far back to search for the start of a line.
const LOOK_BACK: usize = 4096;

/// Why the log cannot be written, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Refused(reason(errno))
    }
}

/// Where the log is.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    name: OsString,
    /// None if there is no lock: then nothing can be written.
    directory: Option<OwnedFd>,
    rules: LogRules,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: OwnedFd,
    device: u64,
    inode: u64,
}

/// The log as it is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current<'a> {
    pub(super) file: BorrowedFd<'a>,
    pub(super) inode: u64,
    pub(super) size: u64,
}

impl Current<'_> {
    /// Where its end is; taken for the start of a line if its mode does not let it be read.
    pub(super) fn position(&self) -> Result<Position, Errno> {
        self.position_at(self.size)
    }

    /// The same, when it had this size.
    pub(super) fn position_at(&self, size: u64) -> Result<Position, Errno> {
        let Some(last) = size.checked_sub(1).and_then(|at| i64::try_from(at).ok()) else {
            return Ok(Position::LineStart);
        };
        let mut byte = [b'\n'];
        match nix::sys::uio::pread(self.file, &mut byte, last) {
            Ok(_) | Err(Errno::EBADF) => Ok(Position::after(byte[0])),
            Err(errno) => Err(errno),
        }
    }

    /// Truncates the file to this size, and to the end of the last whole line before it.
    pub(super) fn truncate_to_line(&self, size: u64) {
        let mut end = [0; LOOK_BACK];
        let from = size.saturating_sub(LOOK_BACK as u64);
        let length = usize::try_from(size - from).unwrap_or(0);
        let end = end.get_mut(..length).unwrap_or_default();
        let read = i64::try_from(from).map(|from| nix::sys::uio::pread(self.file, end, from));
        let line = match memchr::memrchr(b'\n', end) {
            Some(last) if read == Ok(Ok(length)) => from + last as u64 + 1,
            None if read == Ok(Ok(length)) && from == 0 => 0,
            // a longer line, or one that cannot be read, stays as it is
            _ => size,
        };
        if line < self.size {
            let _ = i64::try_from(line).map(|line| ftruncate(self.file, line));
        }
    }
}

impl Target {
    /// The log of this absolute path, in its directory.
    pub(super) fn new(path: &Path, rules: LogRules, directory: Option<OwnedFd>) -> Self {
        let name = path.file_name().unwrap_or_default().to_os_string();
        Target { path: path.to_path_buf(), name, directory, rules, open: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn directory(&self) -> Result<&OwnedFd, Errno> {
        self.directory.as_ref().ok_or(Errno::ENOENT)
    }

    /// The log that has the name now; a missing one is created.
    pub(super) fn current(&mut self) -> Result<Current<'_>, Refused> {
        let found = rotate::look(self.directory()?, &self.name);
        let is_open = |status: &FileStat| {
            let same = |open: &Open| (open.device, open.inode) == (status.st_dev, status.st_ino);
            status.st_nlink == 1 && self.open.as_ref().is_some_and(same)
        };
        let status = match found {
            Ok(status) if is_open(&status) => status,
            found => {
                self.open = None;
                let (file, status) = self.open_again(found)?;
                self.open = Some(Open { file, device: status.st_dev, inode: status.st_ino });
                status
            }
        };
        let Some(open) = &self.open else { return Err(Errno::EBADF.into()) };
        let size = u64::try_from(status.st_size).unwrap_or(0);
        Ok(Current { file: open.file.as_fd(), inode: open.inode, size })
    }

    /// The log becomes NAME.1; the next one is created when it is written.
    pub(super) fn rotate(&mut self) -> Result<(), Refused> {
        self.open = None;
        rotate::rotate(self.directory()?, &self.name, self.rules.keep)
            .map_err(|errno| Refused(format!("unable to rotate it: {}", reason(errno))))
    }

    fn open_again(&self, found: Result<FileStat, Errno>) -> Result<(OwnedFd, FileStat), Refused> {
        match found {
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno.into()),
            // opening some devices has side effects
            Ok(status) => refuse_unless_plain(&status)?,
        }
        let file = match self.open_existing() {
            Err(Errno::ENOENT) => self.create()?,
            result => result?,
        };
        let status = fstat(&file)?;
        refuse_unless_plain(&status)?;
        Ok((file, status))
    }

    fn open_existing(&self) -> Result<OwnedFd, Errno> {
        let open = |access| openat(self.directory()?, self.name.as_os_str(), FLAGS | access, Mode::empty());
        match open(OFlag::O_RDWR) {
            // a mode without reading
            Err(Errno::EACCES) => open(OFlag::O_WRONLY),
            result => result,
        }
    }

    fn create(&self) -> Result<OwnedFd, Errno> {
        let mode = Mode::from_bits_truncate(self.rules.mode);
        let flags = FLAGS | OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL;
        let directory = self.directory()?;
        with_no_umask(|| openat(directory, self.name.as_os_str(), flags, mode))
    }
}

fn refuse_unless_plain(status: &FileStat) -> Result<(), Refused> {
    match sys::file::kind_name(sys::file::kind(status)) {
        Some(what) => Err(Refused(format!("it is {what}, not a regular file"))),
        None if status.st_nlink > 1 => Err(Refused(format!("it has {} hard links", status.st_nlink))),
        None => Ok(()),
    }
}
