//! The last steps of both front ends: notifying s6-svscan, and pruning services without a source.

use std::collections::BTreeSet;
use std::time::Duration;

use super::report::{self, Report, ReportRow};
use super::scan::ScanDirectory;
use super::scan::supervised::Holder;
use super::service_directory::PublishError;
use crate::error::Finding;

/// Notifies s6-svscan, and reports the services that it does not pick up.
pub(super) fn notify(scan: &ScanDirectory, patience: Duration, report: &mut Report) {
    let published = |row: &ReportRow| row.change.and(row.service.clone());
    let names: Vec<String> = report.rows.iter().filter_map(published).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let missing = report.failures.take(scan.notify(&names, patience)).unwrap_or_default();
    for row in &mut report.rows {
        if let Some(name) = row.service.clone().filter(|name| missing.contains(name)) {
            row.fail(match scan.lock_holder(&name) {
                Holder::Other(pid) => PublishError::LockedByOtherUser { name, pid },
                Holder::None | Holder::Supervisor => PublishError::NotPickedUp { name },
            });
        }
    }
    report.warnings.add_new(scan.troubles());
}

/// Prunes the services published by this command that are not `kept`, one row each. A source that is not `listed` could
/// not be read: the services published from it are kept.
pub(super) fn prune(
    scan: &ScanDirectory,
    kept: &BTreeSet<String>,
    listed: &BTreeSet<String>,
    patience: Duration,
    report: &mut Report,
) {
    let others = report.failures.take(scan.others(kept)).unwrap_or_default();
    let (gone, stays): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, source)| listed.contains(source));
    for source in stays.into_iter().map(|(_, source)| source).collect::<BTreeSet<_>>() {
        let text = format!("unable to list {source}: services published from it are kept");
        report.warnings.push(Finding::trouble(text, None));
    }
    let gone: Vec<String> = gone.into_iter().map(|(name, _)| name).collect();
    if gone.is_empty() {
        return;
    }
    for (name, pruned) in scan.prune(&gone, patience, &mut report.failures) {
        let mut row = ReportRow::new(name.clone());
        row.service = Some(name);
        match pruned {
            Ok(change) => {
                row.change = Some(change);
                row.action = report::change_word(change);
            }
            Err(error) => row.fail(error),
        }
        report.rows.push(row);
    }
}
