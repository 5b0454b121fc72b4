//! What the text and the JSON form are made of.

use std::path::PathBuf;

use crate::config::timing::{Stays, Timing};
use crate::error::Findings;
use crate::plan::Plan;
use crate::ready::environment::Environment;

/// A plan, and what is known of it.
pub(super) struct Explained<'a> {
    pub(super) plan: &'a Plan,
    pub(super) environment: &'a Environment,
    /// None without a timing option, or with a finding about it.
    pub(super) timing: Option<&'a Timing>,
    /// Whether the words asked for a loop: a plan without its timing does not say.
    pub(super) stays: Stays,
    /// The program as it would be found.
    pub(super) found: Option<PathBuf>,
    pub(super) findings: &'a Findings,
    /// `--show-values`
    pub(super) show_values: bool,
}
