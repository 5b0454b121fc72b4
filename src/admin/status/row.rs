//! One row of the table: a service as text.

use std::time::{Duration, SystemTime};

use crate::admin::run_marks::marks;
use crate::escape::{escaped, field};
use crate::observe::{LogSummary, ServiceState, Snapshot, parse_time};
use crate::record::RunRecord;

const HOUR: Duration = Duration::from_secs(3600);

/// A service as text; an unknown field is empty.
pub(super) struct TableRow {
    pub(super) state: ServiceState,
    /// In the order of [`HEADINGS`].
    pub(super) fields: [String; HEADINGS.len()],
    /// The reason, or the last line of the log.
    pub(super) detail: String,
}

pub(super) const HEADINGS: [&str; 11] = [
    "SERVICE",
    "STATE",
    "SINCE",
    "DEATHS/H",
    "LAST RUN",
    "CODE",
    "FAILS",
    "NEXT",
    "LOG SIZE",
    "LOG AGE",
    "LAST RUNS",
];

/// How many runs have a mark, and how much of a history has most likely so many.
const MARKS: usize = 10;
pub(super) const MARKS_BYTES: u64 = 8 * 1024;

impl TableRow {
    pub(super) fn of(snapshot: &Snapshot, state: ServiceState, why: Option<&str>, now: SystemTime) -> Self {
        let ago = |at: SystemTime| span(now.duration_since(at).unwrap_or_default());
        let ahead = |at: SystemTime| match at.duration_since(now) {
            Ok(left) if !left.is_zero() => span(left),
            _ => "now".to_string(),
        };
        let record = snapshot.record.as_ref();
        let resting_since = || parse_time(&snapshot.current_record()?.resting.as_ref()?.since);
        let changed = || snapshot.status().map(|status| status.changed);
        let since = match state {
            ServiceState::Resting | ServiceState::Done | ServiceState::Gated => {
                resting_since().or_else(changed)
            }
            _ => changed(),
        };
        let ended = record.and_then(|record| parse_time(record.ended_at()?));
        let next = snapshot.current_record().and_then(|record| parse_time(record.next_due.as_ref()?));
        let deaths = snapshot.deaths_since(now.checked_sub(HOUR).unwrap_or(now));
        let text = |value: Option<String>| value.unwrap_or_default();
        let fields = [
            field(&snapshot.service.name),
            state.word().to_string(),
            text(since.map(ago)),
            text(deaths.map(|deaths| deaths.to_string())),
            text(ended.map(ago)),
            text(record.and_then(RunRecord::ended_status).map(|status| status.to_string())),
            text(record.map(|record| record.consecutive_failures.to_string())),
            text(next.map(ahead)),
            text(snapshot.log.as_ref().map(|log| size(log.size))),
            text(snapshot.log.as_ref().and_then(|log| log.written).map(ago)),
            marks(last_of(&snapshot.history, MARKS)),
        ];
        let log_trouble = snapshot.log.as_ref().and_then(log_trouble);
        let last_line = snapshot.log.as_ref().and_then(|log| log.last_line.as_deref());
        let detail = match (why.or(log_trouble.as_deref()), snapshot.troubles.first()) {
            (Some(why), _) => escaped(why),
            (None, Some(trouble)) => escaped(&trouble.text),
            (None, None) => last_line.map_or(String::new(), |line| format!("log: {}", escaped(line))),
        };
        TableRow { state, fields, detail }
    }
}

fn last_of<T>(all: &[T], count: usize) -> &[T] {
    all.get(all.len().saturating_sub(count)..).unwrap_or_default()
}

/// What keeps the pump of a log from writing it.
fn log_trouble(log: &LogSummary) -> Option<String> {
    let dropped = if log.dropped > 0 { format!(" ({} lines dropped)", log.dropped) } else { String::new() };
    log.trouble.as_ref().map(|why| format!("log cannot be written: {why}{dropped}"))
}

/// A time in its largest unit: `42s`, `5m`, `3h`, `12d`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// Bytes in their largest unit: `812`, `12K`, `3M`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];
    let mut number = bytes;
    let mut unit = UNITS.iter();
    let mut word = unit.next().copied().unwrap_or_default();
    while number >= 1024 {
        let Some(next) = unit.next() else { break };
        number /= 1024;
        word = next;
    }
    format!("{number}{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (900_000, "10d")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        for (bytes, text) in
            [(0, "0"), (1023, "1023"), (1024, "1K"), (10 << 20, "10M"), (u64::MAX, "16777215T")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
