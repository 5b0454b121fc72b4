//! The passes over the instances of a system.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::boot_log;
use super::conditions::{Condition, Facts};
use super::error::InstancesError;
use super::find::{Finder, FoundInstances, Gone, SearchEnd};
use super::instance::{Instance, InstanceReader, Seeding, StaleFiles};
use super::lines::{STARTED, boot_log_line};
use super::names::name_of;
use super::system::System;
use crate::boot::choice::{Choice, GoOn, Intent};
use crate::boot::conclude;
use crate::boot::delegate::{self, Delegation};
use crate::boot::launcher;
use crate::boot::manifest::{Author, DesiredState, source_line};
use crate::boot::quota::{MAX_INSTANCES, Quota};
use crate::boot::report::{Report, ReportRow, field};
use crate::boot::scan::ScanDirectory;
use crate::error::Findings;
use crate::sys::clock::{self, BootTime};
use crate::sys::nofollow::{self, Missing, PathError};
use crate::trust::account::{Account, AccountError};

/// Whether there is one pass, or one after every change on the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// At boot, or by hand: services with a supervisor are neither started nor stopped.
    Once,
    /// A change of the desired state starts or stops the service.
    Changes,
}

/// Makes the scan directory match the volume.
#[derive(Debug)]
pub struct Reconciler {
    pub(super) system: System,
    pub(super) choice: Choice,
    facts: Facts,
    pub(super) follow: Follow,
    /// The desired state of each instance in the last pass.
    pub(super) desired_states: BTreeMap<String, DesiredState>,
    /// The time since which each service of another tool has been seen down.
    pub(super) down_since: BTreeMap<String, BootTime>,
    /// The value of the additional field in the boot log, by instance.
    log_words: BTreeMap<String, String>,
    pub(super) passes: Passes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    None,
    Some,
}

/// The state of one pass.
pub(super) struct Pass {
    pub(super) scan: ScanDirectory,
    pub(super) source: String,
    pub(super) delegation: Option<Delegation>,
    pub(super) is_held: bool,
}

impl Reconciler {
    /// A reconciler for this system; `facts` are those of this machine.
    pub fn new(system: System, choice: Choice, facts: Facts, follow: Follow) -> Self {
        Reconciler {
            system,
            choice,
            facts,
            follow,
            desired_states: BTreeMap::new(),
            down_since: BTreeMap::new(),
            log_words: BTreeMap::new(),
            passes: Passes::None,
        }
    }

    /// The system.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The owner of the instances.
    pub fn account(&self) -> Option<Account> {
        self.system.user_request().and_then(|user| Account::find(&user, &mut Findings::default()))
    }

    /// Publishes the services of all instances, until `go_on` interrupts it. On an error nothing has been done; an
    /// interrupted pass prunes nothing.
    pub fn pass_while(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings> {
        let report = nofollow::with_no_umask(|| self.pass_with_no_umask(go_on))?;
        self.passes = Passes::Some;
        Ok(report)
    }

    fn pass_with_no_umask(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings> {
        let system = &self.system;
        let mut findings = Findings::default();
        let account = system.user_request().and_then(|user| Account::find(&user, &mut findings));
        let mut warnings = Findings::default();
        let delegation = delegation(system, &self.choice, &mut findings);
        let delegation = delegate::possible(delegation, &mut warnings);
        let home = open_home(system, account.as_ref())?.map_err(|error| InstancesError::home(system, error));
        let home = findings.take(home);
        if let (Some(account), Some(home)) = (&account, &home)
            && self.holds(&system.skip, account, home)?
        {
            let why = format!("the container's command is '{}'", field(&self.facts.command_line()));
            return Ok(Report { skipped: Some(why), ..Report::default() });
        }
        let source = source_line(&system.home.join(&system.instances).components().collect::<PathBuf>());
        let sources = BTreeSet::from([source.clone()]);
        let maker = format!("futo reconcile {}", system.name);
        let scan = ScanDirectory::open(&system.scan_dir, self.choice.intent, &maker, sources);
        let scan = findings.take(scan);
        let (Some(account), Some(home), Some(scan)) = (account, home, scan) else { return Err(findings) };
        findings.take(launcher::judge(&self.choice.launcher));
        findings.or(())?;

        let is_held = self.holds(&system.hold, &account, &home)?;
        let pass = Pass { scan, source, delegation, is_held };
        let mut report = self.publish_all(&pass, &account, &home, go_on)?;
        report.warnings.add_new(warnings);
        self.append_to_boot_log(&account, &home, &mut report)?;
        Ok(report)
    }

    /// Whether a condition holds, read with the user's ids.
    fn holds(
        &self,
        condition: &Option<Condition>,
        account: &Account,
        home: &OwnedFd,
    ) -> Result<bool, AccountError> {
        match condition {
            Some(condition) => account.act(|| self.facts.hold(condition, home)),
            None => Ok(false),
        }
    }

    /// Reads the volume, with the user's ids.
    fn survey(
        &self,
        pass: &Pass,
        account: &Account,
        home: &OwnedFd,
        go_on: GoOn<'_>,
    ) -> Result<FoundInstances, Findings> {
        let scan = &pass.scan;
        // before stale files are removed: running services still need theirs
        let supervised = scan.names()?.into_iter().filter(|name| scan.is_supervised(name)).collect();
        let is_first = self.passes == Passes::None;
        let seeds = is_first && !self.choice.no_start && self.holds(&self.system.seed, account, home)?;
        let reader = InstanceReader {
            system: &self.system,
            intent: self.choice.intent,
            supervised: &supervised,
            stale_files: if is_first { StaleFiles::Removed } else { StaleFiles::Kept },
            seeding: if seeds { Seeding::RootInstance } else { Seeding::Nothing },
        };
        let finder = Finder {
            system: &self.system,
            reader,
            published: scan.taken(Author::Root, |_| true)?.into_keys().collect(),
            gone: if self.choice.prune { Gone::Pruned } else { Gone::Kept },
        };
        account.act(|| finder.find(home, go_on))?
    }

    fn publish_all(
        &mut self,
        pass: &Pass,
        account: &Account,
        home: &OwnedFd,
        go_on: GoOn<'_>,
    ) -> Result<Report, Findings> {
        let scan = &pass.scan;
        let FoundInstances { instances, mut kept, mut report, left_out, end } =
            self.survey(pass, account, home, &mut *go_on)?;
        if end == SearchEnd::Interrupted {
            return Ok(report);
        }
        let is_complete = report.failures.is_empty();
        report.failures.take(left_out.map_or(Ok(()), Err));
        let old = self.take_over_stopped(pass, &instances, &mut report);
        let mut quota = quota_for(scan, &instances, &self.choice)?;
        self.log_words.clear();
        for Instance { mut row, log_word, publishable } in instances {
            if go_on().is_break() {
                conclude::notify(scan, Duration::ZERO, &mut report);
                return Ok(report);
            }
            self.log_words.extend(log_word.map(|word| (row.shown.clone(), word)));
            if let Some(publishable) = publishable {
                kept.insert(publishable.service.to_string());
                if old.contains(publishable.service.as_str()) {
                    row.action = STARTED;
                    row.warnings.push(InstancesError::Predecessor);
                    row.is_unfinished = true;
                } else {
                    self.publish(pass, &publishable, &mut quota, &mut row);
                }
            } else if let Some(service) = &row.service {
                // an unreadable instance still exists
                kept.insert(service.clone());
            }
            report.rows.push(row);
        }
        conclude::notify(scan, self.choice.patience, &mut report);
        let rows = &report.rows;
        for name in self.system.policies.keys().filter(|name| !rows.iter().any(|row| row.shown == **name)) {
            report.warnings.push(InstancesError::PolicyOfNone(name.clone()));
        }
        if self.choice.prune {
            // instances missing from an incomplete list may still exist
            let listed = if is_complete { BTreeSet::from([pass.source.clone()]) } else { BTreeSet::new() };
            self.prune(scan, &kept, &listed, &mut report);
        }
        self.desired_states.retain(|name, _| report.rows.iter().any(|row| row.shown == *name));
        let known = |name: &String| old.contains(name);
        report.warnings.add_new(scan.not_owned_by_root(known));
        Ok(report)
    }

    /// Prunes services; their rows show the names of the instances.
    fn prune(
        &self,
        scan: &ScanDirectory,
        kept: &BTreeSet<String>,
        listed: &BTreeSet<String>,
        report: &mut Report,
    ) {
        let before = report.rows.len();
        conclude::prune(scan, kept, listed, self.choice.patience, report);
        for row in report.rows.iter_mut().skip(before) {
            let name = row.service.as_deref().and_then(|service| name_of(&self.system, service));
            row.shown = name.unwrap_or_else(|| row.shown.clone());
        }
    }

    fn append_to_boot_log(
        &self,
        account: &Account,
        home: &OwnedFd,
        report: &mut Report,
    ) -> Result<(), AccountError> {
        let (Some(path), Intent::Apply) = (&self.system.boot_log, self.choice.intent) else { return Ok(()) };
        let is_logged = |row: &&ReportRow| self.follow == Follow::Once || row.is_news();
        let stamp = boot_log::stamp(clock::wall_now());
        let word = |row: &ReportRow| self.log_words.get(&row.shown).map(String::as_str);
        let rows = report.rows.iter().filter(is_logged);
        let lines: String = rows.map(|row| boot_log_line(&self.system, row, &stamp, word(row))).collect();
        if !lines.is_empty() {
            let size = self.system.boot_log_size;
            let appended = account.act(|| boot_log::append(home, path, size, &lines))?;
            report.failures.take(appended);
        }
        Ok(())
    }
}

/// Published services that are not pruned keep their share of the quota.
fn quota_for(scan: &ScanDirectory, instances: &[Instance], choice: &Choice) -> Result<Quota, Findings> {
    let services: BTreeSet<&str> = instances.iter().filter_map(|each| each.row.service.as_deref()).collect();
    let taken = scan.taken(Author::Root, |name| !choice.prune || services.contains(name))?;
    Ok(Quota::new(MAX_INSTANCES, taken))
}

/// Opens the home, as the user if root lacks access.
fn open_home(system: &System, account: Option<&Account>) -> Result<Result<OwnedFd, PathError>, AccountError> {
    let open = || nofollow::open_directory(&system.home, Missing::Refuse);
    match account {
        Some(account) => account.reach(open),
        None => Ok(open()),
    }
}

fn delegation(system: &System, choice: &Choice, findings: &mut Findings) -> Option<Delegation> {
    let to = choice.delegate.to.as_ref().unwrap_or(&system.delegate);
    findings.take(to.resolve(choice.delegate.waiting)).flatten()
}
