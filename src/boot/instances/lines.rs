//! One line per instance: on stdout, and in the boot log on the volume.

use super::system::System;
use crate::boot::report::{FAILED, ReportRow, field};

/// The action of a service that is running or about to run.
pub(super) const STARTED: &str = "started";

/// The action of a service that is published and down.
pub(super) const REGISTERED: &str = "registered";

/// The action of a service that was commanded down.
pub(super) const STOPPED: &str = "stopped";

/// One line per row, each starting with `start`.
pub fn lines(system: &System, rows: &[ReportRow], start: &str) -> String {
    rows.iter().map(|row| line(system, row, start) + "\n").collect()
}

/// A line of the boot log, with the additional field if there is one.
pub(super) fn boot_log_line(system: &System, row: &ReportRow, stamp: &str, word: Option<&str>) -> String {
    let line = line(system, row, stamp);
    match &system.log_field.name {
        Some(name) => format!("{line} {name}={}\n", word.unwrap_or(system.log_field.other())),
        None => format!("{line}\n"),
    }
}

/// One of these lines, without a newline.
fn line(system: &System, row: &ReportRow, start: &str) -> String {
    let prior = row.prior_state.as_deref().map_or("None".to_string(), field);
    let action = if row.has_failed() && row.change.is_none() { FAILED } else { row.action };
    format!("{start} {}={} prior_state={prior} action={action}", system.label, field(&row.shown))
}
