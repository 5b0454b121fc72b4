//! Crontab's five fields and nicknames, as in Vixie cron's crontab(5).

use super::calendar::{Calendar, DayRule, Days, Set};
use crate::invalid::Invalid;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The five fields, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CronField {
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

/// Minute, hour, day of month, month, day of week.
pub(super) fn fields(fields: [&str; 5]) -> Result<Calendar, Invalid> {
    let [minute, hour, day, month, weekday] = fields;
    let weekdays = CronField::DayOfWeek.read(weekday)?;
    // a field that starts with a star restricts jointly with the other one
    let day_rule = match day.starts_with('*') || weekday.starts_with('*') {
        true => DayRule::Both,
        false => DayRule::Either,
    };
    Ok(Calendar {
        minutes: CronField::Minute.read(minute)?,
        hours: CronField::Hour.read(hour)?,
        days: Days::FromStart(CronField::DayOfMonth.read(day)?),
        months: CronField::Month.read(month)?,
        weekdays: (0..7)
            .filter(|day| weekdays.contains(*day) || (*day == 0 && weekdays.contains(7)))
            .collect(),
        day_rule,
        ..Calendar::daily()
    })
}

/// Whether a word can only be a field of a crontab, of this or another dialect.
pub(super) fn is_foreign_field(word: &str) -> bool {
    let is_part = |part: &str| {
        let lower = part.to_ascii_lowercase();
        let number = lower.trim_start_matches(|c: char| c.is_ascii_digit());
        matches!(number, "" | "*" | "?" | "l" | "w" | "lw")
            || MONTHS.contains(&lower.as_str())
            || WEEKDAYS.contains(&lower.as_str())
    };
    word.split([',', '-', '/', '#']).all(is_part)
}

/// The error for six or seven fields, as in schedulers that start with seconds; `rest` follows the sixth. The hint
/// offers only schedules that `is_schedule` accepts.
pub(super) fn more_than_five(fields: &[&str], rest: &[&str], is_schedule: impl Fn(&str) -> bool) -> Invalid {
    let [second, five @ .., sixth] = fields else { return Invalid::new("is not a crontab line") };
    let (year, zone) = match rest {
        [year, zone @ ..] if is_foreign_field(year) => (Some(*year), zone),
        zone => (None, zone),
    };
    let zone: String = zone.iter().map(|word| format!(" {word}")).collect();
    if year.is_none() && sixth.len() >= 4 && sixth.bytes().all(|byte| byte.is_ascii_digit()) {
        return Invalid::new("has a sixth field, which other schedulers read as the year")
            .hint(format!("for a year, use a calendar event: '{sixth}-*-* 09:00{zone}'"));
    }
    let invalid = Invalid::new(match year {
        None => "has six fields; other schedulers read the first as seconds",
        Some(_) => "has seven fields; other schedulers read the first as seconds and the last as the year",
    });
    if let Some(year) = year.filter(|year| *year != "*" && *year != "?") {
        let year = if year.len() == 4 { year } else { "2030" };
        return invalid
            .hint(format!("for years and seconds, use a calendar event: '{year}-*-* 09:00:30{zone}'"));
    }
    let words: Vec<String> = five.iter().chain([sixth]).map(|field| field.replace('?', "*")).collect();
    let is_every = words.iter().all(|field| field == "*");
    let has_numbered_weekday = sixth.contains(|c: char| c.is_ascii_digit());
    let written = |text: String| is_schedule(&text).then(|| format!("write '{text}'"));
    let remedy = match *second {
        "0" | "00" if has_numbered_weekday => Some(
            "omit the first field, and name the weekdays (mon-fri): other schedulers number them differently"
                .to_string(),
        ),
        "0" | "00" => written(format!("{}{zone}", words.join(" "))),
        second if is_every => {
            let field = second.strip_prefix("*/").map_or(second.to_string(), |step| format!("0/{step}"));
            written(format!("*:*:{field}{zone}"))
        }
        _ => None,
    };
    invalid.hint(remedy.unwrap_or_else(|| {
        format!("for seconds, use a calendar event: '*:*:0/10{zone}', 'Mon..Fri 09:00:30{zone}'")
    }))
}

/// Whether a word can only be one of the five fields.
pub(super) fn is_field(word: &str) -> bool {
    word.contains(|c: char| c == '*' || c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || "*/,".contains(c))
}

/// `@daily`
pub(super) fn nickname(word: &str) -> Result<Calendar, Invalid> {
    match word.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => fields(["0", "0", "1", "1", "*"]),
        "@monthly" => fields(["0", "0", "1", "*", "*"]),
        "@weekly" => fields(["0", "0", "*", "*", "0"]),
        "@daily" | "@midnight" => fields(["0", "0", "*", "*", "*"]),
        "@hourly" => fields(["0", "*", "*", "*", "*"]),
        "@reboot" => Err(Invalid::new("'@reboot' is not a time").hint("use --once instead of --schedule")),
        "@every" => {
            Err(Invalid::new("'@every' is not a time").hint("use --every DURATION instead of --schedule"))
        }
        _ => Err(Invalid::new(format!("'{word}' is not a nickname"))
            .hint("use @yearly, @monthly, @weekly, @daily or @hourly")),
    }
}

impl CronField {
    fn name(self) -> &'static str {
        match self {
            CronField::Minute => "minute",
            CronField::Hour => "hour",
            CronField::DayOfMonth => "day of month",
            CronField::Month => "month",
            CronField::DayOfWeek => "day of week",
        }
    }

    /// The lowest and highest number. 7 is also Sunday.
    fn bounds(self) -> (u32, u32) {
        match self {
            CronField::Minute => (0, 59),
            CronField::Hour => (0, 23),
            CronField::DayOfMonth => (1, 31),
            CronField::Month => (1, 12),
            CronField::DayOfWeek => (0, 7),
        }
    }

    /// The names of its numbers, from the lowest up.
    fn names(self) -> &'static [&'static str] {
        match self {
            CronField::Month => &MONTHS,
            CronField::DayOfWeek => &WEEKDAYS,
            CronField::Minute | CronField::Hour | CronField::DayOfMonth => &[],
        }
    }

    fn read(self, text: &str) -> Result<Set, Invalid> {
        let (min, highest) = (self.bounds().0, self.highest());
        let mut set = Set::default();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, part)?)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (min, highest),
                Some((first, last)) => (self.number(first)?, self.number(last)?),
                // 5/15 is 5-59/15
                None => {
                    let number = self.number(range)?;
                    (number, if step.is_some() { highest } else { number })
                }
            };
            // a range can end on Sunday, which is 0
            let last = if self == CronField::DayOfWeek && last == 0 && first > 0 { 7 } else { last };
            if first > last {
                let hint = format!("write two ranges, {first}-{highest} and {min}-{last}");
                return Err(
                    Invalid::new(format!("{}: '{range}' ends before it starts", self.name())).hint(hint)
                );
            }
            let step = step.unwrap_or(1);
            if step > 1 && first + step > last {
                let end = format!("{}: '{part}' steps beyond {last}", self.name());
                return Err(Invalid::new(end).hint(format!("without the step, write {first}")));
            }
            (first..=last).step_by(step as usize).for_each(|number| set.insert(number));
        }
        Ok(set)
    }

    /// The highest number covered by a star, with Sunday counted once.
    fn highest(self) -> u32 {
        if self == CronField::DayOfWeek { 6 } else { self.bounds().1 }
    }

    fn number(self, text: &str) -> Result<u32, Invalid> {
        let (name, (min, max), names) = (self.name(), self.bounds(), self.names());
        let lower = text.to_ascii_lowercase();
        if let Some(index) = names.iter().position(|each| *each == lower) {
            return Ok(min + index as u32);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match (text.parse::<u32>(), self.special(text)) {
            (Ok(number), _) if is_number && (min..=max).contains(&number) => Ok(number),
            (_, Some(remedy)) => {
                Err(Invalid::new(format!("{name}: '{text}' is not supported in a crontab")).hint(remedy))
            }
            (_, None) => {
                let names = if names.is_empty() { "" } else { " or a three-letter name" };
                Err(Invalid::new(format!("{name}: '{text}' is not a number from {min} to {max}{names}"))
                    .hint("the fields are minute, hour, day of month, month, day of week; then a zone"))
            }
        }
    }

    /// The equivalent of `L`, `W`, `#` and `?` in other schedulers.
    fn special(self, text: &str) -> Option<String> {
        let upper = text.to_ascii_uppercase();
        let number = |text: &str| text.parse::<usize>().ok();
        let weekday = |text: &str| {
            let index = WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
            let day = WEEKDAYS.get(index.or_else(|| number(text).map(|day| day % 7))?)?;
            Some(format!("{}{}", day.get(..1)?.to_ascii_uppercase(), day.get(1..)?))
        };
        match (self, upper.as_str()) {
            (_, "?") => Some("write *".to_string()),
            (CronField::DayOfMonth, "L") => {
                Some("for the last day of a month, use a calendar event: '*-*~1 04:30'".to_string())
            }
            (CronField::DayOfMonth, day) if day.ends_with('W') => {
                Some("there is no equivalent of the nearest working day: name the day".to_string())
            }
            (CronField::DayOfWeek, day) => {
                let (day, dates) = match (day.split_once('#'), day.strip_suffix('L')) {
                    (Some((day, count)), _) => {
                        let count = number(count).filter(|count| (1..=5).contains(count))?;
                        (weekday(day)?, format!("-{}..{}", count * 7 - 6, (count * 7).min(31)))
                    }
                    (None, Some(day)) => (weekday(day)?, "~7/1".to_string()),
                    (None, None) => return None,
                };
                Some(format!("use a calendar event: '{day} *-*{dates} 04:30'"))
            }
            _ => None,
        }
    }

    /// Bounded, so that sums do not overflow.
    fn step(self, text: &str, part: &str) -> Result<u32, Invalid> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(step) if is_number && step > 0 => Ok(step.min(10_000)),
            _ => Err(Invalid::new(format!(
                "{}: the step in '{part}' is not a number of 1 or more",
                self.name()
            ))),
        }
    }
}
