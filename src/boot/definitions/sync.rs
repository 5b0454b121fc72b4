//! One run over all directories of definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use super::delegation::DelegationRule;
use super::error::DefinitionsError;
use super::source::{DefinitionSource, Definitions, MissingSource, user_of_volume};
use super::time_budget::TimeBudget;
use super::volume::{Candidate, OpenSource, PublishableDefinition, Volume};
use crate::boot::choice::{Choice, GoOn, Intent};
use crate::boot::conclude;
use crate::boot::delegate;
use crate::boot::launcher;
use crate::boot::manifest::{Author, Manifest, source_line};
use crate::boot::quota::{MAX_DEFINITIONS, Quota};
use crate::boot::report::{self, Report, ReportRow};
use crate::boot::scan::ScanDirectory;
use crate::boot::scan::legacy::Legacy;
use crate::boot::service_directory::DirectoryChange;
use crate::error::Findings;
use crate::sys::nofollow;
use crate::trust::account::AccountError;
use crate::trust::writers::Writers;

/// Marks the service directories of `futo sync`.
pub(super) const MAKER: &str = "futo sync";

/// Publishes all definitions. On an error nothing has been done.
pub fn sync(definitions: &Definitions, choice: &Choice) -> Result<Report, Findings> {
    sync_while(definitions, choice, &mut || ControlFlow::Continue(()))
}

/// Like [`sync`], until `go_on` interrupts it. An interrupted run prunes nothing.
pub fn sync_while(definitions: &Definitions, choice: &Choice, go_on: GoOn<'_>) -> Result<Report, Findings> {
    nofollow::with_no_umask(|| sync_all(definitions, choice, go_on))
}

fn sync_all(definitions: &Definitions, choice: &Choice, go_on: GoOn<'_>) -> Result<Report, Findings> {
    let abc = user_of_volume();
    let sources = definitions.sources.iter().map(|source| source_line(&source.path)).collect();
    let mut scan = ScanDirectory::open(&definitions.scan_dir, choice.intent, MAKER, sources)?;
    scan.patience = choice.patience;
    launcher::judge(&choice.launcher)?;
    let delegation = DelegationRule::new(&choice.delegate, abc.as_ref())?;
    let hardening = scan.hardening(choice.hardening)?;
    let volume = Volume::new(abc.as_ref(), definitions.foreign, &choice.launcher, hardening);
    let mut sync = Sync {
        choice,
        scan: &scan,
        volume,
        delegation,
        report: Report::default(),
        seen: Vec::new(),
        bare: BTreeMap::new(),
        listed: BTreeSet::new(),
        quota: Quota::new(MAX_DEFINITIONS, BTreeMap::new()),
        time: TimeBudget::default(),
        waiting: Vec::new(),
    };
    let mut open = Vec::new();
    for source in &definitions.sources {
        let opened = sync.open(source);
        open.extend(sync.unless_hopeless(opened)?.flatten().map(|open| (source, open)));
    }
    sync.quota = sync.quota_for(&open)?;
    for (source, open) in open {
        let published = sync.publish_all(source, &open, go_on);
        if let Some(ControlFlow::Break(())) = sync.unless_hopeless(published)? {
            conclude::notify(&scan, Duration::ZERO, &mut sync.report);
            return Ok(sync.report);
        }
    }
    if !sync.waiting.is_empty() {
        sync.take_over();
    }
    Ok(sync.conclude())
}

/// A run over all sources.
struct Sync<'s> {
    choice: &'s Choice,
    scan: &'s ScanDirectory,
    volume: Volume<'s>,
    delegation: DelegationRule,
    report: Report,
    /// The names seen so far, and their paths.
    seen: Vec<(String, PathBuf)>,
    /// Directories without a `run`, by name.
    bare: BTreeMap<String, PathBuf>,
    /// The sources that could be listed, as written in markers.
    listed: BTreeSet<String>,
    /// The remaining quota of user-writable definitions.
    quota: Quota,
    /// The remaining time for reading them.
    time: TimeBudget,
    /// The services to publish once the supervisors of an older hook's links have exited, by row.
    waiting: Vec<(usize, Manifest)>,
}

impl Sync<'_> {
    /// Records a failure to act as abc. It is fatal if root's own ids could not be restored.
    fn unless_hopeless<T>(&mut self, result: Result<T, AccountError>) -> Result<Option<T>, Findings> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ AccountError::Stuck(_)) => Err(error.into()),
            // this will not change during the lifetime of this process
            Err(error) => {
                self.report.is_hopeless = true;
                self.report.failures.add_new(error.into());
                Ok(None)
            }
        }
    }

    fn open(&mut self, source: &DefinitionSource) -> Result<Option<OpenSource>, AccountError> {
        match self.volume.open(&source.path)? {
            Ok(open) => {
                self.listed.insert(source_line(&source.path));
                Ok(Some(open))
            }
            Err(error) => {
                if !(error.is_missing() && source.missing == MissingSource::Ignored) {
                    self.report.failures.push(error);
                }
                Ok(None)
            }
        }
    }

    /// User-writable services that are published and not pruned keep their share of the quota.
    fn quota_for(&self, open: &[(&DefinitionSource, OpenSource)]) -> Result<Quota, Findings> {
        let is_there = |name: &str| open.iter().any(|(_, open)| open.names.iter().any(|each| each == name));
        let taken = self.scan.taken(Author::User, |name| !self.choice.prune || is_there(name))?;
        Ok(Quota::new(MAX_DEFINITIONS, taken))
    }

    fn publish_all(
        &mut self,
        source: &DefinitionSource,
        open: &OpenSource,
        go_on: GoOn<'_>,
    ) -> Result<ControlFlow<()>, AccountError> {
        // one at a time: all of them may not fit into memory
        for name in &open.names {
            if go_on().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            match self.volume.read_entry(open, name, &mut self.time)? {
                Candidate::Nothing => {}
                Candidate::NoRun(name, path, writers) => {
                    // a root-owned definition keeps its name while it is being edited
                    if writers == Writers::Root {
                        self.seen.push((name.clone(), path.clone()));
                    }
                    self.bare.insert(name, path);
                }
                Candidate::Definition { row, path, publishable } => {
                    self.publish(*row, path, publishable, source);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn publish(
        &mut self,
        mut row: ReportRow,
        path: PathBuf,
        publishable: Option<PublishableDefinition>,
        source: &DefinitionSource,
    ) {
        if let Some((_, preferred)) = self.seen.iter().find(|(name, _)| *name == row.shown) {
            let preferred = preferred.clone();
            self.report.warnings.push(DefinitionsError::Shadowed { ignored: path, preferred });
            return;
        }
        self.seen.push((row.shown.clone(), path));
        let Some(PublishableDefinition { name, definition, id }) = publishable else {
            self.report.rows.push(row);
            return;
        };
        let taken = match definition.writers {
            Writers::Root => Ok(()),
            _ => self.quota.take(name.as_str(), &definition.files),
        };
        if let Err(exceeded) = taken {
            row.failures.push(DefinitionsError::QuotaExceeded(exceeded));
            self.report.rows.push(row);
            return;
        }
        let delegation = self.delegation.of(definition.writers);
        let delegation = delegate::possible(delegation, &mut self.report.warnings);
        let author = if definition.writers == Writers::Root { Author::Root } else { Author::User };
        let source = source_line(&source.path);
        let manifest = Manifest { name, source, files: definition.files, delegation, author };
        match self.scan.legacy_link(&row.shown, id) {
            Some(Legacy::Supervised) => {
                self.waiting.push((self.report.rows.len(), manifest));
            }
            Some(Legacy::Idle) => match self.scan.replace_link(&manifest) {
                Ok(change) => took_over(&mut row, change, Legacy::Idle),
                Err(error) => row.fail(error),
            },
            None => self.apply(&mut row, &manifest),
        }
        self.report.rows.push(row);
    }

    fn apply(&self, row: &mut ReportRow, manifest: &Manifest) {
        match self.scan.apply(manifest) {
            Ok(change) => {
                if change != DirectoryChange::Published && self.scan.logger_waits(&row.shown, &manifest.files)
                {
                    row.warnings.push(DefinitionsError::LoggerWaits);
                }
                note(row, change);
            }
            Err(error) => row.fail(error),
        }
    }

    /// Notifies s6-svscan, and prunes services without a definition.
    fn conclude(self) -> Report {
        let Sync { choice, scan, mut report, seen, bare, listed, .. } = self;
        report.is_nothing_done = listed.is_empty() && !report.failures.is_empty();
        conclude::notify(scan, choice.patience, &mut report);
        let mut kept: BTreeSet<String> = seen.iter().map(|(name, _)| name.clone()).collect();
        for (name, path) in bare {
            let is_elsewhere = seen.iter().any(|(each, at)| *each == name && *at != path);
            if !is_elsewhere && scan.is_ours(&name) {
                kept.insert(name);
                report.warnings.push(DefinitionsError::NoRun(path));
            }
        }
        if choice.prune {
            conclude::prune(scan, &kept, &listed, choice.patience, &mut report);
        }
        report
    }

    /// Stops the supervisors in the targets of an older hook's links, which run with root's rights, and publishes these
    /// definitions.
    fn take_over(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let names: Vec<String> = waiting.iter().map(|(_, manifest)| manifest.name.to_string()).collect();
        let gone = self.scan.prune(&names, self.choice.patience, &mut self.report.failures);
        let mut rows = std::mem::take(&mut self.report.rows);
        for ((index, manifest), (_, gone)) in waiting.into_iter().zip(gone) {
            let Some(row) = rows.get_mut(index) else { continue };
            match gone {
                Ok(_) if self.choice.intent == Intent::DryRun => {
                    took_over(row, DirectoryChange::Published, Legacy::Supervised);
                }
                Ok(_) => {
                    self.apply(row, &manifest);
                    if let Some(change) = row.change {
                        took_over(row, change, Legacy::Supervised);
                    }
                }
                Err(error) => row.fail(error),
            }
        }
        self.report.rows = rows;
    }
}

fn took_over(row: &mut ReportRow, change: DirectoryChange, legacy: Legacy) {
    note(row, change);
    row.warnings.push(DefinitionsError::ReplacedLink(legacy));
}

fn note(row: &mut ReportRow, change: DirectoryChange) {
    row.change = Some(change);
    row.action = report::change_word(change);
}
