//! The options of a run, and the callback that may interrupt it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::delegate::DelegateChoice;

/// Whether a run makes changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It does.
    Apply,
    /// It does not: `--dry-run`.
    DryRun,
}

/// Called between two services: whether to continue.
pub type GoOn<'g> = &'g mut dyn FnMut() -> ControlFlow<()>;

/// The options of a run.
#[derive(Debug)]
pub struct Choice {
    /// Whether it makes changes.
    pub intent: Intent,
    /// Whether services without a source are pruned.
    pub prune: bool,
    /// No service is started, whatever its last state.
    pub no_start: bool,
    /// Who may control the services, if not the default of the command.
    pub delegate: DelegateChoice,
    /// How long to wait for the supervisors of pruned services.
    pub patience: Duration,
    /// The launcher, as written in run scripts.
    pub launcher: String,
    /// How user-writable definitions are published; if unset, as in the last `futo sync`.
    pub hardening: Option<Hardening>,
}

/// The privileges that programs of user-writable definitions may gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardening {
    /// Those granted by set-id bits and file capabilities, as sudo requires.
    Off,
    /// None: `--no-new-privs --cap-drop all`.
    On,
}
