//! An assessment of a service: a state, and the reason for it.

use std::time::Duration;

use crate::observe::reason::Reason;
use crate::observe::state::ServiceState;

/// How long a service may take to report its readiness, or a gate of `--wait-for` to open.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(330);

/// The state, and the reason where that is not plain.
pub(super) type Assessment = (ServiceState, Option<Reason>);

pub(super) fn judged(state: ServiceState, why: impl Into<Reason>) -> Assessment {
    (state, Some(why.into()))
}
