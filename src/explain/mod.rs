//! `--explain`: the whole plan, and everything that would fail. It runs and changes nothing; as root it becomes the
//! worker's user first, to check with that user's permissions.

mod explained;
mod json;
mod text;
mod words;

use explained::Explained;

use crate::config::request::ExplainForm;
use crate::config::timing::Stays;
use crate::drop;
use crate::error::Findings;
use crate::exit::Exit;
use crate::plan::{Change, Draft};
use crate::ready;
use crate::report::print;

/// What to show in addition to the plan.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Whether a loop was requested: a plan without timing does not show it.
    pub stays: Stays,
    /// `--show-values`
    pub values: bool,
}

/// Prints the plan; returns 0 or the exit code of the failure to expect.
pub fn explain(draft: &Draft, mut findings: Findings, form: ExplainForm, shown: Shown) -> Exit {
    let plan = draft.plan();
    if plan.change == Change::Become
        && let Err(error) = drop::become_identity(plan)
    {
        findings.push(error);
    }
    let (environment, timing) = ready::inspect(draft, &mut findings);
    let found = ready::program::find(plan, &environment).ok();
    let explained = Explained {
        plan,
        environment: &environment,
        timing: timing.as_ref(),
        stays: shown.stays,
        found,
        findings: &findings,
        show_values: shown.values,
    };
    let page = match form {
        ExplainForm::Text => text::page(&explained),
        ExplainForm::Json => json::page(&explained),
    };
    print(&page);
    findings.exit()
}
