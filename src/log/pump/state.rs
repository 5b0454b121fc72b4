//! The file NAME.log.pump beside a log that has a pump: its lock is that of the log, its first line the state of its
//! pumps, its second which of them has precedence.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, fstat, stat};
use serde::{Deserialize, Serialize};

use crate::log::beside::{self, Obstacle};
use crate::sys;
use crate::sys::lock::{FileLock, Tried};
use crate::sys::nofollow::{self, Missing};

/// What follows the name of the log.
pub(crate) const SUFFIX: &str = ".pump";
/// Each line has one length: on a full volume it can be written in its place.
const LENGTH: usize = 512;
const LENGTH_OF_CLAIM: usize = 17;
/// A reason is shortened to this.
const LONGEST_REASON: usize = 300;

/// The first line of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PumpState {
    /// Lines of this log that were dropped.
    #[serde(default)]
    pub(crate) dropped: u64,
    /// Why the log cannot be written, or could not until its pump gave up.
    #[serde(default)]
    pub(crate) trouble: Option<String>,
    /// Since when this holds.
    #[serde(default)]
    pub(crate) since: Option<String>,
}

impl PumpState {
    /// Reads the beginning of the file.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next()?).ok()
    }
}

/// Why the file cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::log) enum Unopened {
    /// Its directory.
    #[error("{0}")]
    Directory(#[from] nofollow::PathError),
    /// The file.
    #[error("unable to open its lock '{}': {obstacle}", name.display())]
    File {
        /// Its name.
        name: OsString,
        /// What is in the way.
        obstacle: Obstacle,
    },
}

/// The open file, and the directory of the log.
#[derive(Debug)]
pub(super) struct StateFile {
    directory: OwnedFd,
    /// Of the directory.
    place: (u64, u64),
    name: OsString,
    file: OwnedFd,
    status: FileStat,
}

/// Which file this is.
fn identity(status: &FileStat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

impl StateFile {
    /// Opens that of the log at this absolute path; what is missing is created.
    pub(super) fn open(log: &Path) -> Result<Self, Unopened> {
        let parent = log.parent().unwrap_or(Path::new("/"));
        let directory = nofollow::open_directory(parent, Missing::Create)?;
        let mut name = log.file_name().unwrap_or_default().to_os_string();
        name.push(SUFFIX);
        let refused = |obstacle| Unopened::File { name: name.clone(), obstacle };
        let file = beside::open(&directory, &name).map_err(refused)?;
        let found = |file: &OwnedFd| fstat(file).map_err(|errno| refused(errno.into()));
        let (place, status) = (identity(&found(&directory)?), found(&file)?);
        let state = StateFile { directory, place, name, file, status };
        // space for it is taken now: the volume may be full later
        if usize::try_from(status.st_size).unwrap_or(0) < LENGTH + LENGTH_OF_CLAIM {
            state.write(&PumpState::default());
            state.claim(0);
        }
        Ok(state)
    }

    /// The one to be used from now on: this one, as long as it has its name in the log's directory; none if there is
    /// something else. A log directory that was renamed is used until there can be another.
    pub(super) fn renewed(held: Option<Self>, log: &Path) -> Option<Self> {
        match held {
            Some(state) if state.is_named() && state.is_in_place(log) => Some(state),
            held => StateFile::open(log).ok().or_else(|| held.filter(StateFile::is_named)),
        }
    }

    /// Whether the name still shows this file.
    pub(super) fn is_named(&self) -> bool {
        beside::is_named(&self.directory, &self.name, &self.status)
    }

    /// Whether the log's path still leads to this directory.
    pub(super) fn is_in_place(&self, log: &Path) -> bool {
        stat(log.parent().unwrap_or(Path::new("/"))).is_ok_and(|now| identity(&now) == self.place)
    }

    /// The directory of the log.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    pub(super) fn numbers(&self) -> [RawFd; 2] {
        [&self.directory, &self.file].map(AsRawFd::as_raw_fd)
    }

    /// Takes the lock unless another pump has it. It belongs to the open file: a writer that is killed leaves it to
    /// its keeper.
    pub(super) fn try_lock(&self) -> Result<Tried, Errno> {
        FileLock::try_exclusive(self.file.try_clone().map_err(|_| Errno::EMFILE)?)
    }

    /// From now on the pump of this number has precedence; with 0 none has.
    pub(super) fn claim(&self, number: u64) {
        let _ = nix::sys::uio::pwrite(&self.file, format!("{number:016x}\n").as_bytes(), LENGTH as i64);
    }

    /// Ends the precedence of this number.
    pub(super) fn withdraw(&self, number: u64) {
        if self.claimed() == number {
            self.claim(0);
        }
    }

    /// The number of the pump that has precedence, 0 if none has.
    pub(super) fn claimed(&self) -> u64 {
        let mut text = [0; LENGTH_OF_CLAIM];
        let _ = nix::sys::uio::pread(&self.file, &mut text, LENGTH as i64);
        let digits = std::str::from_utf8(&text).unwrap_or_default().trim_end();
        u64::from_str_radix(digits, 16).unwrap_or(0)
    }

    /// What the pumps of this log have noted.
    pub(super) fn noted(&self) -> PumpState {
        let mut text = [0; LENGTH];
        let _ = nix::sys::uio::pread(&self.file, &mut text, 0);
        PumpState::parse(&text).unwrap_or_default()
    }

    /// Notes that more lines were dropped, and what the trouble is now. A failure is ignored: the log is more
    /// important.
    pub(super) fn note(&self, more_dropped: u64, trouble: Option<&str>) {
        let before = self.noted();
        let trouble: Option<String> = trouble.map(|why| why.chars().take(LONGEST_REASON).collect());
        let since = match trouble == before.trouble {
            true => before.since,
            false => Some(sys::clock::utc_now()),
        };
        self.write(&PumpState { dropped: before.dropped.saturating_add(more_dropped), trouble, since });
    }

    fn write(&self, state: &PumpState) {
        let Ok(mut text) = serde_json::to_vec(state) else { return };
        if let (true, Some(why)) = (text.len() >= LENGTH, &state.trouble) {
            let shorter: String = why.chars().take(why.chars().count() / 2).collect();
            return self.write(&PumpState { trouble: Some(shorter), ..state.clone() });
        }
        text.resize(LENGTH, b' ');
        if let Some(last) = text.last_mut() {
            *last = b'\n';
        }
        let _ = nix::sys::uio::pwrite(&self.file, &text, 0);
    }
}

/// The lock of the pumps of the log at this path, where there is one.
pub(in crate::log) fn lock_of(log: &Path) -> Option<OwnedFd> {
    let mut path = log.as_os_str().to_os_string();
    path.push(SUFFIX);
    let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = nofollow::open_directly(Path::new(&path), flags)?;
    let status = fstat(&file).ok()?;
    sys::file::kind_name(sys::file::kind(&status)).is_none().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_pump_has_noted_is_kept_by_the_next() {
        let directory = sys::scratch::directory("state");
        let log = directory.join("a.log");
        let first = StateFile::open(&log).expect("opened");
        assert_eq!((first.noted(), first.claimed()), (PumpState::default(), 0));
        first.claim(7);
        first.note(2, Some(&"é".repeat(400)));
        let second = StateFile::open(&log).expect("opened");
        let noted = second.noted();
        assert_eq!((noted.dropped, noted.trouble, second.claimed()), (2, Some("é".repeat(150)), 7));
        second.note(3, None);
        assert_eq!((first.noted().dropped, first.noted().trouble), (5, None));
        second.withdraw(8);
        assert_eq!(first.claimed(), 7);
        first.withdraw(7);
        assert_eq!(second.claimed(), 0);
        std::fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn a_lock_that_is_removed_or_whose_directory_is_renamed_is_opened_again() {
        let directory = sys::scratch::directory("state");
        let log = directory.join("logs/a.log");
        let held = StateFile::open(&log).expect("opened");
        let old = held.status.st_ino;
        let held = StateFile::renewed(Some(held), &log).expect("the same");
        assert_eq!(held.status.st_ino, old);
        std::fs::rename(directory.join("logs"), directory.join("aside")).expect("renamed");
        assert!(held.is_named() && !held.is_in_place(&log));
        let held = StateFile::renewed(Some(held), &log).expect("another");
        assert!(held.is_named() && held.is_in_place(&log));
        std::fs::remove_file(directory.join("logs/a.log.pump")).expect("removed");
        assert!(!held.is_named());
        std::fs::create_dir(directory.join("logs/a.log.pump")).expect("a directory");
        assert!(StateFile::renewed(Some(held), &log).is_none());
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
