//! The clocks. Delays use BOOTTIME, which includes suspended time, but not steps of the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// An instant of BOOTTIME, as the time since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// The current instant.
    pub fn now() -> Self {
        // the clock exists since Linux 2.6.39, so the call cannot fail
        BootTime(clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default())
    }

    /// The instant this long after boot.
    pub fn from_boot(time: Duration) -> Self {
        BootTime(time)
    }

    /// The instant this much later.
    pub fn after(self, delay: Duration) -> Self {
        BootTime(self.0.saturating_add(delay))
    }

    /// The time since `earlier`; zero if that is later.
    pub fn since(self, earlier: BootTime) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The time since boot, for timerfd_settime.
    pub fn since_boot(self) -> Duration {
        self.0
    }
}

/// The processor time used by this process, independent of other processes.
pub fn processor_time() -> Duration {
    // exists wherever BOOTTIME does
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Sleeps for this long.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The current time of the wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock's home")]
pub fn wall_now() -> SystemTime {
    SystemTime::now()
}

/// `2026-11-22T03:45:54Z`
pub fn utc_now() -> String {
    utc(wall_now())
}

/// The same to the millisecond, rounded down.
pub fn utc_to_the_millisecond(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time.max(UNIX_EPOCH)).to_string()
}

/// Parses the output of [`utc`] and [`utc_to_the_millisecond`].
pub fn from_utc(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// RFC 3339 in UTC, to the second.
pub fn utc(time: SystemTime) -> String {
    // humantime formats only times since 1970
    humantime::format_rfc3339_seconds(time.max(UNIX_EPOCH)).to_string()
}
