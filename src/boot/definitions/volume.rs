//! The volume: definitions are found and read with the ids of their writers.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::error::DefinitionsError;
use super::files::{DefinitionReader, NotPublished, ReadDefinition};
use super::source::{Foreign, MAX_DEFINITIONS};
use super::time_budget::TimeBudget;
use crate::boot::choice::Hardening;
use crate::boot::directory::{Directory, FileId};
use crate::boot::report::ReportRow;
use crate::error::reason;
use crate::machine::Host;
use crate::machine::Machine;
use crate::service::{ServiceName, layout};
use crate::sys::clock;
use crate::sys::file::kind;
use crate::sys::nofollow::{self, Missing, PathError};
use crate::trust::WritableByOthers;
use crate::trust::account::{AccessError, Account, AccountError};
use crate::trust::writers::{AbcIds, Judge, Provenance, Writers};

/// The settings for reading definitions.
pub(super) struct Volume<'v> {
    abc: Option<&'v Account>,
    /// Looked up before switching to abc's ids.
    judge: Judge,
    foreign: Foreign,
    launcher: &'v str,
    hardening: Hardening,
}

/// A directory of definitions, open and listed.
pub(super) struct OpenSource {
    directory: Directory,
    pub(super) names: Vec<OsString>,
    provenance: Provenance,
}

/// An entry of a directory of definitions.
pub(super) enum Candidate {
    /// Not a definition.
    Nothing,
    /// A directory without `run`: its name, path and writers.
    NoRun(String, PathBuf, Writers),
    /// A definition.
    Definition {
        row: Box<ReportRow>,
        path: PathBuf,
        /// The data needed to publish it; `None` if it has errors.
        publishable: Option<PublishableDefinition>,
    },
}

impl Candidate {
    fn failed(shown: &str, path: PathBuf, error: DefinitionsError) -> Self {
        let mut row = ReportRow::new(shown);
        row.failures.push(error);
        Candidate::Definition { row: Box::new(row), path, publishable: None }
    }
}

/// The data needed to publish a definition.
pub(super) struct PublishableDefinition {
    pub(super) name: ServiceName,
    pub(super) definition: ReadDefinition,
    /// Identifies its directory.
    pub(super) id: FileId,
}

/// The directory of a definition, open.
struct OpenDefinition {
    directory: Directory,
    id: FileId,
    /// The writers of it and its parent directories.
    provenance: Provenance,
}

/// The action of a run script that is not a command of the launcher.
const NOT_LAUNCHER_SCRIPT: &str = "not-ours";

impl<'v> Volume<'v> {
    pub(super) fn new(
        abc: Option<&'v Account>,
        foreign: Foreign,
        launcher: &'v str,
        hardening: Hardening,
    ) -> Self {
        let numbers = |abc: &Account| AbcIds::of(&abc.identity, &Machine);
        let judge = if Machine.is_root() { Judge::Root(abc.map(numbers)) } else { Judge::User };
        Volume { abc, judge, foreign, launcher, hardening }
    }

    /// Opens a source and lists it. Only root-owned links are followed. The writers of a parent directory can write
    /// everything below it.
    pub(super) fn open(&self, source: &Path) -> Result<Result<OpenSource, DefinitionsError>, AccountError> {
        let seen = RefCell::new(Provenance::nothing(self.judge));
        let opened = self.reach(|| {
            seen.replace(Provenance::nothing(self.judge));
            open_directory(source, &seen)
        })?;
        let provenance = seen.into_inner();
        let because = |error| self.others(&provenance, source).unwrap_or(error);
        let fd = match opened {
            Ok(fd) => fd,
            // its owner explains more than a permission error
            Err(PathError::Refused(path, Errno::EACCES)) => {
                return Ok(Err(because(DefinitionsError::Source(PathError::Refused(path, Errno::EACCES)))));
            }
            Err(error) => return Ok(Err(DefinitionsError::Source(error))),
        };
        if provenance.writers != Writers::Root && self.abc.is_none() {
            return Ok(Err(DefinitionsError::NoUser(source.to_path_buf())));
        }
        let directory = Directory { fd, shown: source.to_path_buf() };
        match self.acting_as(provenance.writers, || directory.names(MAX_DEFINITIONS))? {
            Err(error) => Ok(Err(because(DefinitionsError::List(error)))),
            Ok(mut names) => {
                names.sort_unstable();
                Ok(Ok(OpenSource { directory, names, provenance }))
            }
        }
    }

    /// Reads an entry of a source.
    pub(super) fn read_entry(
        &self,
        source: &OpenSource,
        name: &OsStr,
        time: &mut TimeBudget,
    ) -> Result<Candidate, AccountError> {
        let shown = name.to_string_lossy().into_owned();
        if shown.starts_with('.') {
            return Ok(Candidate::Nothing);
        }
        let path = source.directory.shown.join(name);
        let open = match self.open_definition(source, name)? {
            Ok(open) => open,
            Err(errno) => {
                return Ok(match self.why_closed(source, name, errno)? {
                    Some(error) => Candidate::failed(&shown, path, error),
                    None => Candidate::Nothing,
                });
            }
        };
        let writers = open.provenance.writers;
        let run = self.acting_as(writers, || open.directory.status(layout::RUN))?;
        if matches!(run, Ok(None)) {
            // its `run` may be about to be replaced; it is pruned only once the directory is removed
            return Ok(Candidate::NoRun(shown, path, writers));
        }
        let service = match ServiceName::parse(name) {
            Ok(service) => service,
            Err(why) => return Ok(Candidate::failed(&shown, path, DefinitionsError::Name(why))),
        };
        let mut row = ReportRow::new(shown.clone());
        row.service = Some(service.to_string());
        if let Err(error) = time.has_time(writers) {
            row.failures.push(error);
            return Ok(Candidate::Definition { row: Box::new(row), path, publishable: None });
        }
        let place = &source.directory.shown;
        let publishable = match self.read(&open, &service, place, time, &mut row)? {
            Ok(_) if row.has_failed() => None,
            Ok(definition) => Some(PublishableDefinition { name: service, definition, id: open.id }),
            Err(NotPublished::Failed) => None,
            Err(NotPublished::NoRun) => return Ok(Candidate::NoRun(shown, path, writers)),
            Err(NotPublished::NotLauncherScript) => {
                row.action = NOT_LAUNCHER_SCRIPT;
                None
            }
        };
        Ok(Candidate::Definition { row: Box::new(row), path, publishable })
    }

    /// Opens the directory of a definition, and records its writers.
    fn open_definition(
        &self,
        source: &OpenSource,
        name: &OsStr,
    ) -> Result<Result<OpenDefinition, Errno>, AccountError> {
        let open = || source.directory.try_open(name);
        let opened = match source.provenance.writers {
            Writers::Root => self.reach(open)?,
            writers => self.acting_as(writers, open)?,
        };
        let opened = opened.and_then(|directory| fstat(&directory.fd).map(|status| (directory, status)));
        Ok(opened.map(|(directory, status)| {
            let mut provenance = source.provenance.clone();
            provenance.see(&source.directory.shown.join(name), &status);
            OpenDefinition { directory, id: FileId::of(&status), provenance }
        }))
    }

    /// Reads a definition with the ids of its writers, and accounts for the time spent.
    fn read(
        &self,
        open: &OpenDefinition,
        service: &ServiceName,
        place: &Path,
        time: &mut TimeBudget,
        row: &mut ReportRow,
    ) -> Result<Result<ReadDefinition, NotPublished>, AccountError> {
        let reader = DefinitionReader {
            directory: &open.directory,
            name: service,
            provenance: open.provenance.clone(),
            others: &|provenance| self.others(provenance, place),
            foreign: self.foreign,
            launcher: self.launcher,
            hardening: self.hardening,
        };
        let writers = open.provenance.writers;
        let before = clock::processor_time();
        let read = self.acting_as(writers, || reader.read(row))?;
        let spent = clock::processor_time().saturating_sub(before);
        row.failures.take(time.spend(writers, spent));
        Ok(read)
    }

    /// Why an entry could not be opened; `None` if it is not a definition.
    fn why_closed(
        &self,
        source: &OpenSource,
        name: &OsStr,
        errno: Errno,
    ) -> Result<Option<DefinitionsError>, AccountError> {
        let path = source.directory.shown.join(name);
        let refused =
            |reason: String| DefinitionsError::Directory { path: path.display().to_string(), reason };
        let mut provenance = source.provenance.clone();
        let looked = self.acting_as(provenance.writers, || source.directory.try_status(name))?;
        Ok(match looked.map(|status| (kind(&status), status)) {
            Ok((SFlag::S_IFLNK, _)) => Some(refused("symbolic links are not followed".to_string())),
            // its owner explains more than a permission error
            Ok((SFlag::S_IFDIR, status)) => {
                provenance.see(&path, &status);
                let others = self.others(&provenance, &source.directory.shown);
                Some(others.unwrap_or_else(|| refused(reason(errno))))
            }
            Ok(_) | Err(Errno::ENOENT) => None,
            Err(errno) => Some(refused(reason(errno))),
        })
    }

    /// The error to report if a user other than root and abc can write a definition.
    fn others(&self, provenance: &Provenance, source: &Path) -> Option<DefinitionsError> {
        let (path, access) = provenance.others().filter(|_| self.foreign == Foreign::Skipped)?;
        let path = path.to_path_buf();
        match self.judge {
            Judge::User => None,
            Judge::Root(None) => Some(DefinitionsError::NoUser(path)),
            Judge::Root(Some(abc)) => {
                Some(WritableByOthers { path, access, abc, place: source.to_path_buf() }.into())
            }
        }
    }

    /// Runs an action with the ids of the writers: files that they cannot read are not published.
    fn acting_as<T>(&self, writers: Writers, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        match (writers, self.abc) {
            (Writers::Root, _) | (_, None) => Ok(action()),
            (_, Some(abc)) => abc.act(action),
        }
    }

    /// Runs an action as root and, if permission is denied, as abc: root may lack access to the volume.
    fn reach<T, E: AccessError>(
        &self,
        action: impl Fn() -> Result<T, E>,
    ) -> Result<Result<T, E>, AccountError> {
        match self.abc {
            Some(abc) => abc.reach(action),
            None => Ok(action()),
        }
    }
}

/// Opens a directory for listing, and records who can write it and its parents.
fn open_directory(path: &Path, seen: &RefCell<Provenance>) -> Result<OwnedFd, PathError> {
    let see = |path: &Path, status: &_| seen.borrow_mut().see(path, status);
    let found = nofollow::open_directory_seeing(path, Missing::Refuse, see)?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    openat(&found, ".", flags, Mode::empty()).map_err(|errno| PathError::Refused(path.to_path_buf(), errno))
}
