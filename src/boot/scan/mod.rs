//! The scan directory: opened without following user-owned links, and changed by one run at a time.
//!
//! Four modules need only the open directory: its owner (`ownership`), the holder of a lock (`supervised`), the state
//! reported by a supervisor ([`run_state`]), and s6-svscan's control FIFO (`svscan`). The others implement the
//! operations of [`ScanDirectory`].

mod apply;
mod handover;
mod hardening;
pub mod legacy;
mod notify;
mod orders;
mod ownership;
pub mod predecessor;
mod prune;
pub mod run_state;
pub(super) mod supervised;
mod svscan;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::choice::Intent;
use super::directory::{Directory, MAX_NAMES, StepError};
use super::part::Part;
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::service::layout;
use crate::sys::nofollow::{self, Missing, PathError};
use run_state::RunState;
use supervised::Holder;

/// The lock file, which only root can open. A lock on the directory itself could be held by any user who can read it.
const LOCK: &str = ".futo-lock";
/// The prefix of a service directory in preparation.
const STAGING: &str = ".futo-new-";
/// The prefix of a removed service directory, which may still have a supervisor.
const GONE: &str = ".futo-gone-";
/// The interval of checks for a supervisor.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Why the scan directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It cannot be opened.
    #[error("unable to open the scan directory: {0}")]
    Path(PathError),
    /// Users who can write it could make root run their programs.
    #[error("the scan directory '{}' is writable by non-root users", .0.display())]
    NotRootOwned(PathBuf),
    /// It contains entries not created by root that s6-svscan has not picked up yet.
    #[error(
        "the scan directory '{}' contains entries not created by root that s6-svscan would execute or obey as root: {}",
        path.display(),
        names.join(", ")
    )]
    Planted {
        /// The scan directory.
        path: PathBuf,
        /// The names.
        names: Vec<String>,
    },
    /// It cannot be locked.
    #[error("unable to lock '{}': {}", path.display(), reason(*errno))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// An operation failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl Problem for ScanError {
    fn exit(&self) -> Exit {
        Exit::NOTHING_DONE
    }

    fn hint(&self) -> Option<String> {
        match self {
            ScanError::Path(PathError::Refused(_, Errno::ENOENT)) => {
                Some("use --scan-dir DIR to select the directory that s6-svscan watches".to_string())
            }
            // chown would make root execute files created by other users
            ScanError::NotRootOwned(_) | ScanError::Planted { .. } => Some(ownership::REMEDY.to_string()),
            _ => None,
        }
    }
}

/// The scan directory, locked except in a dry run.
#[derive(Debug)]
pub struct ScanDirectory {
    pub(super) directory: Directory,
    pub(super) intent: Intent,
    maker: String,
    /// The sources of this command, as written in markers.
    sources: BTreeSet<String>,
    /// Removed services that still have a supervisor.
    leaving: BTreeSet<String>,
    /// The time limit for the supervisor of a recreated service directory to exit.
    pub patience: Duration,
    /// Warnings, such as leftovers of other runs that could not be removed.
    troubles: RefCell<Findings>,
    /// Whether a link created by an older hook was replaced.
    has_replaced: Cell<bool>,
    _lock: Option<File>,
}

impl ScanDirectory {
    /// Opens it and waits for any other run to finish. `maker` and `sources` identify the directories made by this
    /// command.
    pub fn open(
        path: &Path,
        intent: Intent,
        maker: &str,
        sources: BTreeSet<String>,
    ) -> Result<Self, ScanError> {
        let found = nofollow::open_directory(path, Missing::Refuse).map_err(ScanError::Path)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let refused = |errno| ScanError::Path(PathError::Refused(path.to_path_buf(), errno));
        let fd = openat(&found, ".", flags, Mode::empty()).map_err(refused)?;
        let directory = Directory { fd, shown: path.to_path_buf() };
        let mut troubles = Findings::default();
        if !geteuid().is_root() {
            svscan::warn_of_root(&directory, &mut troubles);
        } else if !ownership::belongs_to_root_alone(&directory) {
            return Err(ScanError::NotRootOwned(path.to_path_buf()));
        }
        let lock = match intent {
            Intent::DryRun => None,
            Intent::Apply => Some(lock(&directory)?),
        };
        // before s6-svscan is notified
        let planted = if geteuid().is_root() { ownership::planted(&directory)? } else { Vec::new() };
        if !planted.is_empty() {
            return Err(ScanError::Planted { path: path.to_path_buf(), names: planted });
        }
        let mut scan = ScanDirectory {
            directory,
            intent,
            maker: maker.to_string(),
            sources,
            leaving: BTreeSet::new(),
            patience: Duration::ZERO,
            troubles: RefCell::new(troubles),
            has_replaced: Cell::new(false),
            _lock: lock,
        };
        scan.sweep()?;
        Ok(scan)
    }

    /// Removes the leftovers of a killed run. A failure is only a warning: they do no harm.
    fn sweep(&mut self) -> Result<(), StepError> {
        for name in self.directory.names(MAX_NAMES)? {
            let Some(name) = name.to_str() else { continue };
            match name.strip_prefix(GONE) {
                Some(service) if self.is_supervised(name) || self.logger_is_supervised(name) => {
                    self.leaving.insert(service.to_string());
                }
                None if !name.starts_with(STAGING) => {}
                _ if self.intent == Intent::DryRun => {}
                _ => {
                    let removed = self.directory.remove_all(OsStr::new(name));
                    self.troubles.get_mut().take(removed);
                }
            }
        }
        // a run that was killed may not have notified it
        if self.intent == Intent::Apply && self.leaving.iter().any(|name| self.needs_notice(name)) {
            let notified = svscan::notify(&self.directory, b"an");
            self.troubles.get_mut().take(notified);
        }
        Ok(())
    }

    /// Whether the supervisor of a removed service has not been notified of the removal. A second notification would
    /// send its process a second TERM, which many programs treat as a request to exit immediately.
    fn needs_notice(&self, name: &str) -> bool {
        let knows_nothing = |part: Part| {
            let gone = self.open_following_links(&format!("{GONE}{name}"));
            let state = gone.and_then(|gone| RunState::of(&gone, part));
            state.is_none_or(|state| !state.has_process || state.is_wanted_up)
        };
        let gone = format!("{GONE}{name}");
        (self.is_supervised(&gone) && knows_nothing(Part::Service))
            || (self.logger_is_supervised(&gone) && knows_nothing(Part::Logger))
    }

    /// A warning about entries that root executes and other users can write; `is_known` filters out entries that have
    /// already been reported.
    pub fn not_owned_by_root(&self, is_known: impl Fn(&String) -> bool) -> Findings {
        ownership::not_owned_by_root(&self.directory, is_known)
    }

    /// The warnings.
    pub fn troubles(&self) -> Findings {
        self.troubles.borrow().clone()
    }

    /// All names that s6-svscan picks up.
    pub fn names(&self) -> Result<BTreeSet<String>, StepError> {
        let names = self.directory.names(MAX_NAMES)?;
        Ok(names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect())
    }

    /// Whether the directory with this name has a supervisor.
    pub fn is_supervised(&self, name: &str) -> bool {
        self.open_following_links(name).is_some_and(|directory| supervised::is_supervised(&directory))
    }

    /// The holder of the lock that the supervisor of this service directory takes.
    pub(super) fn lock_holder(&self, name: &str) -> Holder {
        self.open_following_links(name).map_or(Holder::None, |directory| supervised::lock_holder(&directory))
    }

    fn logger_is_supervised(&self, name: &str) -> bool {
        let log = self
            .open_following_links(name)
            .and_then(|directory| directory.try_open(layout::LOG.as_ref()).ok());
        log.is_some_and(|log| supervised::is_supervised(&log))
    }

    /// Opens the directory with this name, or the target of a link if no user-owned link is involved.
    pub(super) fn open_following_links(&self, name: &str) -> Option<Directory> {
        let name = OsStr::new(name);
        if let Ok(directory) = self.directory.try_open(name) {
            return Some(directory);
        }
        let target = readlinkat(&self.directory.fd, name).ok()?;
        let found = nofollow::open_directory(&self.directory.shown.join(target), Missing::Refuse).ok()?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(&found, ".", flags, Mode::empty()).ok()?;
        Some(Directory { fd, shown: self.directory.shown.join(name) })
    }
}

/// Takes the lock. It is held until the file is closed.
fn lock(directory: &Directory) -> Result<File, ScanError> {
    let refused = |errno| ScanError::Lock { path: directory.shown.join(LOCK), errno };
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let open = || openat(&directory.fd, LOCK, flags, Mode::from_bits_truncate(0o600));
    let mut file = open();
    let is_ours = |file: &OwnedFd| fstat(file).is_ok_and(|status| status.st_uid == geteuid().as_raw());
    if !file.as_ref().is_ok_and(is_ours) {
        // a user who could write here earlier may have created it, and may hold the lock forever
        match unlinkat(&directory.fd, LOCK, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(refused(errno)),
        }
        file = open();
    }
    let file = File::from(file.map_err(refused)?);
    loop {
        match file.lock() {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))),
        }
    }
}
