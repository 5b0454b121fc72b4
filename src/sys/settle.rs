//! Detects when a change has settled: editors replace a file in steps (move the old one, create a new one, write it),
//! each with its own event.

use std::time::Duration;

use super::clock::BootTime;

/// A change has settled after this long without events,
const QUIET: Duration = Duration::from_millis(100);
/// or this long after the first event at the latest.
const AT_LATEST: Duration = Duration::from_millis(500);

/// The events of one change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settling {
    latest: Option<BootTime>,
    settled: Option<BootTime>,
}

impl Settling {
    /// Records an event.
    pub fn event(&mut self, now: BootTime) {
        let latest = *self.latest.get_or_insert(now.after(AT_LATEST));
        self.settled = Some(latest.min(now.after(QUIET)));
    }

    /// When the change will have settled, without further events; none if there was no event.
    pub fn due(&self) -> Option<BootTime> {
        self.settled
    }

    /// Whether a change has settled.
    pub fn is_over(&self, now: BootTime) -> bool {
        self.settled.is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_settles_when_quiet_or_after_the_limit() {
        let start = BootTime::now();
        let mut settling = Settling::default();
        assert!(settling.due().is_none() && !settling.is_over(start));
        settling.event(start);
        assert!(!settling.is_over(start.after(QUIET / 2)) && settling.is_over(start.after(QUIET)));
        for tenth in 1..20 {
            settling.event(start.after(QUIET / 2 * tenth));
        }
        assert_eq!(settling.due(), Some(start.after(AT_LATEST)));
    }
}
