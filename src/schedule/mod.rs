//! Schedules: `Mon..Fri 09:00 Asia/Tokyo` (a subset of systemd's calendar events, with the same meaning) and crontab's
//! five fields and nicknames, using built-in zone data.

mod calendar;
mod cron;
mod event;
mod field;
mod next;
mod zone;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::invalid::{Invalid, refuse_quotes};
use calendar::{Calendar, Set};
pub use zone::{Zone, ZoneError};

/// A schedule; the zone can come from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// As written, without the zone.
    text: String,
    calendar: Calendar,
    zone: Option<Zone>,
}

/// A schedule in its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonedSchedule {
    text: String,
    calendar: Calendar,
    zone: Zone,
}

impl Schedule {
    /// Parses a schedule: five crontab fields, a nickname (`@daily`), or a calendar event. A zone can be the last
    /// word, or `TZ=ZONE` the first. A schedule that never occurs (31 February) is invalid.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        refuse_quotes(text.trim())?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let (assigned, words) = zone_assignment(&words)?;
        let (calendar, zone) = match words {
            [] => return Err(Invalid::new("is empty").hint(field::EXAMPLES)),
            [nickname, zone @ ..] if nickname.starts_with('@') => {
                (cron::nickname(nickname)?, zone_of(zone, "a nickname")?)
            }
            [first, second, third, fourth, fifth, sixth, rest @ ..]
                if [first, second, third, fourth, fifth, sixth]
                    .iter()
                    .all(|word| cron::is_foreign_field(word)) =>
            {
                return Err(cron::more_than_five(
                    &[first, second, third, fourth, fifth, sixth],
                    rest,
                    |text| Schedule::parse(text).is_ok(),
                ));
            }
            [minute, hour, day, month, weekday, zone @ ..] => {
                (cron::fields([minute, hour, day, month, weekday])?, zone_of(zone, "five fields")?)
            }
            [_, _, ..] if words.iter().all(|word| cron::is_field(word)) => {
                let reason = format!("has {} of a crontab's five fields", words.len());
                return Err(Invalid::new(reason).hint(field::EXAMPLES));
            }
            words => event::parse(words)?,
        };
        refuse_what_never_occurs(&calendar)?;
        let without_zone = words.len() - usize::from(zone.is_some());
        let text = words.get(..without_zone).unwrap_or_default().join(" ");
        match (assigned, zone) {
            (Some(_), Some(_)) => {
                Err(Invalid::new("names two zones")
                    .hint("remove the one before the schedule, or the last word"))
            }
            (assigned, zone) => Ok(Schedule { text, calendar, zone: assigned.or(zone) }),
        }
    }

    /// Whether a word is probably part of a schedule: a field of a crontab, a time, weekdays, a zone.
    pub(crate) fn is_part(word: &str) -> bool {
        cron::is_field(word) || event::is_time_or_weekdays(word) || Zone::exists(word)
    }

    /// Whether it names its zone.
    pub fn names_zone(&self) -> bool {
        self.zone.is_some()
    }

    /// In its own zone, or in the one returned by `default`.
    pub fn in_zone<E>(self, default: impl FnOnce() -> Result<Zone, E>) -> Result<ZonedSchedule, E> {
        let zone = match self.zone {
            Some(zone) => zone,
            None => default()?,
        };
        Ok(ZonedSchedule { text: self.text, calendar: self.calendar, zone })
    }
}

/// `TZ=Asia/Tokyo` or `CRON_TZ=Asia/Tokyo` before the schedule, and the words after it.
fn zone_assignment<'w, 't>(words: &'w [&'t str]) -> Result<(Option<Zone>, &'w [&'t str]), Invalid> {
    let [first, rest @ ..] = words else { return Ok((None, words)) };
    let Some(name) = ["TZ=", "CRON_TZ="].iter().find_map(|variable| first.strip_prefix(variable)) else {
        return Ok((None, words));
    };
    let name = name.trim_matches(['"', '\'']);
    Ok((Some(Zone::named(name.strip_prefix(':').unwrap_or(name))?), rest))
}

fn zone_of(words: &[&str], after: &str) -> Result<Option<Zone>, Invalid> {
    const COMMAND: &str = "the command comes after the options: --schedule 'WHEN' -- COMMAND";
    match words {
        [] => Ok(None),
        [path, ..]
            if path.contains('/') && Zone::named(path).is_err() && path.starts_with(['/', '.', '~']) =>
        {
            Err(Invalid::new(format!("has a command after {after}")).hint(COMMAND))
        }
        [zone] => Ok(Some(Zone::named(zone)?)),
        _ => Err(Invalid::new(format!("has more than a zone after {after}")).hint(COMMAND)),
    }
}

fn refuse_what_never_occurs(calendar: &Calendar) -> Result<(), Invalid> {
    if calendar.ever_occurs() {
        return Ok(());
    }
    let on_any_weekday = Calendar { weekdays: Set::range(0, 6), ..calendar.clone() };
    Err(match on_any_weekday.ever_occurs() {
        true => Invalid::new("never occurs: the date never falls on that weekday").hint("omit the weekday"),
        false => Invalid::new("never occurs: there is no such date")
            .hint("for the last day of a month, write '*-*~1'; of February, '*-02~1'"),
    })
}

impl ZonedSchedule {
    /// The first start after an instant; none if there are no more before the year 2200.
    pub fn after(&self, instant: SystemTime) -> Option<SystemTime> {
        let next = next::after(&self.calendar, &self.zone, seconds(instant)?)?;
        Some(UNIX_EPOCH + Duration::from_secs(next.as_second().try_into().ok()?))
    }

    /// RFC 3339 with the zone's offset, to the second.
    pub fn local(&self, instant: SystemTime) -> String {
        seconds(instant).map_or_else(String::new, |instant| self.zone.local(instant))
    }

    /// The zone of its times.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Identifies the schedule in the run record: as written, and the zone's name.
    pub fn key(&self) -> String {
        format!("{} {}", self.text, self.zone.name())
    }
}

/// As written, with its zone and the origin of the zone.
impl fmt::Display for ZonedSchedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}", self.text, self.zone)
    }
}

/// The whole second at or before an instant.
fn seconds(instant: SystemTime) -> Option<Timestamp> {
    let second = match instant.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok()?,
        // there are no times before 1970
        Err(_) => -1,
    };
    Timestamp::from_second(second).ok()
}

#[cfg(test)]
mod tests;
