//! Following a log across rotation and compression.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::log_files::{Form, LogFile, open_all};
use crate::sys::privilege::Privilege;

/// A log from some place on. Each line is read once, as long as the files that it is rotated to are not removed before
/// the next read.
pub struct FollowedLog {
    reader: Privilege,
    path: PathBuf,
    open: Option<Open>,
    /// What has been written after it, the oldest first.
    later: VecDeque<LogFile>,
}

/// The file that is being read.
struct Open {
    file: LogFile,
    bytes: Box<dyn Read>,
    position: u64,
}

impl FollowedLog {
    /// A log that is not there yet, from its start.
    pub fn from_start(reader: Privilege, path: &Path) -> Self {
        FollowedLog { reader, path: path.to_path_buf(), open: None, later: VecDeque::new() }
    }

    /// A log whose newest file has been read as far as it reached when it was opened.
    pub(super) fn after(reader: Privilege, path: &Path, newest: LogFile) -> io::Result<Self> {
        let bytes = match newest.form {
            Form::Plain => newest.bytes()?,
            Form::Compressed => Box::new(io::empty()),
        };
        let position = newest.status.len();
        if newest.form == Form::Plain {
            (&newest.file).seek(SeekFrom::Start(position))?;
        }
        let open = Some(Open { file: newest, bytes, position });
        Ok(FollowedLog { open, ..FollowedLog::from_start(reader, path) })
    }

    /// Reads what comes next; 0 if there is nothing yet. A file that is truncated is read from its start again.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(open) = &mut self.open {
                let count = open.bytes.read(into)?;
                if count > 0 {
                    open.position += count as u64;
                    return Ok(count);
                }
            }
            match self.later.pop_front() {
                Some(file) => self.open = Some(Open { bytes: file.bytes()?, file, position: 0 }),
                None if self.has_more() => {}
                None => return Ok(0),
            }
        }
    }

    /// Whether there is more after the end of the file that is open. A log that cannot be opened now may be later.
    fn has_more(&mut self) -> bool {
        let Ok(current) = LogFile::open(self.reader, &self.path, Form::Plain) else { return false };
        let Some(open) = &mut self.open else {
            let all = open_all(self.reader, &self.path).unwrap_or_default();
            self.later = all.into_iter().flatten().collect();
            self.later.make_contiguous().reverse();
            return !self.later.is_empty();
        };
        if open.file.is(&current.status) {
            let is_truncated = current.status.len() < open.position;
            if is_truncated && (&open.file.file).seek(SeekFrom::Start(0)).is_ok() {
                open.position = 0;
            }
            return current.status.len() > open.position;
        }
        let Ok(read) = open.file.file.metadata() else { return false };
        let all: Vec<LogFile> =
            open_all(self.reader, &self.path).unwrap_or_default().into_iter().flatten().collect();
        let known = all.iter().position(|file| file.is(&read));
        let count = known.unwrap_or_else(|| all.iter().take_while(|file| is_after(file, &read)).count());
        self.later = all.into_iter().take(count).collect();
        self.later.make_contiguous().reverse();
        // it may have grown before it was rotated
        !self.later.is_empty()
    }
}

/// Whether the file was written after one that has no name any more: it was removed, or it was compressed, and then the
/// compressed one has its time.
fn is_after(file: &LogFile, gone: &Metadata) -> bool {
    let time = |status: &Metadata| (status.mtime(), status.mtime_nsec());
    match file.form {
        Form::Plain => time(&file.status) >= time(gone),
        Form::Compressed => time(&file.status) > time(gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn rotate(path: &Path) {
        let numbered = |number: u32| path.with_file_name(format!("a.log.{number}"));
        for number in (1..9).rev() {
            let _ = fs::rename(numbered(number), numbered(number + 1));
        }
        fs::rename(path, numbered(1)).expect("rotated");
    }

    fn compress(path: &Path) {
        let text = fs::read(path).expect("a file");
        let time = fs::metadata(path).and_then(|status| status.modified()).expect("its time");
        let packed = fs::File::create(
            path.with_extension(format!("{}.gz", path.extension().unwrap_or_default().display())),
        );
        let mut packed = flate2::write::GzEncoder::new(packed.expect("a file"), flate2::Compression::fast());
        packed.write_all(&text).expect("written");
        packed.finish().expect("written").set_modified(time).expect("its time");
        fs::remove_file(path).expect("removed");
    }

    fn next(log: &mut FollowedLog) -> String {
        let (mut text, mut part) = (Vec::new(), [0; 64]);
        loop {
            match log.read(&mut part).expect("read") {
                0 => return String::from_utf8(text).expect("text"),
                count => text.extend_from_slice(&part[..count]),
            }
        }
    }

    #[test]
    fn nothing_is_missed_or_read_twice_whatever_becomes_of_the_files() {
        let directory = scratch::directory("follow");
        let path = directory.join("a.log");
        let mut log = FollowedLog::from_start(Privilege::User, &path);
        assert_eq!(next(&mut log), "");
        append(&path, "1\n");
        rotate(&path);
        append(&path, "2\n");
        assert_eq!(next(&mut log), "1\n2\n");
        // more than one rotation between two reads, and what was written last before the first
        append(&path, "3\n");
        rotate(&path);
        append(&path, "4\n");
        rotate(&path);
        assert_eq!(next(&mut log), "3\n");
        append(&path, "5\n");
        assert_eq!(next(&mut log), "4\n5\n");
        // the one that is open is compressed meanwhile
        append(&path, "6\n");
        rotate(&path);
        compress(&path.with_file_name("a.log.1"));
        append(&path, "7\n");
        assert_eq!(next(&mut log), "6\n7\n");
        // truncated, and removed
        fs::write(&path, "").expect("truncated");
        append(&path, "8");
        assert_eq!(next(&mut log), "8");
        fs::remove_file(&path).expect("removed");
        append(&path, "9\n");
        assert_eq!(next(&mut log), "9\n");
        fs::remove_dir_all(&directory).expect("removed");
    }
}
