//! Reading files whose writer may be hostile: regular files only, bounded, never waiting.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};

/// Whether something of this name is there, whatever it is.
pub fn exists(path: &Path) -> bool {
    fstatat(AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
}

/// Whether something is there that is no directory. Of a link it is asked where it leads (`/var/run`);
/// one that leads nowhere counts.
pub fn is_no_directory(path: &Path) -> bool {
    let kind = |flags| {
        let status = fstatat(AT_FDCWD, path, flags).ok()?;
        Some(SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits()))
    };
    match kind(AtFlags::AT_SYMLINK_NOFOLLOW) {
        None | Some(SFlag::S_IFDIR) => false,
        Some(SFlag::S_IFLNK) => kind(AtFlags::empty()) != Some(SFlag::S_IFDIR),
        Some(_) => true,
    }
}

/// Opens a regular file for reading; `more` may add O_NOFOLLOW. A FIFO or device is not waited for.
pub fn open_regular(path: &Path, more: OFlag) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | more;
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::ELOOP) if more.contains(OFlag::O_NOFOLLOW) => {
            return Err(io::Error::other("it is a symbolic link"));
        }
        result => result?,
    };
    let kind = SFlag::from_bits_truncate(fstat(&file)?.st_mode & SFlag::S_IFMT.bits());
    match kind_name(kind) {
        None => Ok(file),
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a regular file"))),
    }
}

/// What a file is in words, if it is not a regular one.
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

/// All of a file that root keeps.
pub fn read_to_end(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?, usize::MAX)
}

/// All of an open file; an error if it is longer than `most` bytes.
pub fn read_at_most(file: OwnedFd, most: usize) -> io::Result<Vec<u8>> {
    // a page to begin with: account files and settings seldom need more
    let mut bytes = Vec::with_capacity(4096);
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    // `take` also keeps std from asking for the file's size first, which a hostile one can grow
    File::from(file).take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_through_a_link_too() {
        let directory = crate::sys::scratch::directory("no-directory");
        std::fs::write(directory.join("file"), "").expect("a file");
        for (name, target) in [("to-file", "file"), ("to-directory", "."), ("dangling", "nowhere")] {
            std::os::unix::fs::symlink(target, directory.join(name)).expect("a link");
        }
        let is = |name: &str| is_no_directory(&directory.join(name));
        assert!(is("file") && is("to-file") && is("dangling"));
        assert!(!is("to-directory") && !is(".") && !is("absent"));
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
