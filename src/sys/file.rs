//! Reading files whose writer may be hostile: only regular files, size-limited, without blocking.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{AccessFlags, faccessat};

/// Whether anything exists at this path.
pub fn exists(path: &Path) -> bool {
    look_for(path).is_ok()
}

/// The same, with the error.
pub fn look_for(path: &Path) -> Result<(), Errno> {
    fstatat(AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW).map(drop)
}

/// Whether this is a regular file, or a link to one.
pub fn is_regular(path: &Path) -> bool {
    fstatat(AT_FDCWD, path, AtFlags::empty()).is_ok_and(|status| kind(&status) == SFlag::S_IFREG)
}

/// Whether the effective user has this access to a file.
pub fn may(path: &Path, mode: AccessFlags) -> Result<(), Errno> {
    faccessat(AT_FDCWD, path, mode, AtFlags::AT_EACCESS)
}

/// The file type, without the permissions.
pub fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// Opens a regular file for reading; `more` may add O_NOFOLLOW. Does not block on a FIFO or device.
pub fn open_regular(path: &Path, more: OFlag) -> io::Result<OwnedFd> {
    open_regular_at(AT_FDCWD, path, more)
}

/// The same, from an open directory.
pub fn open_regular_at(directory: impl AsFd, path: &Path, more: OFlag) -> io::Result<OwnedFd> {
    open_regular_with_status(directory, path, more).map(|(file, _)| file)
}

/// The same, with its status when opened.
pub fn open_regular_with_status(
    directory: impl AsFd,
    path: &Path,
    more: OFlag,
) -> io::Result<(OwnedFd, FileStat)> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | more;
    let file = match openat(directory, path, flags, Mode::empty()) {
        Err(Errno::ELOOP) if more.contains(OFlag::O_NOFOLLOW) => {
            return Err(io::Error::other("it is a symbolic link"));
        }
        result => result?,
    };
    let status = fstat(&file)?;
    match kind_name(kind(&status)) {
        None => Ok((file, status)),
        Some(_) => Err(not_regular(kind(&status))),
    }
}

/// The error for something other than a regular file.
pub fn not_regular(kind: SFlag) -> io::Error {
    io::Error::other(NotRegular(kind))
}

/// Something other than a regular file.
#[derive(Debug, thiserror::Error)]
#[error("it is {}, not a regular file", kind_name(*.0).unwrap_or("a file"))]
struct NotRegular(SFlag);

/// Whether the error is about a directory in place of a file.
fn is_of_directory(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
        .is_some_and(|NotRegular(kind)| *kind == SFlag::S_IFDIR)
}

/// The hint for a path that is not a regular file. Docker creates a directory for a mounted file that is missing on
/// the host.
pub fn hint_of_unreadable(error: &std::io::Error) -> Option<String> {
    is_of_directory(error).then(|| {
        "put a file there; container runtimes create a directory in place of a missing mounted file"
            .to_string()
    })
}

/// The name of a file type, unless it is a regular file.
pub fn kind_name(kind: SFlag) -> Option<&'static str> {
    match kind {
        SFlag::S_IFREG => None,
        SFlag::S_IFDIR => Some("a directory"),
        SFlag::S_IFIFO => Some("a FIFO"),
        SFlag::S_IFLNK => Some("a symbolic link"),
        SFlag::S_IFSOCK => Some("a socket"),
        _ => Some("a device"),
    }
}

/// Reads a whole file that only root can write.
pub fn read_to_end(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?, usize::MAX)
}

/// Reads a whole open file; fails if it exceeds `most` bytes.
pub fn read_at_most(file: OwnedFd, most: usize) -> io::Result<Vec<u8>> {
    // start with a page: account files and settings rarely need more
    let mut bytes = Vec::with_capacity(4096);
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    // `take` also keeps std from preallocating by the file's size, which a hostile file can inflate
    File::from(file).take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// Whether text is in UTF-16, which some Windows editors call "Unicode": it starts with the byte order mark of UTF-16,
/// or an ASCII character in UTF-16.
pub fn is_utf_16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

/// The names in a directory, sorted, without those that start with a dot; fails with more than `most`.
pub fn names(directory: &Path, most: usize) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
        if names.len() > most {
            return Err(io::Error::other(format!("it contains more than {most} files")));
        }
    }
    names.sort_unstable();
    Ok(names)
}
