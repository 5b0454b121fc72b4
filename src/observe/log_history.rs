//! The last lines of a log, and those since a time, across the files that it was rotated to. Memory is bounded.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::SystemTime;

use nix::errno::Errno;

use super::log_files::open_all;
use super::log_follow::FollowedLog;
use crate::log::time_of_line;
use crate::sys::privilege::Privilege;

/// At most this much of the end of a file is shown by its lines, in bytes.
const MOST: usize = 1 << 20;
/// The same of all files.
const MOST_OF_ALL: usize = 16 << 20;
/// A longer line is read in pieces.
const LONGEST_LINE: u64 = 1 << 20;

/// The last lines of a log, with their ends, and the log from there on. As far as a file has too few, they come from
/// those before it.
pub fn last_lines(reader: Privilege, path: &Path, count: usize) -> io::Result<(Vec<u8>, FollowedLog)> {
    let mut files = open_all(reader, path)?.into_iter();
    let newest = files.next().unwrap_or(Err(Errno::ENOENT.into()))?;
    let (mut lines, mut is_whole) = newest.end(MOST)?;
    for file in files {
        if !is_whole || lines_in(&lines) >= count || lines.len() >= MOST_OF_ALL {
            break;
        }
        let (mut before, is_all) = file?.end(MOST)?;
        is_whole = is_all;
        before.append(&mut lines);
        lines = before;
    }
    let from = start_of_last(&lines, count);
    Ok((lines.split_off(from), FollowedLog::after(reader, path, newest)?))
}

/// Passes on the lines since a time, the oldest first; those without a time belong to the line before. Gives the log
/// from there on, or none if no line has a time. `show` gives whether to go on.
pub fn lines_since(
    reader: Privilege,
    path: &Path,
    since: SystemTime,
    show: &mut dyn FnMut(&[u8]) -> bool,
) -> io::Result<Option<FollowedLog>> {
    let mut files = open_all(reader, path)?.into_iter();
    let newest = files.next().unwrap_or(Err(Errno::ENOENT.into()))?;
    let mut due: Vec<Box<dyn Read>> = vec![Box::new(newest.bytes()?.take(newest.size()))];
    for file in files {
        let file = file?;
        if file.status.modified().is_ok_and(|written| written < since) {
            break;
        }
        due.push(file.bytes()?);
    }
    let (mut has_time, mut is_since, mut is_start) = (false, false, true);
    for file in due.into_iter().rev() {
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        while file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
            if let Some(time) = is_start.then(|| time_of_line(&line)).flatten() {
                has_time = true;
                is_since = time >= since;
            }
            is_start = line.ends_with(b"\n");
            if is_since && !show(&line) {
                return FollowedLog::after(reader, path, newest).map(Some);
            }
            line.clear();
        }
    }
    match has_time {
        true => FollowedLog::after(reader, path, newest).map(Some),
        false => Ok(None),
    }
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
    use std::fs::{self, File};
    use std::io::Write;
    use std::path::PathBuf;
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
        let (lines, _) = last_lines(Privilege::User, path, count).expect("read");
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
    fn a_gap_in_the_numbers_hides_nothing_and_neither_does_a_missing_current_file() {
        let path = log();
        let rename = |from: &str, to: &str| {
            fs::rename(path.with_file_name(from), path.with_file_name(to)).expect("renamed");
        };
        let since = || {
            let mut shown = Vec::new();
            let mut show = |line: &[u8]| {
                shown.extend_from_slice(line);
                true
            };
            lines_since(Privilege::User, &path, UNIX_EPOCH, &mut show).expect("read").expect("times");
            String::from_utf8(shown).expect("text")
        };
        let all = last(&path, 100);
        // a rotation was killed before its last steps
        rename("a.log.2.gz", "a.log.4.gz");
        rename("a.log.1", "a.log.3");
        assert_eq!((last(&path, 100), format!("none\n{}", since())), (all.clone(), all.clone()));
        // nothing has been written since the rotation
        rename("a.log", "a.log.1");
        assert_eq!((last(&path, 100), format!("none\n{}", since())), (all.clone(), all));
    }

    #[test]
    fn what_is_no_file_is_an_error_only_where_it_is_needed() {
        let path = log();
        let obstacle = path.with_file_name("a.log.3");
        fs::create_dir(&obstacle).expect("a directory");
        assert_eq!(last(&path, 1), "six\n");
        let error = last_lines(Privilege::User, &path, 100).map(drop).expect_err("a directory");
        assert!(error.to_string().contains("a.log.3'"), "{error}");
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
            assert!(read.expect("read").is_some());
            String::from_utf8(shown).expect("text")
        };
        assert!(since(0).starts_with("2026-11-25T19:00:01Z one\ntwo\n2026-11-25T19:00:03Z three\n"));
        assert_eq!(since(2), "2026-11-25T19:00:03Z three\nfour\n2026-11-25T19:00:05Z five\nsix\n");
        assert_eq!(since(5), "2026-11-25T19:00:05Z five\nsix\n");
        assert_eq!(since(6), "");
        fs::write(&path, "no time\n").expect("a log");
        for rotated in ["a.log.1", "a.log.2.gz"] {
            fs::remove_file(path.with_file_name(rotated)).expect("removed");
        }
        let none = lines_since(Privilege::User, &path, UNIX_EPOCH, &mut |_| true).expect("read");
        assert!(none.is_none());
    }
}
