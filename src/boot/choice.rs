//! What the caller of a front end chose, and how a run asks whether to go on.

use std::ops::ControlFlow;
use std::time::Duration;

use super::delegate::DelegateChoice;

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Yes.
    Apply,
    /// No: `--dry-run`.
    Look,
}

/// Asked between two services: whether to go on.
pub type GoOn<'g> = &'g mut dyn FnMut() -> ControlFlow<()>;

/// What the caller of a front end chose.
#[derive(Debug)]
pub struct Choice {
    /// Whether anything is changed.
    pub intent: Intent,
    /// Whether services whose source is gone are pruned.
    pub prune: bool,
    /// No service is started, whatever its last state.
    pub no_start: bool,
    /// Who may control the services, if the caller overrides the front end's default.
    pub delegate: DelegateChoice,
    /// How long to wait for the supervisors of pruned services.
    pub patience: Duration,
    /// The launcher, as run scripts name it.
    pub launcher: String,
    /// How definitions of users are published; as in the last `futo sync` if unset.
    pub hardening: Option<Hardening>,
}

/// What privileges the programs of user-writable definitions may gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardening {
    /// Those that set-id bits and file capabilities grant, as sudo needs them.
    Off,
    /// Nothing: `--no-new-privs --cap-drop all`.
    On,
}
