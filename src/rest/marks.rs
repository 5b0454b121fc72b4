//! What files were like when a rest began: where no event reports a change, a look does.

use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, SFlag, lstat, stat};

use super::change::{Changed, Links};
use crate::sys::file;

/// A file as far as a change of it counts. Of a directory the entries do not: others may write there all day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: [u64; 2],
    rights: [u32; 3],
    content: Option<[i64; 5]>,
}

/// Paths, and what was there.
#[derive(Debug)]
pub(super) struct Marks {
    links: Links,
    marks: Vec<(PathBuf, Changed, Option<Mark>)>,
}

impl Marks {
    pub(super) fn new(links: Links) -> Self {
        Marks { links, marks: Vec::new() }
    }

    /// Notes what is at the path now.
    pub(super) fn note(&mut self, path: &Path, changed: Changed) {
        self.marks.push((path.to_path_buf(), changed, mark(path, self.links)));
    }

    /// The most that a change since the last look means.
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
