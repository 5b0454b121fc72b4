//! The fields of a schedule as sets, and the search for the next matching local time.

use jiff::civil::{Date, DateTime, Time, Weekday};

/// The years allowed in a schedule, as in systemd.
pub(super) const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// A set of small numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    /// Both ends are included.
    pub(super) fn range(first: u32, last: u32) -> Self {
        (first..=last).collect()
    }

    pub(super) fn insert(&mut self, number: u32) {
        self.0 |= 1_u64.checked_shl(number).unwrap_or(0);
    }

    pub(super) fn contains(self, number: u32) -> bool {
        self.0 & 1_u64.checked_shl(number).unwrap_or(0) != 0
    }

    /// The smallest member from this number up.
    fn from(self, number: u32) -> Option<u32> {
        let rest = self.0 & u64::MAX.checked_shl(number).unwrap_or(0);
        (rest != 0).then(|| rest.trailing_zeros())
    }
}

impl FromIterator<u32> for Set {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Set::default();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

/// The years of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Years {
    Every,
    These(Vec<i16>),
}

/// The days of a month, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// Counted from its first day.
    FromStart(Set),
    /// Counted from its last day, which is 1.
    FromEnd(Set),
}

/// How days of the month and days of the week combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// Both must match.
    Both,
    /// Either suffices: crontab, if both are restricted.
    Either,
}

/// The fields of a schedule, matching the local times that match all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) years: Years,
    pub(super) months: Set,
    pub(super) days: Days,
    /// 0 is Sunday.
    pub(super) weekdays: Set,
    pub(super) day_rule: DayRule,
    pub(super) hours: Set,
    pub(super) minutes: Set,
    pub(super) seconds: Set,
}

impl Calendar {
    /// Every day at midnight.
    pub(super) fn daily() -> Self {
        Calendar {
            years: Years::Every,
            months: Set::range(1, 12),
            days: Days::FromStart(Set::range(1, 31)),
            weekdays: Set::range(0, 6),
            day_rule: DayRule::Both,
            hours: Set::range(0, 0),
            minutes: Set::range(0, 0),
            seconds: Set::range(0, 0),
        }
    }

    /// Whether it runs every hour: such a schedule follows real time across clock changes.
    pub(super) fn is_hourly(&self) -> bool {
        self.hours == Set::range(0, 23)
    }

    /// Whether such a date exists in any year.
    pub(super) fn ever_occurs(&self) -> bool {
        self.first_date(Date::constant(*YEARS.start(), 1, 1)).is_some()
    }

    /// The first matching local time at or after this one.
    pub(super) fn first_from(&self, start: DateTime) -> Option<DateTime> {
        let date = self.first_date(start.date())?;
        if date == start.date()
            && let Some(time) = self.first_time(start.time())
        {
            return Some(date.to_datetime(time));
        }
        let date = match date == start.date() {
            true => self.first_date(date.tomorrow().ok()?)?,
            false => date,
        };
        self.first_time(Time::midnight()).map(|time| date.to_datetime(time))
    }

    fn first_time(&self, start: Time) -> Option<Time> {
        let [hour, minute, second] =
            [start.hour(), start.minute(), start.second()].map(|number| number as u32);
        let first_minute = self.minutes.from(0)?;
        let first_second = self.seconds.from(0)?;
        let found = match self.hours.from(hour)? {
            same if same == hour => match self.minutes.from(minute) {
                Some(same) if same == minute => match self.seconds.from(second) {
                    Some(second) => (hour, minute, second),
                    None => match self.minutes.from(minute + 1) {
                        Some(minute) => (hour, minute, first_second),
                        None => (self.hours.from(hour + 1)?, first_minute, first_second),
                    },
                },
                Some(later) => (hour, later, first_second),
                None => (self.hours.from(hour + 1)?, first_minute, first_second),
            },
            later => (later, first_minute, first_second),
        };
        let (hour, minute, second) = found;
        Time::new(hour as i8, minute as i8, second as i8, 0).ok()
    }

    fn first_date(&self, start: Date) -> Option<Date> {
        let mut date = start.max(Date::constant(*YEARS.start(), 1, 1));
        while date.year() <= *YEARS.end() {
            if !self.has_year(date.year()) {
                date = Date::new(self.next_year(date.year())?, 1, 1).ok()?;
            } else if !self.months.contains(date.month() as u32) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if !self.has_day(date) {
                date = date.tomorrow().ok()?;
            } else {
                return Some(date);
            }
        }
        None
    }

    fn has_year(&self, year: i16) -> bool {
        match &self.years {
            Years::Every => true,
            Years::These(years) => years.contains(&year),
        }
    }

    fn next_year(&self, after: i16) -> Option<i16> {
        match &self.years {
            Years::Every => Some(after + 1),
            Years::These(years) => years.iter().copied().filter(|year| *year > after).min(),
        }
    }

    fn has_day(&self, date: Date) -> bool {
        let in_month = match self.days {
            Days::FromStart(days) => days.contains(date.day() as u32),
            Days::FromEnd(days) => days.contains((date.days_in_month() - date.day() + 1) as u32),
        };
        let in_week = self.weekdays.contains(weekday_number(date.weekday()));
        match self.day_rule {
            DayRule::Both => in_month && in_week,
            DayRule::Either => in_month || in_week,
        }
    }
}

fn weekday_number(weekday: Weekday) -> u32 {
    weekday.to_sunday_zero_offset() as u32
}
