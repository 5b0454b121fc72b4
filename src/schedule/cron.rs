//! Crontab's five fields and nicknames, as crontab(5) of Vixie's cron has them.

use super::calendar::{Calendar, DayRule, Days, Set};
use crate::config::value::Invalid;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
const DAY: Field = Field { name: "day of month", min: 1, max: 31, names: &[] };
const MONTH: Field = Field { name: "month", min: 1, max: 12, names: &MONTHS };
/// 7 is Sunday too.
const WEEKDAY: Field = Field { name: "day of week", min: 0, max: 7, names: &WEEKDAYS };

/// Minute, hour, day of month, month, day of week.
pub(super) fn fields(fields: [&str; 5]) -> Result<Calendar, Invalid> {
    let [minute, hour, day, month, weekday] = fields;
    let weekdays = WEEKDAY.read(weekday)?;
    // a field that begins with a star restricts together with the other one
    let day_rule = match day.starts_with('*') || weekday.starts_with('*') {
        true => DayRule::Both,
        false => DayRule::Either,
    };
    Ok(Calendar {
        minutes: MINUTE.read(minute)?,
        hours: HOUR.read(hour)?,
        days: Days::FromStart(DAY.read(day)?),
        months: MONTH.read(month)?,
        weekdays: (0..7)
            .filter(|day| weekdays.contains(*day) || (*day == 0 && weekdays.contains(7)))
            .collect(),
        day_rule,
        ..Calendar::daily()
    })
}

/// Whether a word could be one of the five and nothing else.
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
        "@reboot" => Err(Invalid::new("'@reboot' is no time").hint("use --once instead of --schedule")),
        "@every" => {
            Err(Invalid::new("'@every' is no time").hint("use --every DURATION instead of --schedule"))
        }
        _ => Err(Invalid::new(format!("'{word}' is no nickname"))
            .hint("@yearly, @monthly, @weekly, @daily or @hourly")),
    }
}

impl Field {
    fn read(&self, text: &str) -> Result<Set, Invalid> {
        let mut set = Set::default();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, part)?)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.min, self.highest()),
                Some((first, last)) => (self.number(first)?, self.number(last)?),
                // 5/15 is 5-59/15
                None => {
                    let number = self.number(range)?;
                    (number, if step.is_some() { self.highest() } else { number })
                }
            };
            if first > last {
                let hint = format!("write two ranges, {first}-{} and {}-{last}", self.highest(), self.min);
                return Err(
                    Invalid::new(format!("{}: '{range}' ends before it begins", self.name)).hint(hint)
                );
            }
            let step = step.unwrap_or(1);
            if step > 1 && first + step > last {
                let end = format!("{}: '{part}' steps beyond {last}", self.name);
                return Err(Invalid::new(end).hint("such a step never comes to a second time"));
            }
            (first..=last).step_by(step as usize).for_each(|number| set.insert(number));
        }
        Ok(set)
    }

    /// The highest that a star means: of the week's two Sundays one.
    fn highest(&self) -> u32 {
        if self.max == 7 { 6 } else { self.max }
    }

    fn number(&self, text: &str) -> Result<u32, Invalid> {
        let Field { name, min, max, names } = self;
        let lower = text.to_ascii_lowercase();
        if let Some(index) = names.iter().position(|each| *each == lower) {
            return Ok(*min + index as u32);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if is_number && (*min..=*max).contains(&number) => Ok(number),
            _ => {
                let names = if names.is_empty() { "" } else { ", nor a name of three letters" };
                Err(Invalid::new(format!("{name}: '{text}' is not from {min} to {max}{names}"))
                    .hint("the fields are minute, hour, day of month, month, day of week; then a zone"))
            }
        }
    }

    fn step(&self, text: &str, part: &str) -> Result<u32, Invalid> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(step) if is_number && step > 0 => Ok(step),
            _ => Err(Invalid::new(format!("{}: '{part}' has no step of 1 or more", self.name))),
        }
    }
}
