//! The state of a service as its supervisor records it in `supervise/`, read with a size limit and decoded into one
//! form for s6, runit and daemontools. Fields that a suite does not write are `None`. All code that reads the state
//! of a service uses [`Status::read`].

mod djb;
mod s6;
mod status;

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;

pub use status::{Cause, Death, Malformed, Status, Suite};

use super::layout;
use crate::error::reason_of;
use crate::sys;

/// The longest status that is read, in bytes.
const MAX_STATUS: usize = s6::STATUS_LENGTH_2_13;

/// Why a supervisor's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// It cannot be read.
    #[error("{}", reason_of(.0))]
    Read(#[from] io::Error),
    /// It cannot be decoded.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl StatusError {
    /// The system's error number, if it gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            StatusError::Read(error) => error.raw_os_error().map(Errno::from_raw),
            StatusError::Malformed(_) => None,
        }
    }

    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, StatusError::Read(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Status {
    /// Reads `status` in an open `supervise/`.
    pub fn read(supervise: impl AsFd) -> Result<Self, StatusError> {
        Ok(Status::decode(&read(supervise, layout::STATUS, MAX_STATUS)?)?)
    }

    /// Decodes the status of any supervisor, which its length identifies.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match bytes.len() {
            s6::STATUS_LENGTH | s6::STATUS_LENGTH_2_13 => s6::decode(bytes),
            djb::RUNIT_LENGTH => djb::decode_runit(bytes),
            djb::DAEMONTOOLS_LENGTH => djb::decode_daemontools(bytes),
            length => Err(Malformed::Length(length)),
        }
    }
}

/// Reads `death_tally` in an open `supervise/` of s6, oldest death first.
pub fn read_tally(supervise: impl AsFd) -> Result<Vec<Death>, StatusError> {
    Ok(s6::decode_tally(&read(supervise, layout::DEATH_TALLY, s6::MAX_TALLY)?)?)
}

/// Reads a regular file in `supervise/`. A user may own the directory: links are not followed.
fn read(supervise: impl AsFd, name: &str, most: usize) -> io::Result<Vec<u8>> {
    let file = sys::file::open_regular_at(supervise, Path::new(name), OFlag::O_NOFOLLOW)?;
    sys::file::read_at_most(file, most)
}
