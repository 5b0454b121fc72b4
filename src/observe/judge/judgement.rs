//! What a judgement consists of: a state, and the reason for it.

use std::time::Duration;

use crate::observe::reason::Reason;
use crate::observe::state::State;

/// How long a service may take to report its readiness, or a gate of `--wait-for` to open.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(330);

/// The state, and the reason where that is not plain.
pub(super) type Judgement = (State, Option<Reason>);

pub(super) fn judged(state: State, why: impl Into<Reason>) -> Judgement {
    (state, Some(why.into()))
}
