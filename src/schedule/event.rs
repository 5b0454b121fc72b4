//! Calendar events: the commonly used part of systemd.time(7), `[WEEKDAYS] [DATE] [TIME]`, with the same meaning.
//! Fractions of a second, two-digit years and `@SECONDS` are not supported.

use super::calendar::{Calendar, Days, Set, YEARS, Years};
use super::field::{Component, EXAMPLES, EventField, Rest};
use super::zone::Zone;
use crate::invalid::Invalid;

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Parses the words; the last can be a zone.
pub(super) fn parse(words: &[&str]) -> Result<(Calendar, Option<Zone>), Invalid> {
    in_order(words).map_err(|invalid| match sorted(words) {
        Some(sorted) => Invalid::new("has its parts out of order (expected: weekdays, date, time, zone)")
            .hint(format!("write '{}'", sorted.join(" "))),
        None => invalid,
    })
}

/// The same words in a valid order, if there is one.
fn sorted<'t>(words: &[&'t str]) -> Option<Vec<&'t str>> {
    let mut sorted = words.to_vec();
    sorted.sort_by_key(|word| match word {
        word if read_weekdays(word).is_ok() => 0,
        word if word.contains(':') => 2,
        word if word.contains(|c: char| c.is_ascii_alphabetic()) => 3,
        _ => 1,
    });
    (sorted != words && in_order(&sorted).is_ok()).then_some(sorted)
}

fn in_order(words: &[&str]) -> Result<(Calendar, Option<Zone>), Invalid> {
    if let Some(found) = words.iter().find(|word| word.starts_with('@')) {
        return Err(Invalid::new(format!("'{found}' can be followed only by a zone")).hint(EXAMPLES));
    }
    let (zone, words) = match words {
        [rest @ .., last] if !rest.is_empty() && last.contains(|c: char| c.is_ascii_alphabetic()) => {
            (Some(Zone::named(last)?), rest)
        }
        _ => (None, words),
    };
    let calendar = match words {
        [shorthand] => match of_shorthand(shorthand) {
            Some(calendar) => calendar,
            None => of_words(words)?,
        },
        _ => of_words(words)?,
    };
    Ok((calendar, zone))
}

/// Whether a word is a time or weekdays.
pub(super) fn is_time_or_weekdays(word: &str) -> bool {
    let is_time = word.contains(':') && word.chars().all(|c| c.is_ascii_digit() || ":*/.,".contains(c));
    is_time || read_weekdays(word).is_ok()
}

/// `daily` and the other shorthands.
fn of_shorthand(word: &str) -> Option<Calendar> {
    let mut calendar = Calendar::daily();
    match word.to_ascii_lowercase().as_str() {
        "daily" => {}
        "minutely" => {
            calendar.hours = Set::range(0, 23);
            calendar.minutes = Set::range(0, 59);
        }
        "hourly" => calendar.hours = Set::range(0, 23),
        "weekly" => calendar.weekdays = Set::range(1, 1),
        "monthly" => calendar.days = Days::FromStart(Set::range(1, 1)),
        "quarterly" => {
            calendar.days = Days::FromStart(Set::range(1, 1));
            calendar.months = [1, 4, 7, 10].into_iter().collect();
        }
        "semiannually" | "semi-annually" | "biannually" | "bi-annually" => {
            calendar.days = Days::FromStart(Set::range(1, 1));
            calendar.months = [1, 7].into_iter().collect();
        }
        "yearly" | "annually" | "anually" => {
            calendar.days = Days::FromStart(Set::range(1, 1));
            calendar.months = Set::range(1, 1);
        }
        _ => return None,
    }
    Some(calendar)
}

fn of_words(words: &[&str]) -> Result<Calendar, Invalid> {
    let mut calendar = Calendar::daily();
    let mut rest = words.iter().copied().peekable();
    if let Some(weekdays) = rest.next_if(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        calendar.weekdays = read_weekdays(weekdays)?;
    }
    if let Some(date) = rest.next_if(|word| !word.contains(':')) {
        read_date(date, &mut calendar)?;
    }
    if let Some(time) = rest.next_if(|word| word.contains(':')) {
        read_time(time, &mut calendar)?;
    }
    match rest.next() {
        None => Ok(calendar),
        Some(word) => {
            Err(Invalid::new(format!("'{word}' is out of order (expected: weekdays, date, time, zone)"))
                .hint(EXAMPLES))
        }
    }
}

fn read_weekdays(word: &str) -> Result<Set, Invalid> {
    let number = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let is_it = |day: &str| lower == day || day.get(..3) == Some(lower.as_str());
        // a range starts on Monday at the earliest
        WEEKDAYS.iter().position(|day| is_it(day)).map(|index| if index == 0 { 7 } else { index })
    };
    let unknown = |name: &str| Invalid::new(format!("'{name}' is not a weekday")).hint(EXAMPLES);
    let mut set = Set::default();
    // systemd accepts a comma at the end of the weekdays, but nowhere else
    for part in word.strip_suffix(',').unwrap_or(word).split(',') {
        let (first, last) = match part.split_once("..").or_else(|| part.split_once('-')) {
            Some(ends) => ends,
            None => (part, part),
        };
        let from = number(first).ok_or_else(|| unknown(first))?;
        let to = number(last).ok_or_else(|| unknown(last))?;
        if from > to {
            let hint = format!("write {first}..Sun,Mon..{last}");
            return Err(Invalid::new(format!("'{part}' wraps around the end of the week")).hint(hint));
        }
        (from..=to).for_each(|day| set.insert(day as u32 % 7));
    }
    Ok(set)
}

fn read_date(word: &str, calendar: &mut Calendar) -> Result<(), Invalid> {
    let form = || Invalid::new(format!("'{word}' is neither a date nor a time")).hint(EXAMPLES);
    let (before_day, day, from_end) = match (word.rsplit_once('~'), word.rsplit_once('-')) {
        (Some((before, day)), _) => (before, day, true),
        (None, Some((before, day))) => (before, day, false),
        (None, None) => return Err(form()),
    };
    let (year, month) = match before_day.split_once('-') {
        Some((year, month)) => (year, month),
        None => ("*", before_day),
    };
    refuse_star_with_step(word, 1)?;
    if year != "*" {
        calendar.years = Years::These(read_years(year)?);
    }
    calendar.months = EventField { name: "month", min: 1, max: 12 }.read(month)?;
    calendar.days = match from_end {
        false => Days::FromStart(EventField { name: "day", min: 1, max: 31 }.read(day)?),
        true => Days::FromEnd(read_days_from_end(day)?),
    };
    Ok(())
}

/// Crontab's `*/5`.
fn refuse_star_with_step(word: &str, first: u32) -> Result<(), Invalid> {
    if !word.contains("*/") {
        return Ok(());
    }
    let spelled = word.replace("*/", &format!("{first}/"));
    Err(Invalid::new(format!("'{word}' has a step after '*'")).hint(format!("write '{spelled}'")))
}

fn read_years(word: &str) -> Result<Vec<i16>, Invalid> {
    let (min, max) = (*YEARS.start() as u32, *YEARS.end() as u32);
    let field = EventField { name: "year", min, max };
    let mut years = Vec::new();
    for part in word.split(',') {
        let Component { start, stop, step } = field.component(part)?;
        years.extend(
            (start..=stop.unwrap_or(max)).step_by(step as usize).filter_map(|year| i16::try_from(year).ok()),
        );
    }
    Ok(years)
}

/// The last day is 1. A repetition goes from its start day towards the end of the month; with an end, it counts from
/// the last day as well.
fn read_days_from_end(word: &str) -> Result<Set, Invalid> {
    let field = EventField { name: "day", min: 1, max: 28 };
    if word == "*" {
        return Ok(Set::range(1, 31));
    }
    let mut set = Set::default();
    for part in word.split(',') {
        let (start, rest) = field.start(part)?;
        let days: Vec<u32> = match rest {
            Rest::Alone => vec![start],
            Rest::Range { stop, step } => (start..=stop).step_by(step as usize).collect(),
            Rest::Step(step) if step < start => (1..=start).rev().step_by(step as usize).collect(),
            Rest::Step(_) => return Err(field.never_repeats(part, start, 1)),
        };
        days.into_iter().for_each(|day| set.insert(day));
    }
    Ok(set)
}

fn read_time(word: &str, calendar: &mut Calendar) -> Result<(), Invalid> {
    refuse_star_with_step(word, 0)?;
    refuse_list_of_times(word)?;
    let mut parts = word.split(':');
    let mut next = || parts.next();
    let (hour, minute, second) = (next(), next(), next());
    if next().is_some() {
        return Err(Invalid::new(format!("'{word}' is not a time of day")).hint(EXAMPLES));
    }
    calendar.hours = EventField { name: "hour", min: 0, max: 23 }.read(hour.unwrap_or_default())?;
    calendar.minutes = EventField { name: "minute", min: 0, max: 59 }.read(minute.unwrap_or_default())?;
    calendar.seconds = match second {
        Some(second) => EventField { name: "second", min: 0, max: 59 }.read(second)?,
        None => Set::range(0, 0),
    };
    Ok(())
}

/// `09:00,18:00` means 09:00 and 09:18 to systemd, but 09:00 and 18:00 to its author.
fn refuse_list_of_times(word: &str) -> Result<(), Invalid> {
    let is_range = word.contains("..");
    let spelled = word.replace("..", ",");
    let times: Option<Vec<(&str, &str)>> = spelled.split(',').map(time_of_day).collect();
    let Some([(first, minute), others @ ..]) = times.as_deref() else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let share_minutes = others.iter().all(|(_, other)| other == minute);
    let hours = others.iter().map(|(hour, _)| *hour);
    let remedy = match (share_minutes, is_range) {
        (true, false) => {
            let hours: Vec<&str> = std::iter::once(*first).chain(hours).collect();
            format!("write '{}:{minute}'", hours.join(","))
        }
        (true, true) if others.len() == 1 => {
            format!(
                "for every hour in between, write '{first}..{}:{minute}'",
                others.last().map_or(*first, |(hour, _)| hour)
            )
        }
        _ => "all times of a schedule share their minutes ('09,18:00'); for others, use one service each"
            .to_string(),
    };
    Err(Invalid::new(format!("'{word}': the first ':' is followed by minutes, not by times")).hint(remedy))
}

/// The hour of `HH:MM` and `HH:MM:SS`, and the rest.
fn time_of_day(word: &str) -> Option<(&str, &str)> {
    let (hour, rest) = word.split_once(':')?;
    let is_below = |text: &str, end| text.parse::<u32>().is_ok_and(|number| number < end);
    let is_two_digits = |text: &str| text.len() == 2 && is_below(text, 60);
    let are_digits = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    (are_digits && is_below(hour, 24) && rest.split(':').all(is_two_digits)).then_some((hour, rest))
}
