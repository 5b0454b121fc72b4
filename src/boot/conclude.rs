//! The last steps of both front ends: s6-svscan is notified of what is published, and what has gone is pruned.

use std::collections::BTreeSet;
use std::time::Duration;

use super::report::{self, Report, Row};
use super::scan::ScanDirectory;
use super::service_directory::SlotError;
use crate::error::Finding;

/// Tells s6-svscan of what is published, and says what it does not take up.
pub(super) fn tell(scan: &ScanDirectory, patience: Duration, report: &mut Report) {
    let published = |row: &Row| row.change.and(row.service.clone());
    let names: Vec<String> = report.rows.iter().filter_map(published).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let missing = report.failures.take(scan.tell_of(&names, patience)).unwrap_or_default();
    for row in &mut report.rows {
        if let Some(name) = row.service.clone().filter(|name| missing.contains(name)) {
            row.fail(match scan.stranger_with_lock(&name) {
                Some(pid) => SlotError::LockedByStranger { name, pid },
                None => SlotError::NotTakenUp { name },
            });
        }
    }
    report.warnings.add_new(scan.troubles());
}

/// Takes out what this command made and nobody wants any more, a row each. A source that is not among
/// the `listed` ones tells of nothing that it has gone.
pub(super) fn prune(
    scan: &ScanDirectory,
    wanted: &BTreeSet<String>,
    listed: &BTreeSet<String>,
    patience: Duration,
    report: &mut Report,
) {
    let others = report.failures.take(scan.others(wanted)).unwrap_or_default();
    let (gone, stays): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, source)| listed.contains(source));
    for source in stays.into_iter().map(|(_, source)| source).collect::<BTreeSet<_>>() {
        let text = format!("{source} could not be listed: what was made from it stays");
        report.warnings.push(Finding::trouble(text, None));
    }
    let gone: Vec<String> = gone.into_iter().map(|(name, _)| name).collect();
    if gone.is_empty() {
        return;
    }
    for (name, pruned) in scan.prune(&gone, patience, &mut report.failures) {
        let mut row = Row::new(name.clone());
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
