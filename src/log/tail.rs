//! The last lines of a run's output, for the run record.

use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat};

use crate::sys::nofollow;

/// How many bytes are read back, and how many lines are kept.
const BYTES: u64 = 4096;
const LINES: usize = 5;

/// The same of the log that has the name now: all of it is of the run if it is another than this one.
pub(super) fn last_lines_at(path: &Path, inode: u64, from: u64) -> Vec<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Some(file) = nofollow::open_directly(path, flags) else { return Vec::new() };
    let is_same = fstat(&file).is_ok_and(|status| status.st_ino == inode);
    of_file(file, if is_same { from } else { 0 })
}

/// The last lines of the log after `from` (where the run began), at most five; none if it cannot be read. `log` is
/// the file that the worker has written to, which need not be the one at `path` any more.
pub(super) fn last_lines(log: &OwnedFd, path: &Path, from: u64) -> Vec<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    // the descriptor is write-only
    let opened =
        nix::fcntl::open(format!("/proc/self/fd/{}", log.as_raw_fd()).as_str(), flags, Mode::empty());
    // without /proc
    let opened = opened.ok().or_else(|| nofollow::open_directly(path, flags | OFlag::O_NOFOLLOW));
    opened.map(|file| of_file(file, from)).unwrap_or_default()
}

fn of_file(file: OwnedFd, from: u64) -> Vec<String> {
    let mut file = std::fs::File::from(file);
    let mut read = || -> std::io::Result<String> {
        let length = file.metadata()?.len();
        let start = from.max(length.saturating_sub(BYTES));
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.by_ref().take(BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(LINES);
    lines.get(first..).unwrap_or_default().iter().map(|line| line.to_string()).collect()
}
