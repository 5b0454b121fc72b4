//! Removal of a directory tree that another user may have filled, and may still be filling.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, fchown, geteuid, unlinkat};

use super::{Directory, StepError};

/// The limit of files that one call removes.
const MAX_REMOVED: usize = 100_000;
/// The prefix of a directory that was moved up to be emptied.
const MOVED: &str = ".futo-moved-";

impl Directory {
    /// Removes a file or a directory tree. Symbolic links are not followed.
    pub fn remove_all(&self, name: &OsStr) -> Result<(), StepError> {
        if self.is_directory_and_stays(name)? {
            self.take_over(name)?.remove_content()?;
            self.remove_directory(name)?;
        }
        Ok(())
    }

    /// Removes everything in this directory, which no other user can write. Trees created by other users below it may
    /// have any depth, and may grow meanwhile: ownership of each directory is taken before it is emptied, its
    /// subdirectories are moved up, and their number is limited.
    pub fn remove_content(&self) -> Result<(), StepError> {
        let mut todo = self.names(MAX_REMOVED)?;
        let mut numbers = 0..MAX_REMOVED;
        while let Some(name) = todo.pop() {
            if !self.is_directory_and_stays(&name)? {
                continue;
            }
            let directory = self.take_over(&name)?;
            for below in directory.names(MAX_REMOVED)? {
                if directory.is_directory_and_stays(&below)? {
                    todo.push(directory.move_up(&below, self, &mut numbers)?);
                }
            }
            self.remove_directory(&name)?;
        }
        Ok(())
    }

    /// Removes anything but a directory; returns whether the name is a directory.
    fn is_directory_and_stays(&self, name: &OsStr) -> Result<bool, StepError> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(false),
            // returned by unlink for a directory, on Linux and elsewhere
            Err(Errno::EISDIR | Errno::EPERM) => Ok(true),
            Err(errno) => Err(self.refused("remove", name)(errno)),
        }
    }

    /// Moves a subdirectory to the directory above.
    fn move_up(
        &self,
        name: &OsStr,
        above: &Directory,
        numbers: &mut Range<usize>,
    ) -> Result<OsString, StepError> {
        for number in numbers {
            let moved = OsString::from(format!("{MOVED}{number}"));
            match renameat(&self.fd, name, &above.fd, moved.as_os_str()) {
                Ok(()) => return Ok(moved),
                // the user who filled the tree has guessed the name
                Err(Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENOTDIR) => {}
                Err(errno) => return Err(self.refused("move", name)(errno)),
            }
        }
        Err(self.refused("remove", name)(Errno::E2BIG))
    }

    /// Opens a directory, and revokes other users' write access.
    fn take_over(&self, name: &OsStr) -> Result<Directory, StepError> {
        let directory = self.open(name)?;
        let status = directory.own_status()?;
        if status.st_uid != geteuid().as_raw() || status.st_mode & 0o022 != 0 {
            fchown(&directory.fd, Some(geteuid()), None).map_err(self.refused("take ownership of", name))?;
            fchmod(&directory.fd, Mode::S_IRWXU).map_err(self.refused("take ownership of", name))?;
        }
        Ok(directory)
    }

    fn remove_directory(&self, name: &OsStr) -> Result<(), StepError> {
        unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir).map_err(self.refused("remove", name))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use nix::fcntl::OFlag;

    use super::*;

    #[test]
    fn removes_trees_deeper_than_path_max_and_nothing_else() {
        let scratch = crate::sys::scratch::directory("remove-all");
        let top = Directory {
            fd: nix::fcntl::open(&scratch, OFlag::O_RDONLY, Mode::empty()).expect("open"),
            shown: scratch.clone(),
        };
        fs::write(scratch.join("kept"), "").expect("written");
        top.make("gone", 0o755).expect("made");
        let mut here = top.open(OsStr::new("gone")).expect("open");
        here.make(".futo-moved-1", 0o755).expect("made");
        here.make(".futo-moved-1/full", 0o755).expect("made");
        for _ in 0..3000 {
            here.create("file", b"", 0o644).expect("made");
            symlink("/", format!("/proc/self/fd/{}/link", std::os::fd::AsRawFd::as_raw_fd(&here.fd)))
                .expect("a link");
            here.make("below", 0o755).expect("made");
            here = here.open(OsStr::new("below")).expect("open");
        }
        top.remove_all(OsStr::new("gone")).expect("removed");
        assert_eq!(top.names(9).expect("listed"), ["kept"]);
    }
}
