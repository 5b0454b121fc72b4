//! A dry run on one definition.

use std::path::Path;

use super::source::{Foreign, user_of_volume};
use super::time_budget::TimeBudget;
use super::volume::{Candidate, Volume};
use crate::boot::choice::Hardening;
use crate::boot::report::ReportRow;
use crate::error::Findings;

/// The report of a run on one definition, without publishing it; `None` if it is not a definition.
pub fn judge(definition: &Path) -> Option<ReportRow> {
    let (source, name) = (definition.parent()?, definition.file_name()?);
    let failed = |failures: Findings| {
        let mut row = ReportRow::new(name.to_string_lossy());
        row.failures = failures;
        Some(row)
    };
    let abc = user_of_volume();
    let volume = Volume::new(abc.as_ref(), Foreign::Skipped, crate::service::launcher::NAME, Hardening::Off);
    let open = match volume.open(source) {
        Ok(Ok(open)) => open,
        Ok(Err(error)) => return failed(error.into()),
        Err(error) => return failed(error.into()),
    };
    match volume.read_entry(&open, name, &mut TimeBudget::default()) {
        Ok(Candidate::Definition { row, .. }) => Some(*row),
        Ok(Candidate::Nothing | Candidate::NoRun(..)) => None,
        Err(error) => failed(error.into()),
    }
}
