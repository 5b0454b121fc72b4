//! Files that we keep beside a log: regular, with a single link, readable only by the user, since who can open a file
//! can lock it.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::Uid;

use super::remedy::{self, remedy_on_volume};
use super::rotate::look;
use crate::error::reason;
use crate::sys;
use crate::sys::nofollow::with_no_umask;

/// Why such a file cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Obstacle {
    /// Something else has its name.
    #[error("it is {0}, not a regular file")]
    Kind(&'static str),
    /// It has more names.
    #[error("it has {0} hard links")]
    Links(u64),
    /// The system refused.
    #[error("{}", reason(*.0))]
    Refused(Errno),
}

impl From<Errno> for Obstacle {
    fn from(errno: Errno) -> Self {
        Obstacle::Refused(errno)
    }
}

impl Obstacle {
    /// What helps.
    pub(super) fn remedy(&self, path: &Path, uid: Uid) -> Option<String> {
        match self {
            Obstacle::Kind(_) | Obstacle::Links(_) | Obstacle::Refused(Errno::EACCES | Errno::EPERM) => {
                Some(remedy::move_away(path, uid))
            }
            Obstacle::Refused(errno) => remedy_on_volume(*errno),
        }
    }
}

/// Opens the file of this name to read and write, and creates it if it is missing. No symbolic link is followed.
pub(super) fn open(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Obstacle> {
    let flags = OFlag::O_RDWR
        | OFlag::O_CREAT
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    // opening some devices has side effects
    refuse_unless_ours(look(directory, name).ok())?;
    let file = with_no_umask(|| openat(directory, name, flags, Mode::S_IRUSR | Mode::S_IWUSR))?;
    refuse_unless_ours(Some(fstat(&file)?))?;
    Ok(file)
}

/// Whether this is what has the name now.
pub(super) fn is_named(directory: &OwnedFd, name: &OsStr, status: &FileStat) -> bool {
    look(directory, name).is_ok_and(|now| (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino))
}

fn refuse_unless_ours(status: Option<FileStat>) -> Result<(), Obstacle> {
    let Some(status) = status else { return Ok(()) };
    match sys::file::kind(&status) {
        SFlag::S_IFREG if status.st_nlink == 1 => Ok(()),
        SFlag::S_IFREG => Err(Obstacle::Links(status.st_nlink)),
        kind => Err(Obstacle::Kind(sys::file::kind_name(kind).unwrap_or("a file"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_not_a_file_of_ours_is_named() {
        let directory = sys::scratch::directory("beside");
        let opened = OwnedFd::from(fs::File::open(&directory).expect("the directory"));
        let path = |name: &str| directory.join(name);
        fs::write(path("other"), "other").expect("a file");
        std::os::unix::fs::symlink("other", path("link")).expect("a link");
        fs::create_dir(path("directory")).expect("a directory");
        nix::unistd::mkfifo(&path("fifo"), Mode::S_IRWXU).expect("a FIFO");
        drop(std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket"));
        fs::hard_link(path("other"), path("name")).expect("a name");
        for (name, expected) in [
            ("link", "it is a symbolic link, not a regular file"),
            ("directory", "it is a directory, not a regular file"),
            ("fifo", "it is a FIFO, not a regular file"),
            ("socket", "it is a socket, not a regular file"),
            ("name", "it has 2 hard links"),
        ] {
            let obstacle = open(&opened, OsStr::new(name)).expect_err(name);
            assert_eq!(obstacle.to_string(), expected);
            assert!(obstacle.remedy(&path(name), Uid::from_raw(911)).expect("one").contains("mv -T"));
        }
        let status = fstat(open(&opened, OsStr::new("new")).expect("made")).expect("its status");
        assert_eq!(status.st_mode & 0o777, 0o600);
        assert!(is_named(&opened, OsStr::new("new"), &status));
        fs::remove_file(path("new")).expect("removed");
        assert!(!is_named(&opened, OsStr::new("new"), &status));
        fs::remove_dir_all(&directory).expect("removed");
    }
}
