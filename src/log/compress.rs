//! Compressing rotated files (`--log-gzip`): in a process of its own at the lowest priority. NAME.3 becomes
//! NAME.3.gz by a rename, once that is whole on the disk, and is removed after it. Killed at any step, the next
//! process does the rest: it restarts with an empty part, and of two forms the compressed one is complete.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fstat, futimens};
use nix::sys::time::TimeSpec;

use super::beside;
use super::rotate::{compressed, lock_names, look, numbered, remove};
use crate::error::reason_of;
use crate::report::Reporter;
use crate::sys;
use crate::sys::lock::{FileLock, Tried};
use crate::sys::nofollow::{self, Missing};

/// Read at once. The level is gzip's own default.
const PORTION: usize = 64 << 10;
const LEVEL: u32 = 6;

/// Starts a process that compresses the rotated files of a log, if there is one that is not. It is no child of this
/// process, and holds none of its descriptors but stderr.
pub(super) fn start(directory: &OwnedFd, path: &Path, keep: u32, handled: &[i32], reporter: &Reporter) {
    let name = path.file_name().unwrap_or_default();
    if oldest_plain(directory, name, keep).is_none() {
        return;
    }
    let started = sys::fork::orphan(handled, || {
        let _ = nix::unistd::setsid();
        let _ = sys::fd::close_all_but(&[directory.as_raw_fd()]);
        // who reads the launcher's stdout to its end does not wait for this process
        let _ = sys::fd::stdin_from_null();
        let _ = nix::unistd::dup2_stdout(std::io::stdin());
        sys::process::set_idle_priority();
        match compress_all(directory, name, keep) {
            Ok(()) => 0,
            Err(error) => {
                let path = path.display();
                reporter.warn(&format!(
                    "unable to compress rotated files of log '{path}': {}",
                    reason_of(&error)
                ));
                1
            }
        }
    });
    if let Err(errno) = started {
        reporter.warn(&format!("unable to compress rotated files of log '{}': {errno}", path.display()));
    }
}

/// The same for the log of this path, whose directory is opened.
pub(super) fn start_at(path: &Path, keep: u32, handled: &[i32], reporter: &Reporter) {
    let parent = path.parent().unwrap_or(Path::new(""));
    if let Ok(directory) = nofollow::open_directory(parent, Missing::Refuse) {
        start(&directory, path, keep, handled, reporter);
    }
}

/// The oldest rotated file that is not compressed.
fn oldest_plain(directory: &OwnedFd, name: &OsStr, keep: u32) -> Option<u32> {
    let is_log =
        |status: FileStat| sys::file::kind_name(sys::file::kind(&status)).is_none() && status.st_nlink == 1;
    (1..=keep).rev().find(|number| look(directory, &numbered(name, *number)).is_ok_and(is_log))
}

/// Compresses one file after the other until there is none, unless another process does it already.
fn compress_all(directory: &OwnedFd, name: &OsStr, keep: u32) -> io::Result<()> {
    while let Some(number) = oldest_plain(directory, name, keep) {
        let Some(part) = Part::create(directory, name)? else { return Ok(()) };
        if let Err(error) = part.fill_from(&numbered(name, number), keep) {
            if part.refuse_unless_named(&part.name).is_ok() {
                let _ = remove(directory, &part.name);
            }
            return Err(error);
        }
    }
    Ok(())
}

/// The compressed file while it is written. Its lock shows that a process is at work.
struct Part<'a> {
    directory: &'a OwnedFd,
    log: &'a OsStr,
    name: OsString,
    file: File,
    _lock: FileLock,
}

impl<'a> Part<'a> {
    /// Creates it, or empties what a killed process has left; returns None if a process is at work.
    fn create(directory: &'a OwnedFd, log: &'a OsStr) -> io::Result<Option<Self>> {
        let mut name = log.to_os_string();
        name.push(".gz-part");
        let in_the_way = |why| io::Error::other(format!("'{}': {why}", name.display()));
        let opened = beside::open(directory, &name).map_err(in_the_way)?;
        let status = fstat(&opened)?;
        let file = File::from(opened.try_clone()?);
        let Tried::Ours(lock) = FileLock::try_exclusive(opened)? else { return Ok(None) };
        // the process that had the lock until now has renamed it
        if !beside::is_named(directory, &name, &status) {
            return Ok(None);
        }
        file.set_len(0)?;
        Ok(Some(Part { directory, log, name, file, _lock: lock }))
    }

    fn fill_from(&self, source: &OsStr, keep: u32) -> io::Result<()> {
        let flags =
            OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let mut source = File::from(openat(self.directory, source, flags, Mode::empty())?);
        let status = fstat(&source)?;
        let mut encoder = GzEncoder::new(&self.file, Compression::new(LEVEL));
        let mut portion = vec![0; PORTION];
        loop {
            match source.read(&mut portion)? {
                0 => break,
                read => encoder.write_all(portion.get(..read).unwrap_or_default())?,
            }
        }
        encoder.finish()?;
        let mode = Mode::from_bits_truncate(status.st_mode & 0o777);
        nix::sys::stat::fchmod(&self.file, mode)?;
        let time = TimeSpec::new(status.st_mtime, status.st_mtime_nsec);
        futimens(&self.file, &time, &time)?;
        self.file.sync_all()?;
        self.put_in_place_of(&status, keep)
    }

    /// Rotations meanwhile have given the file another number, or removed it.
    fn put_in_place_of(&self, source: &FileStat, keep: u32) -> io::Result<()> {
        let _lock = lock_names(self.directory)
            .ok_or_else(|| io::Error::other("another program has locked the directory"))?;
        let is_source = |status: FileStat| (status.st_dev, status.st_ino) == (source.st_dev, source.st_ino);
        let number =
            (1..=keep).find(|number| look(self.directory, &numbered(self.log, *number)).is_ok_and(is_source));
        self.refuse_unless_named(&self.name)?;
        let Some(number) = number else { return Ok(remove(self.directory, &self.name)?) };
        let in_place = compressed(self.log, number);
        renameat(self.directory, self.name.as_os_str(), self.directory, in_place.as_os_str())?;
        // who may write the directory can have replaced the part just before
        self.refuse_unless_named(&in_place)?;
        Ok(remove(self.directory, &numbered(self.log, number))?)
    }

    /// A rotated file is removed only while what has this name is the file that was written here.
    fn refuse_unless_named(&self, name: &OsStr) -> io::Result<()> {
        if beside::is_named(self.directory, name, &fstat(&self.file)?) {
            return Ok(());
        }
        Err(io::Error::other(format!("'{}' was replaced by another program", name.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::fs;

    fn unpacked(path: &Path) -> String {
        let mut text = String::new();
        let file = fs::File::open(path).expect("the compressed file");
        MultiGzDecoder::new(file).read_to_string(&mut text).expect("its text");
        text
    }

    #[test]
    fn every_rotated_file_is_compressed_and_the_current_one_is_not() {
        let directory = sys::scratch::directory("compress");
        let opened = OwnedFd::from(fs::File::open(&directory).expect("the directory"));
        for (name, text) in [("a.log", "0"), ("a.log.1", "1"), ("a.log.2", "2"), ("a.log.gz-part", "killed")]
        {
            fs::write(directory.join(name), text).expect("a file");
        }
        compress_all(&opened, OsStr::new("a.log"), 5).expect("compressed");
        assert_eq!(unpacked(&directory.join("a.log.1.gz")), "1");
        assert_eq!(unpacked(&directory.join("a.log.2.gz")), "2");
        assert_eq!(fs::read_dir(&directory).expect("the directory").count(), 3);
        fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn a_part_that_was_replaced_does_not_take_the_place_of_its_log() {
        let directory = sys::scratch::directory("compress");
        let opened = OwnedFd::from(fs::File::open(&directory).expect("the directory"));
        fs::write(directory.join("a.log.1"), "1").expect("a file");
        let part = Part::create(&opened, OsStr::new("a.log")).expect("a part").expect("no other process");
        fs::remove_file(directory.join("a.log.gz-part")).expect("removed");
        fs::write(directory.join("a.log.gz-part"), "other").expect("a file");
        assert!(part.fill_from(OsStr::new("a.log.1"), 5).is_err());
        assert_eq!(fs::read_to_string(directory.join("a.log.1")).expect("its text"), "1");
        assert_eq!(fs::read_to_string(directory.join("a.log.gz-part")).expect("its text"), "other");
        assert!(!directory.join("a.log.1.gz").exists());
        fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn links_and_files_with_other_names_are_left_alone() {
        let directory = sys::scratch::directory("compress");
        let opened = OwnedFd::from(fs::File::open(&directory).expect("the directory"));
        fs::write(directory.join("secret"), "s").expect("a file");
        std::os::unix::fs::symlink("secret", directory.join("a.log.1")).expect("a link");
        fs::hard_link(directory.join("secret"), directory.join("a.log.2")).expect("a name");
        compress_all(&opened, OsStr::new("a.log"), 5).expect("nothing to do");
        fs::remove_file(directory.join("a.log.2")).expect("removed");
        fs::write(directory.join("a.log.3"), "3").expect("a file");
        std::os::unix::fs::symlink("secret", directory.join("a.log.gz-part")).expect("a link");
        assert!(compress_all(&opened, OsStr::new("a.log"), 5).is_err());
        assert_eq!(fs::read_to_string(directory.join("secret")).expect("its text"), "s");
        fs::remove_dir_all(&directory).expect("removed");
    }
}
