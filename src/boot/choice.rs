//! What the caller of a front end chose, and how it asks between two services whether to go on.

use std::ops::ControlFlow;
use std::time::Duration;

use super::delegate::DelegateChoice;

/// Whether anything is to be changed.
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
    /// Whether what has gone is taken out of the scan directory.
    pub prune: bool,
    /// Nothing is started, whatever it did before.
    pub no_start: bool,
    /// Who may control the services, if another than the front end's own choice.
    pub delegate: DelegateChoice,
    /// How long supervisors of what has gone are waited for.
    pub patience: Duration,
    /// The launcher as run scripts name it.
    pub launcher: String,
    /// What is published of users' definitions; as the last `futo sync` had it if nobody says.
    pub hardening: Option<Hardening>,
}

/// What the programs of definitions that non-root users can write may gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardening {
    /// What modes, owners and file capabilities give them, as sudo needs it.
    Off,
    /// Nothing: `--no-new-privs --cap-drop all`.
    On,
}
