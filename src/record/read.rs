//! Reading a record, whose owner is untrusted: only a regular file of limited size, following no links.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode};

use super::form::RunRecord;
use crate::plan::Plan;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// The maximum size of a record, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Neither HOME nor `--state-dir` is set.
    #[error("no state directory: HOME is not set")]
    NoDirectory,
    /// Its directory cannot be opened.
    #[error("{0}")]
    Directory(#[from] PathError),
    /// The file cannot be opened, read or replaced.
    #[error("{}", crate::error::reason(*.0))]
    File(#[from] Errno),
    /// The file is not a record.
    #[error("{0}")]
    Content(String),
}

impl RecordError {
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self {
            RecordError::Directory(PathError::Refused(_, errno)) | RecordError::File(errno) => Some(*errno),
            RecordError::NoDirectory | RecordError::Directory(_) | RecordError::Content(_) => None,
        }
    }
}

/// The names of the files of a service in its state directory: the record, and the history of runs.
pub(crate) fn file_names(service: &str) -> [String; 2] {
    [format!("{service}.json"), format!("{service}.runs")]
}

/// The record of a service, if there is one, and the uid of its owner.
pub(crate) fn read(directory: &Path, name: &str) -> Result<Option<(RunRecord, u32)>, RecordError> {
    let [record, _] = file_names(name);
    let Some((file, status)) = open_file(directory, &record)? else { return Ok(None) };
    let content = |error: io::Error| RecordError::Content(error.to_string());
    let bytes = sys::file::read_at_most(file, MAX_BYTES).map_err(content)?;
    // serde's message would quote the content
    let not_so = |error: serde_json::Error| {
        RecordError::Content(format!(
            "it is not a run record: line {}, column {}",
            error.line(),
            error.column()
        ))
    };
    let record = serde_json::from_slice(&bytes).map_err(not_so)?;
    Ok(Some((record, status.st_uid)))
}

/// Opens a regular file of a state directory, if there is one, and has its status.
pub(super) fn open_file(directory: &Path, name: &str) -> Result<Option<(OwnedFd, FileStat)>, RecordError> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = match nofollow::open_directly(&directory.join(name), flags) {
        Some(file) => Ok(file),
        None => match nofollow::open_directory(directory, Missing::Refuse) {
            Err(PathError::Refused(_, Errno::ENOENT)) => return Ok(None),
            directory => openat(directory?, name, flags, Mode::empty()),
        },
    };
    let file = match opened {
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(RecordError::Content("it is a symbolic link".to_string())),
        file => file?,
    };
    let status = nix::sys::stat::fstat(&file)?;
    if let Some(what) = sys::file::kind_name(sys::file::kind(&status)) {
        return Err(RecordError::Content(format!("it is {what}, not a regular file")));
    }
    Ok(Some((file, status)))
}

/// Whether the record has the service as resting.
pub(crate) fn is_recorded_as_resting(plan: &Plan) -> bool {
    read_of(plan).ok().flatten().is_some_and(|record| record.resting.is_some())
}

/// The record of the plan's service, if there is one.
pub(super) fn read_of(plan: &Plan) -> Result<Option<RunRecord>, RecordError> {
    let directory = plan.state_dir.as_ref().ok_or(RecordError::NoDirectory)?;
    Ok(read(directory, plan.name.as_str())?.map(|(record, _)| record))
}
