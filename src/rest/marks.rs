//! The state of files when a rest began, to detect changes that no event reports.

use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, SFlag, lstat, stat};

use super::change::{Changed, Links};
use crate::sys::file;

/// The relevant state of a file. The entries of a directory do not count: others may write there at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: [u64; 2],
    rights: [u32; 3],
    content: Option<[i64; 5]>,
}

/// Paths, and their state.
#[derive(Debug)]
pub(super) struct Marks {
    links: Links,
    marks: Vec<(PathBuf, Changed, Option<Mark>)>,
}

impl Marks {
    pub(super) fn new(links: Links) -> Self {
        Marks { links, marks: Vec::new() }
    }

    /// Records the current state of the path.
    pub(super) fn note(&mut self, path: &Path, changed: Changed) {
        self.marks.push((path.to_path_buf(), changed, mark(path, self.links)));
    }

    /// The greatest change since the last check.
    pub(super) fn changed(&mut self) -> Changed {
        let mut most = Changed::Nothing;
        for (path, changed, noted) in &mut self.marks {
            let now = mark(path, self.links);
            if now != *noted {
                *noted = now;
                most = most.max(*changed);
            }
        }
        most
    }
}

fn mark(path: &Path, links: Links) -> Option<Mark> {
    let status = match links {
        Links::Followed => stat(path),
        Links::NotFollowed => lstat(path),
    };
    status.ok().as_ref().map(of)
}

fn of(status: &FileStat) -> Mark {
    let content =
        [status.st_size, status.st_mtime, status.st_mtime_nsec, status.st_ctime, status.st_ctime_nsec];
    Mark {
        file: [status.st_dev, status.st_ino],
        rights: [status.st_mode, status.st_uid, status.st_gid],
        content: (file::kind(status) != SFlag::S_IFDIR).then_some(content),
    }
}
