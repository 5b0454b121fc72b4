//! The end of a log. The file belongs to a user: only a regular one is read, and within bounds.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// How much of the end is read for one line, in bytes.
const END: u64 = 4096;

/// A log as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its last line that is not blank.
    pub last_line: Option<String>,
}

impl LogSummary {
    /// None if there is no log yet.
    pub(super) fn of(reader: Privilege, path: PathBuf) -> io::Result<Option<Self>> {
        let (size, end) = match end_of(reader, &path, END) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&end);
        let last_line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(String::from);
        Ok(Some(LogSummary { path, size, last_line }))
    }
}

/// The last lines of a log, with their ends, and where in the file they end.
pub fn last_lines(reader: Privilege, path: &Path, count: usize) -> io::Result<(Vec<u8>, u64)> {
    const MOST: u64 = 1 << 20;
    let (size, end) = end_of(reader, path, MOST)?;
    let ends = end.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    // the newline that ends the last line starts no other
    let open_end = usize::from(!end.ends_with(b"\n"));
    let from = ends.into_iter().nth(count.saturating_sub(open_end)).map_or(0, |at| at + 1);
    let lines = if count == 0 { &[] } else { end.get(from..).unwrap_or_default() };
    Ok((lines.to_vec(), size))
}

/// Its size, and at most `most` bytes of its end.
fn end_of(reader: Privilege, path: &Path, most: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut file = File::from(nofollow::open_regular_for(reader, path)?);
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    let mut end = Vec::new();
    file.take(most.min(size)).read_to_end(&mut end)?;
    Ok((size, end))
}
