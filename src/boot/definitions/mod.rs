//! `futo sync`: service definitions on the volume, published with no more rights than their writers have.

mod command;
mod error;
mod files;
mod patience;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::Gid;

use super::account::{Account, AccountError};
use super::choice::{Choice, GoOn, Hardening, Intent};
use super::conclude;
use super::delegate::{self, DelegateChoice, Delegation, NoGroup};
use super::desired::{Author, Desired, source_line};
use super::launcher;
use super::report::{self, Report, Row, field};
use super::room::{MOST_DEFINITIONS as MOST_PUBLISHED, Room};
use super::scan::ScanDirectory;
use super::scan::legacy::Legacy;
use super::service_directory::Change;
use crate::config::DEFAULT_USER;
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::service::layout;
use crate::sys::nofollow;
use crate::trust::writers::Writers;
pub use error::DefinitionsError;
use patience::Patience;
use volume::{Found, OpenSource, Publishable, Volume};

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
    sync_while(definitions, choice, &mut || ControlFlow::Continue(()))
}

/// The same as long as it is to go on. A run that is broken off prunes nothing.
pub fn sync_while(definitions: &Definitions, choice: &Choice, go_on: GoOn<'_>) -> Result<Report, Findings> {
    nofollow::with_no_umask(|| sync_all(definitions, choice, go_on))
}

/// What a run would say of one definition, without publishing it; none if there is none.
pub fn judge(definition: &Path) -> Option<Row> {
    let (source, name) = (definition.parent()?, definition.file_name()?);
    let failed = |failures: Findings| {
        let mut row = Row::new(name.to_string_lossy());
        row.failures = failures;
        Some(row)
    };
    let abc = user_of_volume();
    let volume = Volume::new(abc.as_ref(), Foreign::Left, "futo-launch", Hardening::Off);
    let open = match volume.open(source) {
        Ok(Ok(open)) => open,
        Ok(Err(error)) => return failed(error.into()),
        Err(error) => return failed(error.into()),
    };
    match volume.look_at(&open, name, &mut Patience::default()) {
        Ok(Found::Definition(row, _, _)) => Some(row),
        Ok(Found::Nothing | Found::Bare(..)) => None,
        Err(error) => failed(error.into()),
    }
}

/// Who may write definitions beside root, if there is such a user.
pub fn user_of_volume() -> Option<Account> {
    Account::find(&UserRequest::Name(DEFAULT_USER.to_string(), None), &mut Findings::default())
}

fn sync_all(definitions: &Definitions, choice: &Choice, go_on: GoOn<'_>) -> Result<Report, Findings> {
    let abc = user_of_volume();
    let sources = definitions.sources.iter().map(|source| source_line(&source.path)).collect();
    let mut scan = ScanDirectory::open(&definitions.scan_dir, choice.intent, MAKER, sources)?;
    scan.patience = choice.patience;
    launcher::judge(&choice.launcher)?;
    let delegation = DelegationRule::chosen(&choice.delegate)?;
    let hardening = scan.hardening(choice.hardening)?;
    let volume = Volume::new(abc.as_ref(), definitions.foreign, &choice.launcher, hardening);
    let mut sync = Sync {
        choice,
        scan: &scan,
        volume,
        delegation,
        abc: abc.as_ref(),
        report: Report::default(),
        seen: Vec::new(),
        bare: BTreeMap::new(),
        listed: BTreeSet::new(),
        room: Room::new(MOST_PUBLISHED, BTreeMap::new()),
        patience: Patience::default(),
        waiting: Vec::new(),
    };
    let mut open = Vec::new();
    for source in &definitions.sources {
        let opened = sync.open(source);
        open.extend(sync.unless_hopeless(opened)?.flatten().map(|open| (source, open)));
    }
    sync.room = sync.room_for(&open)?;
    for (source, open) in open {
        let published = sync.publish_all(source, &open, go_on);
        if let Some(ControlFlow::Break(())) = sync.unless_hopeless(published)? {
            conclude::tell(&scan, Duration::ZERO, &mut sync.report);
            return Ok(sync.report);
        }
    }
    if !sync.waiting.is_empty() {
        sync.take_over();
    }
    let Sync { mut report, seen, bare, listed, .. } = sync;
    report.is_nothing_done = listed.is_empty() && !report.failures.is_empty();
    conclude::tell(&scan, choice.patience, &mut report);
    let mut wanted: BTreeSet<String> = seen.iter().map(|(name, _)| name.clone()).collect();
    for (name, path) in bare {
        let is_elsewhere = seen.iter().any(|(each, at)| *each == name && *at != path);
        if !is_elsewhere && scan.is_ours(&name) {
            wanted.insert(name);
            report.warnings.push(DefinitionsError::NoRun(path));
        }
    }
    if choice.prune {
        conclude::prune(&scan, &wanted, &listed, choice.patience, &mut report);
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

/// To whom control of the services is delegated.
#[derive(Clone, Copy)]
enum DelegationRule {
    /// Of each service to those who can write its definition.
    Writers,
    /// Of all services alike, as `--delegate` says.
    Everywhere(Option<Delegation>),
}

impl DelegationRule {
    fn chosen(choice: &DelegateChoice) -> Result<Self, NoGroup> {
        match &choice.to {
            None => Ok(DelegationRule::Writers),
            Some(to) => to.resolve(choice.waiting).map(DelegationRule::Everywhere),
        }
    }
}

/// A run over all sources.
struct Sync<'s> {
    choice: &'s Choice,
    scan: &'s ScanDirectory,
    volume: Volume<'s>,
    delegation: DelegationRule,
    abc: Option<&'s Account>,
    report: Report,
    /// Names, and where they were seen.
    seen: Vec<(String, PathBuf)>,
    /// Directories without a `run`, by name.
    bare: BTreeMap<String, PathBuf>,
    /// The sources that could be listed, as markers name them.
    listed: BTreeSet<String>,
    /// What is left for definitions that are not root's,
    room: Room,
    /// and how long they are read.
    patience: Patience,
    /// What is published once the supervisors of an older hook's links have left, by row.
    waiting: Vec<(usize, Desired)>,
}

impl Sync<'_> {
    /// Notes what cannot be done as abc; nothing is done any more once root's own ids cannot be had back.
    fn unless_hopeless<T>(&mut self, result: Result<T, AccountError>) -> Result<Option<T>, Findings> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ AccountError::Stuck(_)) => Err(error.into()),
            // nothing changes that while this process lives
            Err(error) => {
                self.report.is_hopeless = true;
                self.report.failures.add_new(error.into());
                Ok(None)
            }
        }
    }

    fn open(&mut self, source: &Source) -> Result<Option<OpenSource>, AccountError> {
        match self.volume.open(&source.path)? {
            Ok(open) => {
                self.listed.insert(source_line(&source.path));
                Ok(Some(open))
            }
            Err(error) => {
                if !(error.is_missing() && source.missing == MissingSource::Fine) {
                    self.report.failures.push(error);
                }
                Ok(None)
            }
        }
    }

    /// What is published of users' definitions and will not be pruned keeps its place.
    fn room_for(&self, open: &[(&Source, OpenSource)]) -> Result<Room, Findings> {
        let is_there = |name: &str| open.iter().any(|(_, open)| open.names.iter().any(|each| each == name));
        let taken = self.scan.taken(Author::User, |name| !self.choice.prune || is_there(name))?;
        Ok(Room::new(MOST_PUBLISHED, taken))
    }

    fn publish_all(
        &mut self,
        source: &Source,
        open: &OpenSource,
        go_on: GoOn<'_>,
    ) -> Result<ControlFlow<()>, AccountError> {
        // one after the other: all of them at once may be more than memory holds
        for name in &open.names {
            if go_on().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            match self.volume.look_at(open, name, &mut self.patience)? {
                Found::Nothing => {}
                Found::Bare(name, path, writers) => {
                    // root's keeps its name while somebody edits it
                    if writers == Writers::Root {
                        self.seen.push((name.clone(), path.clone()));
                    }
                    self.bare.insert(name, path);
                }
                Found::Definition(row, path, publishable) => self.publish(row, path, publishable, source),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn publish(&mut self, mut row: Row, path: PathBuf, publishable: Option<Publishable>, source: &Source) {
        if let Some((_, counts)) = self.seen.iter().find(|(name, _)| *name == row.shown) {
            let counts = counts.clone();
            self.report.warnings.push(DefinitionsError::Shadowed { passed: path, counts });
            return;
        }
        self.seen.push((row.shown.clone(), path));
        let Some(Publishable { name, definition, id }) = publishable else {
            self.report.rows.push(row);
            return;
        };
        let taken = match definition.writers {
            Writers::Root => Ok(()),
            _ => self.room.take(name.as_str(), &definition.files),
        };
        if let Err(full) = taken {
            row.failures.push(DefinitionsError::NoRoom(full));
            self.report.rows.push(row);
            return;
        }
        let delegation = match self.delegation {
            DelegationRule::Writers => self.delegation_to_writers(definition.writers),
            DelegationRule::Everywhere(delegation) => delegation,
        };
        let delegation = delegate::possible(delegation, &mut self.report.warnings);
        let author = if definition.writers == Writers::Root { Author::Root } else { Author::User };
        let source = source_line(&source.path);
        let desired = Desired { name, source, files: definition.files, delegation, author };
        match self.scan.legacy_link(&row.shown, id) {
            Some(Legacy::Supervised) => {
                self.waiting.push((self.report.rows.len(), desired));
            }
            Some(Legacy::Idle) => match self.scan.replace_link(&desired) {
                Ok(change) => took_over(&mut row, change, Legacy::Idle),
                Err(error) => row.fail(error),
            },
            None => self.apply(&mut row, desired),
        }
        self.report.rows.push(row);
    }

    fn apply(&self, row: &mut Row, desired: Desired) {
        let has_logger = desired.files.has_logger();
        match self.scan.apply(desired) {
            Ok(change) => {
                if change != Change::Published && self.scan.logger_waits(&row.shown, has_logger) {
                    row.warnings.push(DefinitionsError::LoggerWaits);
                }
                note(row, change);
            }
            Err(error) => row.fail(error),
        }
    }

    /// Ends the supervisors that an older hook's links have given root's rights to, and publishes what they
    /// led to.
    fn take_over(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let names: Vec<String> = waiting.iter().map(|(_, desired)| desired.name.to_string()).collect();
        let gone = self.scan.prune(&names, self.choice.patience, &mut self.report.failures);
        let mut rows = std::mem::take(&mut self.report.rows);
        for ((index, desired), (_, gone)) in waiting.into_iter().zip(gone) {
            let Some(row) = rows.get_mut(index) else { continue };
            match gone {
                Ok(_) if self.choice.intent == Intent::Look => {
                    took_over(row, Change::Published, Legacy::Supervised);
                }
                Ok(_) => {
                    self.apply(row, desired);
                    if let Some(change) = row.change {
                        took_over(row, change, Legacy::Supervised);
                    }
                }
                Err(error) => row.fail(error),
            }
        }
        self.report.rows = rows;
    }

    /// Who can write a definition may control its service; root's is root's.
    fn delegation_to_writers(&self, writers: Writers) -> Option<Delegation> {
        let group: Gid = self.abc.filter(|_| writers != Writers::Root)?.identity.gid;
        Some(Delegation { group, waiting: self.choice.delegate.waiting })
    }
}

fn took_over(row: &mut Row, change: Change, legacy: Legacy) {
    note(row, change);
    row.warnings.push(DefinitionsError::TookOver(legacy));
}

fn note(row: &mut Row, change: Change) {
    row.change = Some(change);
    row.action = report::change_word(change);
}

/// The usual places: root's own, then the users'.
pub fn usual_sources() -> Vec<Source> {
    [layout::ROOTS_DEFINITIONS, layout::DEFINITIONS]
        .map(|path| Source { path: Path::new(path).to_path_buf(), missing: MissingSource::Fine })
        .into()
}
