//! Replacing a file by a single rename: readers see the old or the new content, also after a kill.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::{fd, nofollow};

/// The replacement for a file.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'r> {
    /// Its temporary name. A file of this name left by a killed process is removed.
    pub temporary: &'r Path,
    /// The whole content.
    pub content: &'r [u8],
    /// The exact mode, regardless of the umask.
    pub mode: Mode,
    /// When the content must be on disk.
    pub flush: Flush,
}

/// When the content of a file must be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Before the rename: the old or new file survives a power failure.
    BeforeRename,
    /// Whenever the kernel writes it: faster, but a power failure may lose the content.
    Later,
}

/// The step that the system refused. The file is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceError {
    /// The new file could not be created.
    Create(Errno),
    /// It could not be written, or renamed.
    Replace(Errno),
}

/// Replaces or creates a file in an open directory. Follows no link.
pub fn replace(directory: &OwnedFd, name: &Path, new: Replacement<'_>) -> Result<(), ReplaceError> {
    let file = create(directory, new.temporary, new.mode).map_err(ReplaceError::Create)?;
    let flush = || match new.flush {
        Flush::BeforeRename => fsync(&file),
        Flush::Later => Ok(()),
    };
    fd::write_all(file.as_fd(), new.content)
        .and_then(|()| flush())
        .and_then(|()| renameat(directory, new.temporary, directory, name))
        .map_err(|errno| {
            let _ = unlinkat(directory, new.temporary, UnlinkatFlags::NoRemoveDir);
            ReplaceError::Replace(errno)
        })
}

fn create(directory: &OwnedFd, name: &Path, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    nofollow::with_no_umask(|| match openat(directory, name, flags, mode) {
        Err(Errno::EEXIST) => {
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
            openat(directory, name, flags, mode)
        }
        result => result,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::sys::scratch;

    #[test]
    fn the_new_content_is_complete_and_nothing_else_is_left() {
        let scratch = scratch::directory("replace");
        let directory = OwnedFd::from(fs::File::open(&scratch).expect("the directory"));
        fs::write(scratch.join("other"), "other").expect("written");
        // as anyone with write access to the directory could have left it
        symlink("other", scratch.join(".new")).expect("a link");
        let new = Replacement {
            temporary: Path::new(".new"),
            content: b"new",
            mode: Mode::from_bits_truncate(0o666),
            flush: Flush::BeforeRename,
        };
        for _ in 0..2 {
            assert_eq!(replace(&directory, Path::new("file"), new), Ok(()));
            assert_eq!(fs::read_to_string(scratch.join("file")).expect("read"), "new");
        }
        let mode = fs::metadata(scratch.join("file")).expect("a status").permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        assert_eq!(fs::read_to_string(scratch.join("other")).expect("read"), "other");
        fs::create_dir(scratch.join("directory")).expect("made");
        let refused = replace(&directory, Path::new("directory"), new);
        assert_eq!(refused, Err(ReplaceError::Replace(Errno::EISDIR)));
        assert!(!scratch.join(".new").exists());
    }
}
