//! The last lines of a run's output, for the run record.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use nix::fcntl::OFlag;

use crate::sys::nofollow;

/// How far back is read, in bytes, and how many lines are kept.
const BYTES: u64 = 4096;
const LINES: usize = 5;

/// The last lines of the log behind `from` (where the run began), at most five; none if it cannot be
/// read.
pub fn last_lines(path: &Path, from: u64) -> Vec<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let Some(file) = nofollow::open_directly(path, flags) else { return Vec::new() };
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
