//! The lines of a report.

use std::fmt::Write as _;

use crate::boot::report::{ReportRow, field};

/// One line per service.
pub fn lines(rows: &[ReportRow]) -> String {
    let mut lines = String::new();
    for row in rows {
        let _ = writeln!(lines, "sync: service={} action={}", field(&row.shown), row.action);
    }
    lines
}
