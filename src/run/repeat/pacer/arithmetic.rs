//! Time arithmetic that neither overflows nor panics.

use std::time::{Duration, SystemTime};

/// Whether `--max-late` forbids a run that is this late.
pub(super) fn is_too_late(late: Duration, most: Option<Duration>) -> bool {
    most.is_some_and(|most| late > most)
}

/// An earlier instant, but not before 1970.
pub(super) fn earlier(instant: SystemTime, by: Duration) -> SystemTime {
    instant.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The remainder of a time after whole steps.
pub(super) fn remainder(time: Duration, step: Duration) -> Duration {
    times(Duration::from_nanos(1), time.as_nanos() % step.as_nanos().max(1))
}

/// A multiple of a duration, saturating.
pub(super) fn times(duration: Duration, number: u128) -> Duration {
    let nanoseconds = duration.as_nanos().saturating_mul(number);
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanoseconds % 1_000_000_000).unwrap_or(0))
}
