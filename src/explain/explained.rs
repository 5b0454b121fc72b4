//! The data behind the text and JSON forms.

use std::path::PathBuf;

use crate::config::timing::{Stays, Timing};
use crate::error::Findings;
use crate::plan::Plan;
use crate::ready::environment::Environment;

/// A plan, and what is known about it.
pub(super) struct Explained<'a> {
    pub(super) plan: &'a Plan,
    pub(super) environment: &'a Environment,
    /// None without a timing option, or with a finding about it.
    pub(super) timing: Option<&'a Timing>,
    /// Whether a loop was requested: a plan without timing does not show it.
    pub(super) stays: Stays,
    /// The path of the program, as far as it is found.
    pub(super) found: Option<PathBuf>,
    pub(super) findings: &'a Findings,
    /// `--show-values`
    pub(super) show_values: bool,
}
