//! A log together with the files that it was rotated to, compressed ones too. They belong to a user: only regular
//! files are read, and memory is bounded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;

use super::log::end_of;
use crate::log::{compressed, numbered, time_of_line};
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// At most this much of the end of a file is shown by its lines, in bytes.
const MOST: usize = 1 << 20;
/// The same of all files.
const MOST_OF_ALL: usize = 16 << 20;
/// A longer line is read in pieces.
const LONGEST_LINE: u64 = 1 << 20;
/// As many rotated files as `--log-keep` can keep.
const MOST_FILES: u32 = 1000;

/// The last lines of a log, with their ends, and where in the current file they end. As far as that has too few, they
/// come from the rotated ones.
pub fn last_lines(reader: Privilege, path: &Path, count: usize) -> io::Result<(Vec<u8>, u64)> {
    let (status, end) = end_of(reader, path, MOST as u64)?;
    let mut is_whole = status.len() <= MOST as u64;
    let mut lines = end;
    let mut number = 0;
    while is_whole && lines_in(&lines) < count && lines.len() < MOST_OF_ALL {
        number += 1;
        let Some(file) = rotated(reader, path, number) else { break };
        let mut before = last_of(file?)?;
        is_whole = before.len() < MOST;
        before.append(&mut lines);
        lines = before;
    }
    let from = start_of_last(&lines, count);
    Ok((lines.split_off(from), status.len()))
}

/// Passes on the lines since a time, the oldest first; those without a time belong to the line before. Gives where
/// they end in the current file, or none if no line has a time. `show` gives whether to go on.
pub fn lines_since(
    reader: Privilege,
    path: &Path,
    since: SystemTime,
    show: &mut dyn FnMut(&[u8]) -> bool,
) -> io::Result<Option<u64>> {
    let current = File::from(nofollow::open_regular_for(reader, path)?);
    let size = current.metadata()?.len();
    let mut files: Vec<Box<dyn Read>> = vec![Box::new(current.take(size))];
    for number in 1..=MOST_FILES {
        let Some(file) = rotated(reader, path, number) else { break };
        let Rotated { file, written } = file?;
        if written.is_some_and(|written| written < since) {
            break;
        }
        files.push(file);
    }
    let (mut has_time, mut is_since, mut is_start) = (false, false, true);
    for file in files.into_iter().rev() {
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        while file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
            if let Some(time) = is_start.then(|| time_of_line(&line)).flatten() {
                has_time = true;
                is_since = time >= since;
            }
            is_start = line.ends_with(b"\n");
            if is_since && !show(&line) {
                return Ok(Some(size));
            }
            line.clear();
        }
    }
    Ok(has_time.then_some(size))
}

/// A rotated file, unpacked where it is compressed.
struct Rotated {
    file: Box<dyn Read>,
    /// When it was written last.
    written: Option<SystemTime>,
}

/// The rotated file of this number; none if there is none.
fn rotated(reader: Privilege, path: &Path, number: u32) -> Option<io::Result<Rotated>> {
    let name = path.file_name().unwrap_or_default();
    let open = |path: PathBuf| nofollow::open_regular_for(reader, &path).map(File::from);
    let written = |file: &File| file.metadata().and_then(|status| status.modified()).ok();
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match open(path.with_file_name(compressed(name, number))) {
        Ok(file) => {
            return Some(Ok(Rotated { written: written(&file), file: Box::new(MultiGzDecoder::new(file)) }));
        }
        Err(error) if is_missing(&error) => {}
        Err(error) => return Some(Err(error)),
    }
    match open(path.with_file_name(numbered(name, number))) {
        Ok(file) => Some(Ok(Rotated { written: written(&file), file: Box::new(file) })),
        Err(error) if is_missing(&error) => None,
        Err(error) => Some(Err(error)),
    }
}

/// The end of a file that can only be read from its start.
fn last_of(rotated: Rotated) -> io::Result<Vec<u8>> {
    let mut file = rotated.file;
    let mut end = Vec::new();
    while file.by_ref().take(MOST as u64).read_to_end(&mut end)? > 0 {
        let surplus = end.len().saturating_sub(MOST);
        end.drain(..surplus);
    }
    Ok(end)
}

fn lines_in(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// Where the last lines start.
fn start_of_last(bytes: &[u8], count: usize) -> usize {
    if count == 0 {
        return bytes.len();
    }
    // the newline that ends the last line starts no other
    let open_end = usize::from(!bytes.ends_with(b"\n"));
    memchr::memrchr_iter(b'\n', bytes).nth(count - open_end).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;
    use std::fs;
    use std::io::Write;
    use std::time::{Duration, UNIX_EPOCH};

    fn log() -> PathBuf {
        let path = scratch::directory("history").join("a.log");
        fs::write(&path, "2026-11-25T19:00:05Z five\nsix\n").expect("a log");
        fs::write(path.with_file_name("a.log.1"), "2026-11-25T19:00:03Z three\nfour\n").expect("a log");
        let packed = File::create(path.with_file_name("a.log.2.gz")).expect("a file");
        let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
        packed.write_all(b"none\n2026-11-25T19:00:01Z one\ntwo\n").expect("written");
        packed.finish().expect("written");
        path
    }

    fn last(path: &Path, count: usize) -> String {
        let (lines, size) = last_lines(Privilege::User, path, count).expect("read");
        assert_eq!(size, 30);
        String::from_utf8(lines).expect("text")
    }

    #[test]
    fn the_last_lines_are_taken_from_rotated_files_too() {
        let path = log();
        assert_eq!(last(&path, 0), "");
        assert_eq!(last(&path, 1), "six\n");
        assert_eq!(last(&path, 3), "four\n2026-11-25T19:00:05Z five\nsix\n");
        assert!(last(&path, 5).starts_with("two\n"));
        assert!(last(&path, 100).starts_with("none\n"));
    }

    #[test]
    fn a_line_without_a_time_belongs_to_the_one_before() {
        let path = log();
        let since = |seconds: u64| {
            let mut shown = Vec::new();
            let time = UNIX_EPOCH + Duration::from_secs(1_795_633_200 + seconds);
            let read = lines_since(Privilege::User, &path, time, &mut |line| {
                shown.extend_from_slice(line);
                true
            });
            assert_eq!(read.expect("read"), Some(30));
            String::from_utf8(shown).expect("text")
        };
        assert!(since(0).starts_with("2026-11-25T19:00:01Z one\ntwo\n2026-11-25T19:00:03Z three\n"));
        assert_eq!(since(2), "2026-11-25T19:00:03Z three\nfour\n2026-11-25T19:00:05Z five\nsix\n");
        assert_eq!(since(5), "2026-11-25T19:00:05Z five\nsix\n");
        assert_eq!(since(6), "");
        fs::write(&path, "no time\n").expect("a log");
        fs::remove_file(path.with_file_name("a.log.1")).expect("removed");
        let none = lines_since(Privilege::User, &path, UNIX_EPOCH, &mut |_| true).expect("read");
        assert_eq!(none, None);
    }
}
