//! `futo sync`: service definitions on the volume, published with no more rights than their writers have.

mod command;
mod error;
mod files;
mod room;
mod writers;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::Gid;

use super::Choice;
use super::account::Account;
use super::delegate::{Delegation, Waiting};
use super::desired::{Desired, source_line};
use super::directory::Directory;
use super::instances::config::DelegateTo;
use super::report::{self, Report, Row, field};
use super::scan::ScanDirectory;
use super::slot::Change;
use crate::config::value::UserRequest;
use crate::error::{Findings, reason};
use crate::plan::{DEFAULT_USER, Host, Machine};
use crate::service::{ServiceName, layout};
use crate::sys::nofollow::{self, Missing, PathError};
pub use error::DefinitionsError;
use files::{Definition, NotPublished};
use room::Room;
use writers::{Numbers, Writers, writers_of};

/// More names than this in one directory of definitions are not taken: s6-svscan takes 500 services.
pub(super) const MOST_DEFINITIONS: usize = 2_000;
/// Tells our service directories.
const MAKER: &str = "futo sync";

/// What is published where.
#[derive(Debug)]
pub struct Definitions {
    /// Directories whose directories are the definitions; of two with one name the first counts.
    pub sources: Vec<Source>,
    /// The supervisor's directory.
    pub scan_dir: PathBuf,
    /// Whether other run scripts are published too.
    pub foreign: Foreign,
}

/// A directory of definitions.
#[derive(Debug)]
pub struct Source {
    /// The directory.
    pub path: PathBuf,
    /// Whether it may be missing.
    pub missing: MissingSource,
}

/// Whether a source may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSource {
    /// It is one of the usual places.
    Fine,
    /// Somebody has named it.
    Failure,
}

/// What becomes of a run script that is no command of the launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is listed.
    Left,
    /// It is published, and root executes it: `--trust-run`.
    Trusted,
}

/// Publishes all definitions. An error is one that leaves nothing to be done.
pub fn sync(definitions: &Definitions, choice: &Choice) -> Result<Report, Findings> {
    nofollow::with_no_umask(|| sync_all(definitions, choice))
}

fn sync_all(definitions: &Definitions, choice: &Choice) -> Result<Report, Findings> {
    let abc = Account::find(&UserRequest::Name(DEFAULT_USER.to_string(), None), &mut Findings::default());
    let sources = definitions.sources.iter().map(|source| source_line(&source.path)).collect();
    let scan = ScanDirectory::open(&definitions.scan_dir, choice.intent, MAKER, sources)?;
    let delegation = delegation(choice)?;
    let mut sync = Sync {
        definitions,
        choice,
        scan: &scan,
        delegation,
        abc: abc.as_ref(),
        is_root: Machine.is_root(),
        report: Report::default(),
        seen: Vec::new(),
        bare: BTreeMap::new(),
        listed: BTreeSet::new(),
        room: Room::default(),
    };
    for source in &definitions.sources {
        sync.publish_all(source)?;
    }
    let Sync { mut report, seen, bare, listed, .. } = sync;
    report.is_nothing_done = listed.is_empty() && !report.failures.is_empty();
    super::tell(&scan, choice.patience, &mut report);
    let mut wanted: BTreeSet<String> = seen.into_iter().map(|(name, _)| name).collect();
    for (name, path) in bare {
        if scan.is_ours(&name) && wanted.insert(name) {
            report.warnings.push(DefinitionsError::NoRun(path));
        }
    }
    if choice.prune {
        super::prune(&scan, &wanted, &listed, choice.patience, &mut report);
    }
    Ok(report)
}

/// The lines of the report.
pub fn lines(rows: &[Row]) -> String {
    let mut lines = String::new();
    for row in rows {
        let _ = writeln!(lines, "sync: service={} action={}", field(&row.shown), row.action);
    }
    lines
}

/// What `--delegate` says; none if it says nothing.
fn delegation(choice: &Choice) -> Result<Option<Option<Delegation>>, Findings> {
    match &choice.delegate.to {
        None => Ok(None),
        Some(DelegateTo::Nobody) => Ok(Some(None)),
        Some(DelegateTo::Group(name)) => match super::group_named(name) {
            Some(group) => Ok(Some(Some(Delegation { group, waiting: waiting(choice) }))),
            None => Err(super::instances::InstancesError::NoGroup(name.clone()).into()),
        },
    }
}

fn waiting(choice: &Choice) -> Waiting {
    if choice.delegate.wait { Waiting::Open } else { Waiting::Closed }
}

/// A run over all sources.
struct Sync<'s> {
    definitions: &'s Definitions,
    choice: &'s Choice,
    scan: &'s ScanDirectory,
    /// If somebody chose one.
    delegation: Option<Option<Delegation>>,
    abc: Option<&'s Account>,
    /// Seen before abc's ids are taken on.
    is_root: bool,
    report: Report,
    /// Names, and where they were seen.
    seen: Vec<(String, PathBuf)>,
    /// Directories without a `run`, by name.
    bare: BTreeMap<String, PathBuf>,
    /// The sources that could be listed, as markers name them.
    listed: BTreeSet<String>,
    /// What is left for definitions that are not root's.
    room: Room,
}

impl Sync<'_> {
    fn publish_all(&mut self, source: &Source) -> Result<(), Findings> {
        let (directory, writers) = match self.open(source) {
            Ok(opened) => opened,
            Err(PathError::Refused(_, Errno::ENOENT)) if source.missing == MissingSource::Fine => {
                return Ok(());
            }
            Err(error) => {
                self.report.failures.push(DefinitionsError::Source(error));
                return Ok(());
            }
        };
        if writers != Writers::Root && self.abc.is_none() {
            self.report.failures.push(DefinitionsError::NoUser);
            return Ok(());
        }
        let names = self.acting_as(writers, || directory.names(MOST_DEFINITIONS))?;
        let Some(mut names) = self.report.failures.take(names) else { return Ok(()) };
        self.listed.insert(source_line(&source.path));
        names.sort_unstable();
        // one after the other: all of them at once may be more than memory holds
        for name in names {
            if let Some(found) = self.look_at(&directory, &name, writers)? {
                self.publish(found, source);
            }
        }
        Ok(())
    }

    /// Opens a source; no link but root's is followed, and who can write a directory on the way can write
    /// all that is below.
    fn open(&self, source: &Source) -> Result<(Directory, Writers), PathError> {
        let path = &source.path;
        let worst = Cell::new(Writers::Root);
        let see = |status: &FileStat| worst.set(worst.get().max(self.judge(status)));
        let found = nofollow::open_directory_seeing(path, Missing::Refuse, see)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let refused = |errno| PathError::Refused(path.clone(), errno);
        let fd = openat(&found, ".", flags, Mode::empty()).map_err(refused)?;
        Ok((Directory { fd, shown: path.clone() }, worst.get()))
    }

    fn judge(&self, status: &FileStat) -> Writers {
        match self.is_root {
            true => writers_of(status, self.abc_numbers()),
            // a user's own supervisor: there are no rights to be gained
            false => Writers::Root,
        }
    }

    fn abc_numbers(&self) -> Option<Numbers> {
        let identity = &self.abc?.identity;
        Some(Numbers { uid: identity.uid.as_raw(), gid: identity.gid.as_raw() })
    }

    /// With the ids of those whose hands are in it: what they cannot read is not published either.
    fn acting_as<T>(&self, writers: Writers, action: impl FnOnce() -> T) -> Result<T, Findings> {
        match (writers, self.abc) {
            (Writers::Root, _) | (_, None) => Ok(action()),
            (_, Some(abc)) => Ok(abc.act(action)?),
        }
    }

    /// Reads a definition; none for what is none.
    fn look_at(
        &mut self,
        source: &Directory,
        name: &OsStr,
        above: Writers,
    ) -> Result<Option<Found>, Findings> {
        let shown = name.to_string_lossy().into_owned();
        if shown.starts_with('.') {
            return Ok(None);
        }
        let path = source.shown.join(name);
        let failed = |error: DefinitionsError| {
            let mut row = Row::new(shown.clone());
            row.failures.push(error);
            Ok(Some(Found { row, path: path.clone(), definition: None }))
        };
        let refused =
            |reason: String| DefinitionsError::Directory { path: path.display().to_string(), reason };
        let opened = self.acting_as(above, || {
            let kind = |errno| source.kind_of(name).map(|kind| (kind, errno));
            source.try_open(name).map(|open| (open.status(layout::RUN), open)).map_err(kind)
        })?;
        let (run, directory) = match opened {
            Ok(opened) => opened,
            Err(Ok((SFlag::S_IFLNK, _))) => {
                return failed(refused("it is a symbolic link, which is not followed".to_string()));
            }
            Err(Ok((SFlag::S_IFDIR, errno))) => return failed(refused(reason(errno))),
            Err(Ok(_) | Err(Errno::ENOENT)) => return Ok(None),
            Err(Err(errno)) => return failed(refused(reason(errno))),
        };
        if matches!(run, Ok(None)) {
            // somebody may be about to replace it; the directory is what has to go
            self.bare.insert(shown, path);
            return Ok(None);
        }
        let service = match ServiceName::parse(name) {
            Ok(service) => service,
            Err(why) => return failed(DefinitionsError::Name(why)),
        };
        let writers = match fstat(&directory.fd) {
            Ok(status) => above.max(self.judge(&status)),
            Err(errno) => return failed(refused(reason(errno))),
        };
        let mut row = Row::new(shown);
        row.service = Some(service.to_string());
        let reader = files::Reader {
            directory: &directory,
            name: &service,
            writers,
            judge: &|status| self.judge(status),
            foreign: self.definitions.foreign,
            launcher: &self.choice.launcher,
        };
        let read = self.acting_as(writers, || reader.read(&mut row.warnings, &mut row.failures))?;
        let definition = match read {
            Ok(definition) => match self.room.take(&definition) {
                Ok(()) => Some((service, definition)),
                Err(error) => {
                    row.failures.push(error);
                    None
                }
            },
            Err(NotPublished::Failed) => None,
            Err(NotPublished::NotOurs) => {
                row.action = NOT_OURS;
                None
            }
        };
        Ok(Some(Found { row, path, definition }))
    }

    fn publish(&mut self, found: Found, source: &Source) {
        let Found { mut row, path, definition } = found;
        if let Some((_, counts)) = self.seen.iter().find(|(name, _)| *name == row.shown) {
            let counts = counts.clone();
            self.report.warnings.push(DefinitionsError::Shadowed { passed: path, counts });
            return;
        }
        self.seen.push((row.shown.clone(), path));
        if let Some((name, definition)) = definition {
            let delegation = self.delegation.unwrap_or_else(|| self.usual_delegation(definition.writers));
            let source = source_line(&source.path);
            let desired = Desired { name, source, files: definition.files, delegation };
            let has_logger = desired.files.has_logger();
            match self.scan.apply(desired) {
                Ok(change) => {
                    if change != Change::Published && self.scan.logger_waits(&row.shown, has_logger) {
                        row.warnings.push(DefinitionsError::LoggerWaits);
                    }
                    row.change = Some(change);
                    row.action = report::change_word(change);
                }
                Err(error) => row.fail(error),
            }
        }
        self.report.rows.push(row);
    }

    /// Who can write a definition may control its service; root's is root's.
    fn usual_delegation(&self, writers: Writers) -> Option<Delegation> {
        let group: Gid = self.abc.filter(|_| writers != Writers::Root)?.identity.gid;
        Some(Delegation { group, waiting: waiting(self.choice) })
    }
}

/// The word for a run script that is no command of the launcher.
const NOT_OURS: &str = "not-ours";

/// A definition as it was found.
struct Found {
    row: Row,
    path: PathBuf,
    /// What it takes to publish it; none for one that cannot be.
    definition: Option<(ServiceName, Definition)>,
}

/// The usual places: root's own, then the users'.
pub fn usual_sources() -> Vec<Source> {
    [layout::ROOTS_DEFINITIONS, layout::DEFINITIONS]
        .map(|path| Source { path: Path::new(path).to_path_buf(), missing: MissingSource::Fine })
        .into()
}
