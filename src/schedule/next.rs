//! Converts local times to instants. A time skipped because the clocks go forward becomes the first instant after the
//! gap; a time that occurs twice means the first. An hourly schedule follows real time instead. A day that a zone
//! skips entirely has no times.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::calendar::Calendar;
use super::zone::Zone;

/// The first instant after this one, in whole seconds.
pub(super) fn after(calendar: &Calendar, zone: &Zone, instant: Timestamp) -> Option<Timestamp> {
    match calendar.is_hourly() {
        true => by_real_time(calendar, zone.rules(), instant),
        false => by_local_time(calendar, zone.rules(), instant),
    }
}

fn by_local_time(calendar: &Calendar, rules: &TimeZone, instant: Timestamp) -> Option<Timestamp> {
    let mut local = next_second(rules.to_datetime(instant))?;
    loop {
        let found = calendar.first_from(local)?;
        match first_instant(rules, found) {
            // in the second pass of a repeated hour the local time has already occurred
            Some(start) if start > instant => return Some(start),
            _ => local = next_second(found)?,
        }
    }
}

/// None on a day that the zone skips.
fn first_instant(rules: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match rules.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // with the later offset it is before the gap
            let before = after.to_timestamp(local).ok()?;
            let end = rules.following(before).next()?.timestamp();
            let day = local.date();
            let is_of_this_day = |at: Timestamp| rules.to_datetime(at).date() == day;
            let last = Timestamp::from_second(end.as_second() - 1).ok()?;
            // a gap of a day that starts and ends next to this day skips it
            let left_out = !is_of_this_day(end) && !is_of_this_day(last);
            (!left_out).then_some(end)
        }
    }
}

fn by_real_time(calendar: &Calendar, rules: &TimeZone, instant: Timestamp) -> Option<Timestamp> {
    let mut from = Timestamp::from_second(instant.as_second() + 1).ok()?;
    loop {
        let offset: Offset = rules.to_offset(from);
        let found = calendar.first_from(offset.to_datetime(from));
        let start = found.and_then(|local| offset.to_timestamp(local).ok());
        // strictly after `before`: a change at `from` is already in the offset
        let change = rules.following(from).next().map(|change| change.timestamp());
        match (start, change) {
            (Some(start), Some(change)) if start >= change => from = change,
            (Some(start), _) => return Some(start),
            (None, _) => return None,
        }
    }
}

fn next_second(local: DateTime) -> Option<DateTime> {
    local.checked_add(jiff::SignedDuration::from_secs(1)).ok()
}
