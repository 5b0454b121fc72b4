//! `futo next WHEN [-n N] [--from TIME]`: the next starts of a schedule.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::SystemTime;

use lexopt::Arg;

use super::CommandError;
use crate::config::value::{Invalid, whole};
use crate::exit::Exit;
use crate::plan::{Host, Machine};
use crate::schedule::{Schedule, Zone};
use crate::sys;

const COMMAND: &str = "next";
const STARTS: u32 = 5;
const MOST_STARTS: u32 = 1_000_000;

pub(super) fn next(words: impl Iterator<Item = OsString>) -> Result<Exit, CommandError> {
    let Asked { when, count, from } = read(words)?;
    let invalid =
        |invalid| CommandError::Value { command: COMMAND, what: "schedule", value: when.clone(), invalid };
    let schedule = Schedule::parse(&when)
        .map_err(invalid)?
        .in_zone(|| Zone::of_environment(timezone_variable().as_deref()))?;
    let mut page = String::new();
    let mut instant = from;
    for _ in 0..count {
        let Some(start) = schedule.after(instant) else { break };
        let _ = writeln!(page, "{}", schedule.local(start));
        instant = start;
    }
    if page.is_empty() {
        return Err(CommandError::NoStart { schedule: when, from: schedule.local(from) });
    }
    Ok(crate::explain::print(&page))
}

fn timezone_variable() -> Option<OsString> {
    Machine.environment().into_iter().find(|(name, _)| name == "TZ").map(|(_, value)| value)
}

struct Asked {
    when: String,
    count: u32,
    from: SystemTime,
}

fn read(words: impl Iterator<Item = OsString>) -> Result<Asked, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND, what };
    let mut when: Vec<String> = Vec::new();
    let mut count = STARTS;
    let mut from = sys::clock::wall_now();
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(argument) = parser.next().map_err(|error| usage(error.to_string()))? {
        match argument {
            // a schedule may come as one word or as several
            Arg::Value(word) => when.push(word.to_string_lossy().into_owned()),
            Arg::Short('n') | Arg::Long("count") => {
                count = value(&mut parser, "number of starts", |text| whole(text, 1, MOST_STARTS))?;
            }
            Arg::Long("from") => from = value(&mut parser, "time", instant)?,
            other => return Err(usage(other.unexpected().to_string())),
        }
    }
    if when.is_empty() {
        return Err(usage("which schedule?".to_string()));
    }
    Ok(Asked { when: when.join(" "), count, from })
}

fn value<T>(
    parser: &mut lexopt::Parser,
    what: &'static str,
    read: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<T, CommandError> {
    let usage = |error: lexopt::Error| CommandError::Usage { command: COMMAND, what: error.to_string() };
    let value = parser.value().map_err(usage)?.to_string_lossy().into_owned();
    read(&value).map_err(|invalid| CommandError::Value { command: COMMAND, what, value, invalid })
}

/// RFC 3339 with `Z` or an offset, or seconds since 1970 as `@SECONDS`.
fn instant(text: &str) -> Result<SystemTime, Invalid> {
    let form = || {
        Invalid::new("is no time")
            .hint("write 2026-11-22T09:00:00Z, 2026-11-22T09:00:00+09:00 or @1795305600")
    };
    let at = match text.strip_prefix('@') {
        Some(seconds) => {
            jiff::Timestamp::from_second(seconds.parse().map_err(|_| form())?).map_err(|_| form())?
        }
        None => text.parse::<jiff::Timestamp>().map_err(|_| form())?,
    };
    let since = std::time::Duration::try_from(at.as_duration()).map_err(|_| form())?;
    Ok(SystemTime::UNIX_EPOCH + since)
}
