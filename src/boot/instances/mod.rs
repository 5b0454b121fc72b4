//! `futo reconcile`: instances on a volume, each a service made from a template.

mod boot_log;
pub mod config;
mod error;
mod find;
mod state;
mod template;
pub mod wish;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::Choice;
use super::account::{Account, AccountError};
use super::delegate::{self, Delegation, Waiting};
use super::desired::{Author, Desired, source_line};
use super::report::{FAILED, Report, field};
use super::room::{MOST_INSTANCES, Room};
use super::scan::{Intent, ScanDirectory};
use crate::error::Findings;
use crate::service::layout;
use crate::sys::clock;
use crate::sys::nofollow::{self, Missing, PathError};
use config::{DelegateTo, Policy, System};
pub use error::InstancesError;
use find::{Finder, Found, Instance, Publishable};

/// Publishes the services of all instances. An error is one that leaves nothing to be done.
pub fn reconcile(system: &System, choice: &Choice) -> Result<Report, Findings> {
    nofollow::with_no_umask(|| reconcile_all(system, choice))
}

fn reconcile_all(system: &System, choice: &Choice) -> Result<Report, Findings> {
    let mut findings = Findings::default();
    let account = system.user_request().and_then(|user| Account::find(&user, &mut findings));
    let delegation = delegation(system, choice, &mut findings);
    let mut warnings = Findings::default();
    let delegation = delegate::possible(delegation, &mut warnings);
    let home = findings.take(open_home(system, account.as_ref())?.map_err(InstancesError::Home));
    let maker = format!("futo reconcile {}", system.name);
    let source = source_line(&system.home.join(&system.instances).components().collect::<PathBuf>());
    let sources = BTreeSet::from([source.clone()]);
    let scan = findings.take(ScanDirectory::open(&system.scan_dir, choice.intent, &maker, sources.clone()));
    let (Some(account), Some(home), Some(scan)) = (account, home, scan) else { return Err(findings) };
    findings.take(super::judge_launcher(&choice.launcher));
    findings.or(())?;

    // before anything is removed on the volume: what runs still needs its files
    let supervised = scan.names()?.into_iter().filter(|name| scan.is_supervised(name)).collect();
    let finder = Finder { system, intent: choice.intent, supervised: &supervised };
    let Found { instances, kept, mut report } = account.act(|| finder.find(&home))??;

    report.warnings.add_new(warnings);
    let is_complete = report.failures.is_empty();
    let mut room = room_for(&scan, &instances, choice)?;
    let mut desired_names = kept;
    for Instance { mut row, publishable } in instances {
        if let Some(publishable) = publishable {
            desired_names.insert(publishable.service.to_string());
            let starts = starts(system, choice, &publishable.name, row.prior_state.as_deref());
            let desired = desired(system, choice, &publishable, &source, delegation, starts);
            if let Err(full) = room.take(desired.name.as_str(), &desired.files) {
                row.failures.push(InstancesError::NoRoom(full));
                report.rows.push(row);
                continue;
            }
            match scan.apply(desired) {
                Ok(change) => {
                    row.change = Some(change);
                    row.action = if starts { "started" } else { "registered" };
                }
                Err(error) => row.fail(error),
            }
        } else if let Some(service) = &row.service {
            // what cannot be looked at now is not gone
            desired_names.insert(service.clone());
        }
        report.rows.push(row);
    }
    super::tell(&scan, choice.patience, &mut report);
    for name in system.policies.keys().filter(|name| !report.rows.iter().any(|row| row.shown == **name)) {
        report.warnings.push(InstancesError::PolicyOfNone(name.clone()));
    }
    if choice.prune {
        // an incomplete list tells of nothing that it has gone
        let listed = if is_complete { sources } else { BTreeSet::new() };
        super::prune(&scan, &desired_names, &listed, choice.patience, &mut report);
    }
    if let (Some(path), Intent::Apply) = (&system.boot_log, choice.intent) {
        let stamp = boot_log::stamp(clock::wall_now());
        let lines = lines(system, &report, &stamp);
        let size = system.boot_log_size;
        let appended = account.act(|| boot_log::append(&home, path, size, &lines))?;
        report.failures.take(appended);
    }
    Ok(report)
}

/// What is published and will not be pruned keeps its place.
fn room_for(scan: &ScanDirectory, instances: &[Instance], choice: &Choice) -> Result<Room, Findings> {
    let services: BTreeSet<&str> = instances.iter().filter_map(|each| each.row.service.as_deref()).collect();
    let taken = scan.taken(Author::Root, |name| !choice.prune || services.contains(name))?;
    Ok(Room::new(MOST_INSTANCES, taken))
}

/// Opens the volume: as the user where root has no rights on the way to it.
fn open_home(system: &System, account: Option<&Account>) -> Result<Result<OwnedFd, PathError>, AccountError> {
    let open = || nofollow::open_directory(&system.home, Missing::Refuse);
    match account {
        Some(account) => account.reach(open),
        None => Ok(open()),
    }
}

/// The lines of the report, each behind `start`.
pub fn lines(system: &System, report: &Report, start: &str) -> String {
    let mut lines = String::new();
    for row in &report.rows {
        let prior = row.prior_state.as_deref().map_or("None".to_string(), field);
        let _ = writeln!(
            lines,
            "{start} {}={} prior_state={prior} action={}",
            system.label,
            field(&row.shown),
            if row.has_failed() && row.change.is_none() { FAILED } else { row.action }
        );
    }
    lines
}

fn delegation(system: &System, choice: &Choice, findings: &mut Findings) -> Option<Delegation> {
    let waiting = if choice.delegate.wait { Waiting::Open } else { Waiting::Closed };
    let to = choice.delegate.to.as_ref().unwrap_or(&system.delegate);
    let DelegateTo::Group(name) = to else { return None };
    let group =
        findings.take(super::group_named(name).ok_or_else(|| InstancesError::NoGroup(name.clone())))?;
    Some(Delegation { group, waiting })
}

fn starts(system: &System, choice: &Choice, name: &str, prior_state: Option<&str>) -> bool {
    match policy(system, name) {
        _ if choice.no_start => false,
        Policy::Always => true,
        Policy::Never => false,
        Policy::Last => prior_state.is_some_and(|state| system.running.iter().any(|each| each == state)),
    }
}

fn policy(system: &System, name: &str) -> Policy {
    *system.policies.get(name).unwrap_or(&system.policy)
}

fn desired(
    system: &System,
    choice: &Choice,
    instance: &Publishable,
    source: &str,
    delegation: Option<Delegation>,
    starts: bool,
) -> Desired {
    let names = template::Names {
        name: &instance.name,
        service: instance.service.as_str(),
        home: &system.home.to_string_lossy(),
        directory: &instance.directory,
    };
    let mut files = template::files(system, &choice.launcher, &names, instance.is_root_instance);
    let wish = wish::Wish::of(system, &instance.directory);
    if let (Policy::Last, Some(wish)) = (policy(system, &instance.name), wish) {
        files.set(layout::WISH, wish.text());
    }
    if !starts {
        files.set_down();
    }
    let (name, source) = (instance.service.clone(), source.to_string());
    Desired { name, source, files, delegation, author: Author::Root }
}
