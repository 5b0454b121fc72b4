//! Which files an environment was read from, and whether they have changed since.

use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, stat};

/// Device, inode, size, and the times of the last change of content and of status (mode, owner), with
/// nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark(u64, u64, i64, [i64; 4]);

impl Mark {
    fn of(status: &FileStat) -> Self {
        let times = [status.st_mtime, status.st_mtime_nsec, status.st_ctime, status.st_ctime_nsec];
        Mark(status.st_dev, status.st_ino, status.st_size, times)
    }
}

/// The files and directories that an environment depends on, each as it was when it was opened; also
/// those that were not there.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    marks: Vec<(PathBuf, Option<Mark>)>,
    /// Of these, directories whose every file counts.
    directories: Vec<PathBuf>,
}

impl Signature {
    /// Notes an open file. What is written to it from here on is a change.
    pub(super) fn opened(&mut self, path: &Path, status: &FileStat) {
        self.marks.push((path.to_path_buf(), Some(Mark::of(status))));
    }

    /// Notes that nothing was there.
    pub(super) fn missing(&mut self, path: &Path) {
        self.marks.push((path.to_path_buf(), None));
    }

    /// Notes a path as it is now, if it is not opened or could not be.
    pub(super) fn seen(&mut self, path: &Path) {
        self.marks.push((path.to_path_buf(), mark(path)));
    }

    /// Notes a directory whose files are read, as it is now.
    pub(super) fn listed(&mut self, directory: &Path) {
        self.seen(directory);
        self.directories.push(directory.to_path_buf());
    }

    /// Whether nothing has changed since.
    pub fn is_current(&self) -> bool {
        self.marks.iter().all(|(path, noted)| mark(path) == *noted)
    }

    /// The paths, from the launcher's directory.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.marks.iter().map(|(path, _)| path.as_path())
    }

    /// Of these, the directories in which every name counts.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(PathBuf::as_path)
    }
}

fn mark(path: &Path) -> Option<Mark> {
    stat(path).ok().as_ref().map(Mark::of)
}
