//! One line per instance: on stdout, and in the boot log on the volume.

use super::system::System;
use crate::boot::report::{FAILED, ReportRow, field};

/// The action of a service that runs, or is about to.
pub(super) const STARTED: &str = "started";

/// Of one that is published, and down.
pub(super) const REGISTERED: &str = "registered";

/// Of one that was ordered down.
pub(super) const STOPPED: &str = "stopped";

/// The lines of the rows, each following `start`.
pub fn lines(system: &System, rows: &[ReportRow], start: &str) -> String {
    rows.iter().map(|row| line(system, row, start) + "\n").collect()
}

/// One of these lines, without its end.
pub(super) fn line(system: &System, row: &ReportRow, start: &str) -> String {
    let prior = row.prior_state.as_deref().map_or("None".to_string(), field);
    let action = if row.has_failed() && row.change.is_none() { FAILED } else { row.action };
    format!("{start} {}={} prior_state={prior} action={action}", system.label, field(&row.shown))
}
