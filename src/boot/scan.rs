//! The scan directory: opened without following a user's link, one run at a time, s6-svscan told.

mod handover;
mod hardening;
mod legacy;
mod supervised;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
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
use super::delegate;
use super::desired::{Author, Desired};
use super::directory::{Directory, StepError};
use super::handed_over;
use super::life::Life;
use super::slot::{self, Change, Slot, SlotError};
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::service::layout;
use crate::sys::clock::BootTime;
use crate::sys::nofollow::{self, Missing, PathError};
pub use legacy::Legacy;

/// Root's alone. A lock on the directory itself could be held by anybody who may read it.
const LOCK: &str = ".futo-lock";
/// A service directory that is being made.
const STAGING: &str = ".futo-new-";
/// One that was taken away.
pub(super) const GONE: &str = ".futo-gone-";
/// Where s6-svscan listens, for messages.
const SVSCAN_CONTROL: &str = ".s6-svscan/control";
/// How often a supervisor is looked for.
const LOOKS_EVERY: Duration = Duration::from_millis(10);
/// s6-svscan takes up one service after the other; after so long without another one it takes up no more.
const TAKES_UP: Duration = Duration::from_secs(2);
/// More names than this are not taken.
pub(super) const MOST_NAMES: usize = 100_000;

/// Why the scan directory cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It cannot be reached.
    #[error("unable to open the scan directory: {0}")]
    Path(PathError),
    /// Whoever can write there has root run his programs.
    #[error("the scan directory '{}' can be written by others than root", .0.display())]
    NotRoots(PathBuf),
    /// What s6-svscan has not taken up yet, and others than root have made.
    #[error(
        "in the scan directory '{}' s6-svscan would execute or obey as root what root has not made: {}",
        path.display(),
        names.join(", ")
    )]
    Planted {
        /// The scan directory.
        path: PathBuf,
        /// The names.
        names: Vec<String>,
    },
    /// The lock.
    #[error("unable to lock '{}': {}", path.display(), reason(*errno))]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// A step failed.
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
                Some("the supervisor's directory; --scan-dir DIR names another one".to_string())
            }
            // another owner for it would have root execute what is in it
            ScanError::NotRoots(_) | ScanError::Planted { .. } => Some(handed_over::REMEDY.to_string()),
            _ => None,
        }
    }
}

/// The scan directory, locked unless it is only looked at.
#[derive(Debug)]
pub struct ScanDirectory {
    pub(super) directory: Directory,
    pub(super) intent: Intent,
    maker: String,
    /// Where what this command makes here comes from, as the markers name it.
    sources: BTreeSet<String>,
    /// Services that were taken away and whose supervisors are still at work.
    leaving: BTreeSet<String>,
    /// How long the supervisor of a service directory that is recreated is waited for.
    pub patience: Duration,
    /// What could not be done about leavings of other runs, and what a change does not reach: warnings.
    troubles: RefCell<Findings>,
    /// A link of an older hook was.
    has_replaced: Cell<bool>,
    _lock: Option<File>,
}

impl ScanDirectory {
    /// Opens it and waits for any other run. `maker` and `sources` tell the directories that this command
    /// made from those of others.
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
            handed_over::warn_of_root(&directory, &mut troubles);
        } else if !handed_over::is_roots_alone(&directory) {
            return Err(ScanError::NotRoots(path.to_path_buf()));
        }
        let lock = match intent {
            Intent::Look => None,
            Intent::Apply => Some(lock(&directory)?),
        };
        // before s6-svscan is notified of anything
        let planted = if geteuid().is_root() { handed_over::planted(&directory)? } else { Vec::new() };
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

    /// Removes what a killed run has left. What cannot be removed is in nobody's way.
    fn sweep(&mut self) -> Result<(), StepError> {
        for name in self.directory.names(MOST_NAMES)? {
            let Some(name) = name.to_str() else { continue };
            match name.strip_prefix(GONE) {
                Some(service) if self.is_supervised(name) || self.logger_is_supervised(name) => {
                    self.leaving.insert(service.to_string());
                }
                None if !name.starts_with(STAGING) => {}
                _ if self.intent == Intent::Look => {}
                _ => {
                    let removed = self.directory.remove_all(OsStr::new(name));
                    self.troubles.get_mut().take(removed);
                }
            }
        }
        // a run that was killed may not have said so
        if self.intent == Intent::Apply && self.leaving.iter().any(|name| self.is_to_be_told(name)) {
            let told = self.tell_svscan(b"an");
            self.troubles.get_mut().take(told);
        }
        Ok(())
    }

    /// Whether a service that was taken away knows nothing of it. Being told means another TERM for its
    /// process, which may take that for haste.
    fn is_to_be_told(&self, name: &str) -> bool {
        let knows_nothing = |below: &str| {
            let gone = self.behind(&format!("{GONE}{name}"));
            let life = gone.and_then(|gone| Life::of(&gone, below));
            life.is_none_or(|life| !life.has_process || life.is_wanted_up)
        };
        let gone = format!("{GONE}{name}");
        (self.is_supervised(&gone) && knows_nothing(""))
            || (self.logger_is_supervised(&gone) && knows_nothing("log/"))
    }

    /// Makes a service directory what it should be; in a dry run only tells what that would be.
    pub fn apply(&self, desired: Desired) -> Result<Change, SlotError> {
        let name = desired.name.clone();
        let name = name.as_str();
        match slot::look(&self.directory, name, &self.maker)? {
            // there would be a second copy of it
            Slot::Absent if self.leaving.contains(name) => {
                self.kill_squatter(&desired)?;
                Err(SlotError::StillSupervised { name: name.to_string() })
            }
            Slot::Absent => {
                if self.intent == Intent::Apply {
                    slot::publish(&self.directory, &format!("{STAGING}{name}"), &desired, &self.maker)?;
                }
                Ok(Change::Published)
            }
            Slot::Foreign(what) => Err(SlotError::Foreign { name: name.to_string(), what }),
            Slot::Ours(_, marker) if !self.sources.contains(&marker.source) => {
                let what = format!("was made from another directory, {}", marker.source);
                Err(SlotError::Foreign { name: name.to_string(), what })
            }
            Slot::Ours(_, marker) if marker.author.is_some_and(|author| author != desired.author) => {
                self.recreate(&desired)
            }
            Slot::Ours(present, marker) => {
                let mut desired = desired;
                // its supervisor stays until the service's own leaves, and would look for it each second
                if !desired.files.has_logger() && self.logger_is_supervised(name) {
                    slot::keep_logger(&present, &mut desired.files)?;
                }
                if slot::is_right(&present, &marker, &desired)? {
                    return Ok(Change::Unchanged);
                }
                if self.intent == Intent::Apply {
                    let before = delegate::group_in_control(&present)?;
                    slot::update(&present, &desired, &self.maker)?;
                    self.note_open_descriptors(name, before, desired.delegation);
                }
                Ok(Change::Updated)
            }
        }
    }

    /// What to warn of.
    pub fn troubles(&self) -> Findings {
        self.troubles.borrow().clone()
    }

    /// The service directories that this command made for `author`, and the bytes of their files. Of those
    /// that will be pruned `stays` says so.
    pub fn taken(
        &self,
        author: Author,
        stays: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, usize>, StepError> {
        let mut taken = BTreeMap::new();
        for name in self.names()?.into_iter().filter(|name| stays(name)) {
            match slot::look(&self.directory, &name, &self.maker)? {
                Slot::Ours(_, marker) if marker.author == Some(author) => {
                    taken.insert(name, marker.bytes);
                }
                _ => {}
            }
        }
        Ok(taken)
    }

    /// All names that s6-svscan would take up.
    pub fn names(&self) -> Result<BTreeSet<String>, StepError> {
        let names = self.directory.names(MOST_NAMES)?;
        Ok(names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect())
    }

    /// Of all service directories that this command made, those whose names are not in `wanted`, and their
    /// sources; also those that were taken away before and have not left yet.
    pub fn others(&self, wanted: &BTreeSet<String>) -> Result<Vec<(String, String)>, StepError> {
        let mut others = Vec::new();
        let names = self.names()?;
        for name in names.union(&self.leaving).filter(|name| !wanted.contains(*name)) {
            let present = if names.contains(name) { name.clone() } else { format!("{GONE}{name}") };
            match slot::look(&self.directory, &present, &self.maker)? {
                Slot::Ours(_, marker) if self.sources.contains(&marker.source) => {
                    others.push((name.clone(), marker.source));
                }
                _ => {}
            }
        }
        Ok(others)
    }

    /// Whether a service that is published has its logger only from the next start on: one that has come
    /// since its supervisor began, or one that has gone.
    pub fn logger_waits(&self, name: &str, has_logger: bool) -> bool {
        self.is_supervised(name) && self.logger_is_supervised(name) != has_logger
    }

    /// Whether a service directory of this name is one that this command made.
    pub fn is_ours(&self, name: &str) -> bool {
        let looked = slot::look(&self.directory, name, &self.maker);
        matches!(looked, Ok(Slot::Ours(_, marker)) if self.sources.contains(&marker.source))
    }

    /// Takes service directories away, whose supervisors then leave, and removes them. One whose
    /// supervisor takes too long is left under its dot name for the next run.
    pub fn prune(
        &self,
        names: &[String],
        patience: Duration,
        failures: &mut Findings,
    ) -> Vec<(String, Result<Change, SlotError>)> {
        if self.intent == Intent::Look {
            return names.iter().map(|name| (name.clone(), Ok(Change::Pruned))).collect();
        }
        let take_away = |name: &String| {
            let gone = format!("{GONE}{name}");
            let renamed = match self.directory.status(name) {
                Ok(None) if self.leaving.contains(name) => Ok(()),
                _ if self.leaving.contains(name) => Err(SlotError::StillSupervised { name: name.clone() }),
                _ => self.directory.rename(name, &gone).map_err(SlotError::from),
            };
            (name.clone(), gone, renamed)
        };
        let renamed: Vec<_> = names.iter().map(take_away).collect();
        if names.iter().any(|name| !self.leaving.contains(name)) {
            failures.take(self.tell_svscan(b"an"));
        }
        let deadline = BootTime::now().after(patience);
        let finish = |(name, gone, renamed): (String, String, Result<(), SlotError>)| {
            let removed = renamed.and_then(|()| self.remove_gone(&name, &gone, deadline));
            (name, removed)
        };
        renamed.into_iter().map(finish).collect()
    }

    fn remove_gone(&self, name: &str, gone: &str, deadline: BootTime) -> Result<Change, SlotError> {
        while self.is_supervised(gone) || self.logger_is_supervised(gone) {
            if BootTime::now() >= deadline {
                return Err(SlotError::StillSupervised { name: name.to_string() });
            }
            crate::sys::clock::pause(LOOKS_EVERY);
        }
        self.directory.remove_all(OsStr::new(gone))?;
        Ok(Change::Pruned)
    }

    /// Whether a supervisor is at work in the directory of this name.
    pub fn is_supervised(&self, name: &str) -> bool {
        self.behind(name).is_some_and(|directory| supervised::is_supervised(&directory))
    }

    /// The process of another user that keeps a supervisor from starting here; none if there is no such
    /// process.
    pub fn stranger_with_lock(&self, name: &str) -> Option<Option<i32>> {
        match supervised::lock_holder(&self.behind(name)?) {
            supervised::Holder::Stranger(pid) => Some(pid),
            supervised::Holder::Nobody | supervised::Holder::Supervisor => None,
        }
    }

    fn logger_is_supervised(&self, name: &str) -> bool {
        let log = self.behind(name).and_then(|directory| directory.try_open(layout::LOG.as_ref()).ok());
        log.is_some_and(|log| supervised::is_supervised(&log))
    }

    /// The directory of this name; of a link, what it leads to without a user's link on the way.
    pub(super) fn behind(&self, name: &str) -> Option<Directory> {
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

    /// Tells s6-svscan to look again, also where nothing is new now: a run that was killed may not have
    /// said so. Gives those of `names` that it does not take up.
    pub fn tell_of(&self, names: &[&str], patience: Duration) -> Result<BTreeSet<String>, StepError> {
        let commands = if self.has_replaced.get() { b"an".as_slice() } else { b"a" };
        if self.intent == Intent::Look || self.tell_svscan(commands)? == Listener::Nobody {
            return Ok(BTreeSet::new());
        }
        let patience = patience.min(TAKES_UP);
        let mut missing: BTreeSet<String> =
            names.iter().filter(|name| !self.is_supervised(name)).map(ToString::to_string).collect();
        let mut deadline = BootTime::now().after(patience);
        while !missing.is_empty() && BootTime::now() < deadline {
            crate::sys::clock::pause(LOOKS_EVERY);
            let before = missing.len();
            missing.retain(|name| !self.is_supervised(name));
            if missing.len() < before {
                deadline = BootTime::now().after(patience);
            }
        }
        Ok(missing)
    }

    /// Tells s6-svscan, if there is one: `a` to look again, `n` to end the supervisors of what has gone.
    fn tell_svscan(&self, commands: &[u8]) -> Result<Listener, StepError> {
        let written = match handed_over::open_control(&self.directory) {
            // it looks by itself when it starts
            Err(Errno::ENOENT | Errno::ENXIO) => return Ok(Listener::Nobody),
            opened => opened.and_then(|control| nix::unistd::write(&control, commands)),
        };
        match written {
            Ok(_) => Ok(Listener::Svscan),
            Err(errno) => Err(self.directory.refused_to("write to", SVSCAN_CONTROL, errno)),
        }
    }
}

/// Who has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listener {
    /// s6-svscan.
    Svscan,
    /// It does not run.
    Nobody,
}

/// Held until the file is closed.
fn lock(directory: &Directory) -> Result<File, ScanError> {
    let refused = |errno| ScanError::Lock { path: directory.shown.join(LOCK), errno };
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let open = || openat(&directory.fd, LOCK, flags, Mode::from_bits_truncate(0o600));
    let mut file = open();
    let is_ours = |file: &OwnedFd| fstat(file).is_ok_and(|status| status.st_uid == geteuid().as_raw());
    if !file.as_ref().is_ok_and(is_ours) {
        // whoever could write here before could have made it, to hold it for ever
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
