//! When a change has settled: editors replace a file in steps (the old one is moved away, a new one is made, and
//! written), and each step is an event of its own.

use std::time::Duration;

use super::clock::BootTime;

/// A change counts when nothing more has happened for this long,
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
    /// Notes an event.
    pub fn event(&mut self, now: BootTime) {
        let latest = *self.latest.get_or_insert(now.after(AT_LATEST));
        self.settled = Some(latest.min(now.after(QUIET)));
    }

    /// When the change will have settled, as far as is known; none if nothing has happened.
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
    fn a_change_settles_when_it_is_quiet_and_at_the_latest_after_a_bound() {
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
