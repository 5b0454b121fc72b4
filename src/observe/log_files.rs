//! The files of a log, opened at one moment: the current one, and those that it was rotated to, compressed ones too.
//! They belong to a user: only regular files are read.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use nix::errno::Errno;

use crate::error::reason_of;
use crate::log::{compressed, lock_names, numbered};
use crate::sys::nofollow::{self, Missing};
use crate::sys::privilege::Privilege;

/// As many rotated files as `--log-keep` can keep.
const MOST_FILES: u32 = 1000;

/// An open file of a log.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) file: File,
    pub(super) form: Form,
    /// As it was when it was opened.
    pub(super) status: Metadata,
}

/// How its lines are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Compressed,
}

impl LogFile {
    pub(super) fn open(reader: Privilege, path: &Path, form: Form) -> io::Result<Self> {
        let file = File::from(nofollow::open_regular_for(reader, path)?);
        let status = file.metadata()?;
        Ok(LogFile { file, form, status })
    }

    /// Whether it is this file, whatever its name is by now.
    pub(super) fn is(&self, other: &Metadata) -> bool {
        (self.status.dev(), self.status.ino()) == (other.dev(), other.ino())
    }

    /// Its bytes, unpacked: of a plain file from where it has been read to.
    pub(super) fn bytes(&self) -> io::Result<Box<dyn Read>> {
        let file = self.file.try_clone()?;
        Ok(match self.form {
            Form::Plain => Box::new(file),
            Form::Compressed => Box::new(MultiGzDecoder::new(file)),
        })
    }

    /// How many bytes it had when it was opened; as many as there are in one that does not grow.
    pub(super) fn size(&self) -> u64 {
        match self.form {
            Form::Plain => self.status.len(),
            Form::Compressed => u64::MAX,
        }
    }

    /// Its last bytes, at most this many, and whether they are all; of a plain file as it was when it was opened.
    pub(super) fn end(&self, most: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut end = Vec::new();
        if self.form == Form::Plain {
            let length = self.status.len();
            let from = length.saturating_sub(most as u64);
            (&self.file).seek(SeekFrom::Start(from))?;
            (&self.file).take(length - from).read_to_end(&mut end)?;
            return Ok((end, from == 0));
        }
        let mut bytes = self.bytes()?;
        let mut is_whole = true;
        while bytes.by_ref().take(most as u64).read_to_end(&mut end)? > 0 {
            let surplus = end.len().saturating_sub(most);
            is_whole &= surplus == 0;
            end.drain(..surplus);
        }
        Ok((end, is_whole))
    }
}

/// The files of a log, the newest first; what is wrong with a rotated one is an error in its place. A rotation that was
/// killed may have left a gap in their numbers. Right after a rotation there is no current file. The lock of those that
/// rename them is held meanwhile: no file is missed, and none is there twice.
pub(super) fn open_all(reader: Privilege, path: &Path) -> io::Result<Vec<io::Result<LogFile>>> {
    let directory = directory_of(reader, path);
    let _lock = directory.as_ref().and_then(lock_names);
    let mut files = Vec::new();
    match LogFile::open(reader, path, Form::Plain) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => files.push(Ok(opened?)),
    }
    for number in 1..=MOST_FILES {
        let Some(opened) = rotated(reader, path, number) else { continue };
        // where the lock cannot be held, a file may meanwhile be renamed from one number to the next
        let is_same = |other: &LogFile| opened.as_ref().is_ok_and(|opened| opened.is(&other.status));
        if !files.iter().flatten().any(is_same) {
            files.push(opened);
        }
    }
    match files.is_empty() {
        true => Err(Errno::ENOENT.into()),
        false => Ok(files),
    }
}

/// The rotated file of this number; none if there is none. Of both forms the compressed one is complete.
fn rotated(reader: Privilege, path: &Path, number: u32) -> Option<io::Result<LogFile>> {
    let name = path.file_name().unwrap_or_default();
    let open = |name: &OsStr, form: Form| {
        let path = path.with_file_name(name);
        path.symlink_metadata().ok()?;
        match LogFile::open(reader, &path, form) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let text = format!("unable to read '{}': {}", path.display(), reason_of(&error));
                Some(Err(io::Error::new(error.kind(), text)))
            }
            opened => Some(opened),
        }
    };
    match (open(&compressed(name, number), Form::Compressed), open(&numbered(name, number), Form::Plain)) {
        (None | Some(Err(_)), Some(Ok(plain))) => Some(Ok(plain)),
        (None, plain) => plain,
        (compressed, _) => compressed,
    }
}

/// The directory of a log, found as the log is.
fn directory_of(reader: Privilege, path: &Path) -> Option<OwnedFd> {
    let parent = path.parent().unwrap_or(Path::new(""));
    match reader {
        Privilege::Root => nofollow::open_directory(parent, Missing::Refuse).ok(),
        Privilege::User => File::open(parent).ok().map(OwnedFd::from),
    }
}
