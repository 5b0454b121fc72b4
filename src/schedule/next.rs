//! Local time to instants. A time that does not exist because the clocks go forward becomes the first
//! instant after the gap, one that occurs twice is the first of the two; a schedule of every hour follows
//! real time instead. A day that a zone leaves out altogether has no times.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::calendar::Calendar;
use super::zone::Zone;

/// The first instant after this one, both whole seconds.
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
            // in the second pass of an hour the local time has been there before
            Some(start) if start > instant => return Some(start),
            _ => local = next_second(found)?,
        }
    }
}

/// None on a day that the zone leaves out.
fn first_instant(rules: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match rules.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // with the later offset it lies before the gap
            let before = after.to_timestamp(local).ok()?;
            let end = rules.following(before).next()?.timestamp();
            let day = local.date();
            let is_of_this_day = |at: Timestamp| rules.to_datetime(at).date() == day;
            let last = Timestamp::from_second(end.as_second() - 1).ok()?;
            // a gap that is as long as a day and begins and ends beside this one leaves it out
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
        // strictly after `before`: a change at `from` itself has given the offset
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
