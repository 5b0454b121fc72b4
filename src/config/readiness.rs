//! When the supervisor is notified that the service is ready.

use super::error::SpecError;
use super::flags::{Key, ReadinessOption};
use super::request::{self, Given};
use super::settings::Settings;
use super::timing::Stays;
use super::value::{Delay, Lookup, ReadyForm};
use crate::error::Findings;

/// The readiness options as requested.
#[derive(Clone, Default)]
pub struct ReadinessSpec {
    /// What makes the service ready; if none, the start of a loop, or the worker itself.
    pub form: Option<ReadyForm>,
    /// `--ready-timeout`; may depend on variables.
    timeout: Option<Given>,
}

/// Shows only the name of the option.
impl std::fmt::Debug for ReadinessSpec {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {:?}", self.form, self.timeout.as_ref().map(Given::place))
    }
}

/// The last option of each kind; options without effect are refused.
pub(super) fn spec(
    form: Option<ReadyForm>,
    options: Vec<Given>,
    stays: Stays,
    findings: &mut Findings,
) -> ReadinessSpec {
    let last = |option| request::last(&options, Key::Readiness(option)).cloned();
    let (ready, timeout) = (last(ReadinessOption::Ready), last(ReadinessOption::ReadyTimeout));
    let needs_loop = matches!(form, Some(ReadyForm::FirstSuccess | ReadyForm::SdNotify));
    if let (true, Stays::No, Some(ready)) = (needs_loop, stays, &ready) {
        findings.push(SpecError::NeedsTiming { place: ready.place() });
    }
    // an invalid form has been reported already
    let is_waited_for = matches!(form, Some(ReadyForm::Check(_))) || (form.is_none() && ready.is_some());
    if let (false, Some(timeout)) = (is_waited_for, &timeout) {
        findings.push(SpecError::NothingToWaitFor { place: timeout.place() });
    }
    ReadinessSpec { form, timeout }
}

impl ReadinessSpec {
    /// `--ready-timeout`, with the worker's variables.
    pub fn timeout(&self, variables: Lookup<'_>, findings: &mut Findings) -> Option<Delay> {
        let mut settings = Settings::default();
        findings.take(self.timeout.as_ref()?.apply(&mut settings, variables))?;
        settings.ready_timeout
    }
}
