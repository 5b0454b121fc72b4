//! How long ago something was, and how that is written.

use std::time::{Duration, SystemTime};

use crate::sys::clock::BootTime;

pub(super) fn ago(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}

/// How long ago that was, in seconds of BOOTTIME.
pub(super) fn since_boot(at: Option<f64>) -> Option<Duration> {
    let at = Duration::try_from_secs_f64(at?).ok()?;
    Some(BootTime::now().since(BootTime::from_boot(at)))
}

pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // the seconds of a long span do not matter
    let rounded = if seconds >= 600 { seconds / 60 * 60 } else { seconds };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}
