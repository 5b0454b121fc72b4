//! The files an environment was read from, to detect later changes.

use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, stat};

/// Device, inode, size, mtime and ctime, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark(u64, u64, i64, [i64; 4]);

impl Mark {
    fn of(status: &FileStat) -> Self {
        let times = [status.st_mtime, status.st_mtime_nsec, status.st_ctime, status.st_ctime_nsec];
        Mark(status.st_dev, status.st_ino, status.st_size, times)
    }
}

/// The files and directories an environment depends on, with their state when opened; includes missing ones.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    marks: Vec<(PathBuf, Option<Mark>)>,
    /// The directories among them of which every file counts.
    directories: Vec<PathBuf>,
}

impl Signature {
    /// Records an open file. Any later write to it is a change.
    pub(super) fn opened(&mut self, path: &Path, status: &FileStat) {
        self.marks.push((path.to_path_buf(), Some(Mark::of(status))));
    }

    /// Records a missing path.
    pub(super) fn missing(&mut self, path: &Path) {
        self.marks.push((path.to_path_buf(), None));
    }

    /// Records the current state of a path that is not, or could not be, opened.
    pub(super) fn seen(&mut self, path: &Path) {
        self.marks.push((path.to_path_buf(), mark(path)));
    }

    /// Records the current state of a directory whose files are read.
    pub(super) fn listed(&mut self, directory: &Path) {
        self.seen(directory);
        self.directories.push(directory.to_path_buf());
    }

    /// Whether nothing has changed since.
    pub fn is_current(&self) -> bool {
        self.marks.iter().all(|(path, noted)| mark(path) == *noted)
    }

    /// The paths, relative to the launcher's directory.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.marks.iter().map(|(path, _)| path.as_path())
    }

    /// The directories among them in which every name counts.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(PathBuf::as_path)
    }
}

fn mark(path: &Path) -> Option<Mark> {
    stat(path).ok().as_ref().map(Mark::of)
}
