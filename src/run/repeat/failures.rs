//! Counts failures in a row.

use std::time::Duration;

use crate::config::timing::Timing;
use crate::config::value::Backoff;

#[derive(Debug, Default)]
pub(super) struct Failures {
    /// For `--max-failures` and the lines on stderr.
    pub(super) in_a_row: u32,
    /// Those among them from runs of at most a minute; for `--backoff`.
    short: u32,
}

impl Failures {
    /// Resets the count after a success; returns how many runs had failed.
    pub(super) fn reset(&mut self) -> u32 {
        std::mem::take(self).in_a_row
    }

    /// Counts a failed run of this duration.
    pub(super) fn add(&mut self, duration: Duration) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let is_long = duration > Backoff::RESETS_AFTER;
        self.short = if is_long { 1 } else { self.short.saturating_add(1) };
    }

    /// Whether `--max-failures` is reached.
    pub(super) fn are_too_many(&self, timing: &Timing) -> bool {
        timing.max_failures.is_some_and(|most| self.in_a_row >= most)
    }

    /// The delay as extended by `--backoff`.
    pub(super) fn stretched_delay(&self, timing: &Timing) -> Option<Duration> {
        let (backoff, base) = timing.backoff.zip(timing.pace.delay())?;
        Some(backoff.delay(base.duration(), self.short))
    }
}
