//! Rotation: NAME becomes NAME.1, NAME.1 becomes NAME.2, …; the oldest beyond `--log-keep` is removed. A rotated file
//! may be compressed (NAME.1.gz).

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::sys;
use crate::sys::lock::{self, FileLock};

/// How long the renames of another process are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// `NAME.3`
pub(crate) fn numbered(name: &OsStr, number: u32) -> OsString {
    let mut numbered = name.to_os_string();
    numbered.push(format!(".{number}"));
    numbered
}

/// `NAME.3.gz`
pub(crate) fn compressed(name: &OsStr, number: u32) -> OsString {
    let mut compressed = numbered(name, number);
    compressed.push(".gz");
    compressed
}

/// Renames within the directory. A rename never follows a link. Killed in between, the next rotation finds a gap, and
/// fills it: nothing is removed while one of the places is free.
pub(super) fn rotate(directory: &OwnedFd, name: &OsStr, keep: u32) -> Result<(), Errno> {
    let _lock = lock_names(directory);
    if keep == 0 {
        return unlinkat(directory, name, UnlinkatFlags::NoRemoveDir);
    }
    let mut free = None;
    for number in 1..=keep {
        if is_free(directory, name, number)? {
            free = Some(number);
            break;
        }
    }
    let free = match free {
        Some(free) => free,
        None => {
            remove(directory, &numbered(name, keep))?;
            remove(directory, &compressed(name, keep))?;
            keep
        }
    };
    for number in (1..free).rev() {
        shift(directory, &numbered(name, number), &numbered(name, number + 1))?;
        shift(directory, &compressed(name, number), &compressed(name, number + 1))?;
    }
    renameat(directory, name, directory, numbered(name, 1).as_os_str())
}

/// Whoever renames or removes rotated files of a directory does it alone: the lock is that of the open directory
/// itself, whatever its name is by now. Who may read the directory can hold it. Then a rotation waits and is done all
/// the same, and nothing is compressed.
pub(crate) fn lock_names(directory: &OwnedFd) -> Option<FileLock> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let file = openat(directory, ".", flags, Mode::empty()).ok()?;
    lock::within(PATIENCE, &file).ok()?
}

/// What has this name in the directory, a link itself.
pub(super) fn look(directory: &OwnedFd, name: &OsStr) -> Result<FileStat, Errno> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Whether neither form of a rotated file is there. Of both the compressed one is complete: the process that made it was
/// killed before it had removed the other.
fn is_free(directory: &OwnedFd, name: &OsStr, number: u32) -> Result<bool, Errno> {
    let found = |name: &OsStr| match look(directory, name) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    };
    let plain = found(&numbered(name, number))?;
    let compressed = found(&compressed(name, number))?;
    if let (Some(plain), Some(compressed)) = (plain, compressed)
        && is_made_of(&compressed, &plain)
    {
        remove(directory, &numbered(name, number))?;
    }
    Ok(plain.is_none() && compressed.is_none())
}

/// Whether a compressed file was made of the other one, whose time it then has. Others may put anything under its name.
fn is_made_of(compressed: &FileStat, plain: &FileStat) -> bool {
    sys::file::kind_name(sys::file::kind(compressed)).is_none()
        && compressed.st_nlink == 1
        && (compressed.st_mtime, compressed.st_mtime_nsec) == (plain.st_mtime, plain.st_mtime_nsec)
}

fn shift(directory: &OwnedFd, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    absent_is_fine(renameat(directory, from, directory, to))
}

pub(super) fn remove(directory: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    absent_is_fine(unlinkat(directory, name, UnlinkatFlags::NoRemoveDir))
}

fn absent_is_fine(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::ENOENT) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn open(directory: &Path) -> OwnedFd {
        OwnedFd::from(fs::File::open(directory).expect("the directory"))
    }

    fn left(directory: &Path) -> Vec<(String, String)> {
        let mut left: Vec<(String, String)> = fs::read_dir(directory)
            .expect("the directory")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).expect("its text"))
            })
            .collect();
        left.sort();
        left
    }

    fn rotated(keep: u32, times: u32) -> Vec<(String, String)> {
        let directory = crate::sys::scratch::directory("rotate");
        let opened = open(&directory);
        for time in 0..times {
            fs::write(directory.join("a.log"), time.to_string()).expect("a log");
            rotate(&opened, OsStr::new("a.log"), keep).expect("rotated");
        }
        let left = left(&directory);
        fs::remove_dir_all(&directory).expect("removed");
        left
    }

    fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    }

    #[test]
    fn keeps_the_newest_so_many() {
        assert_eq!(rotated(2, 4), owned(&[("a.log.1", "3"), ("a.log.2", "2")]));
        assert_eq!(rotated(3, 1), owned(&[("a.log.1", "0")]));
        assert_eq!(rotated(0, 2), owned(&[]));
    }

    #[test]
    fn fills_a_gap_and_shifts_compressed_files_too() {
        let directory = crate::sys::scratch::directory("rotate");
        for (name, text) in [("a.log", "0"), ("a.log.1.gz", "1"), ("a.log.2", "2"), ("a.log.4", "4")] {
            fs::write(directory.join(name), text).expect("a file");
        }
        rotate(&open(&directory), OsStr::new("a.log"), 4).expect("rotated");
        let expected = [("a.log.1", "0"), ("a.log.2.gz", "1"), ("a.log.3", "2"), ("a.log.4", "4")];
        assert_eq!(left(&directory), owned(&expected));
        fs::write(directory.join("a.log"), "new").expect("a log");
        rotate(&open(&directory), OsStr::new("a.log"), 4).expect("rotated");
        let expected = [("a.log.1", "new"), ("a.log.2", "0"), ("a.log.3.gz", "1"), ("a.log.4", "2")];
        assert_eq!(left(&directory), owned(&expected));
        fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn of_two_forms_the_compressed_one_stays_if_it_was_made_of_the_other() {
        for (is_made_of_it, expected) in [
            (true, &[("a.log.1", "0"), ("a.log.2.gz", "gz")][..]),
            (false, &[("a.log.1", "0"), ("a.log.2", "1"), ("a.log.2.gz", "gz")]),
        ] {
            let directory = crate::sys::scratch::directory("rotate");
            for (name, text) in [("a.log", "0"), ("a.log.1", "1"), ("a.log.1.gz", "gz")] {
                fs::write(directory.join(name), text).expect("a file");
            }
            let plain = fs::metadata(directory.join("a.log.1")).and_then(|status| status.modified());
            let time = plain.expect("its time") + Duration::from_secs(u64::from(!is_made_of_it));
            let packed = fs::OpenOptions::new().write(true).open(directory.join("a.log.1.gz"));
            packed.expect("the file").set_modified(time).expect("its time");
            rotate(&open(&directory), OsStr::new("a.log"), 3).expect("rotated");
            assert_eq!(left(&directory), owned(expected));
            fs::remove_dir_all(&directory).expect("removed");
        }
    }
}
