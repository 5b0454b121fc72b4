//! A closed gate as it was reported, and when it is checked again.

use std::time::Duration;

use super::words::shortened;
use crate::config::value::Gate;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::record::{Resting, RestingKind, write_resting};
use crate::report::Reporter;
use crate::run::{Closed, Recheck};
use crate::sys::clock::BootTime;

/// The first pause before a gate's command is run again; it doubles each time, since most dependencies are up within
/// seconds.
const FIRST_RECHECK: Duration = Duration::from_secs(1);
/// The longest pause between rechecks: a short command every ten seconds is cheap, and limits the delay.
const MAX_RECHECK: Duration = Duration::from_secs(10);
/// The same for a port, whose helper tries for several seconds each time.
const FIRST_PORT_RECHECK: Duration = Duration::from_millis(100);
const PORT_RECHECK: Duration = Duration::from_secs(1);
/// A different reason is logged at most this often,
const NEW_REASON_AFTER: Duration = Duration::from_secs(60);
/// and the same one again after this long.
const SAME_REASON_AFTER: Duration = Duration::from_secs(3600);

/// The closed gate that was reported.
#[derive(Debug)]
pub(super) struct ClosedGate {
    gate: Gate,
    /// The pause before the last recheck.
    pause: Duration,
    pub(super) resting: Resting,
    logged: String,
    logged_at: BootTime,
}

/// Describes a closed gate, and the reason if it is known.
pub(super) fn in_words(gate: &Gate, why: Option<&str>) -> String {
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    shortened(&format!("closed until {gate}{why}"))
}

impl ClosedGate {
    /// Reports a gate in log and record; `until` describes what ends the rest.
    pub(super) fn report(closed: Closed, until: &str, plan: &Plan, reporter: &mut Reporter) -> Self {
        let reason = in_words(&closed.gate, closed.why.as_deref());
        reporter.info(&format!("{reason}; resting{until}"));
        let resting = Resting::now(RestingKind::Gate, reason.clone(), Exit::OK);
        write_resting(plan, Some(resting.clone()), reporter);
        let pause = match closed.recheck {
            Recheck::Port => FIRST_PORT_RECHECK,
            Recheck::OnChange | Recheck::Command => FIRST_RECHECK,
        };
        ClosedGate { gate: closed.gate, pause, resting, logged: reason, logged_at: BootTime::now() }
    }

    /// Whether it is this gate.
    pub(super) fn is(&self, gate: &Gate) -> bool {
        self.gate == *gate
    }

    /// The gate is still closed. Another reason is recorded at once, and logged now and then.
    pub(super) fn again(self, closed: &Closed, plan: &Plan, reporter: &mut Reporter) -> Self {
        let ClosedGate { gate, pause, mut resting, mut logged, mut logged_at } = self;
        if let Some(why) = closed.why.as_deref() {
            let reason = in_words(&gate, Some(why));
            let now = BootTime::now();
            let quiet = if reason == logged { SAME_REASON_AFTER } else { NEW_REASON_AFTER };
            if now.since(logged_at) >= quiet {
                reporter.info(&format!("still {reason}"));
                (logged, logged_at) = (reason.clone(), now);
            }
            if reason != resting.reason {
                resting.reason = reason;
                write_resting(plan, Some(resting.clone()), reporter);
            }
        }
        let pause = match closed.recheck {
            Recheck::Port => PORT_RECHECK,
            Recheck::OnChange | Recheck::Command => (pause * 2).min(MAX_RECHECK),
        };
        ClosedGate { gate, pause, resting, logged, logged_at }
    }

    /// When to check it again.
    pub(super) fn recheck_at(&self) -> BootTime {
        BootTime::now().after(self.pause)
    }
}
