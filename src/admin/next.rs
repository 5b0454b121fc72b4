//! `futo next WHEN [-n N] [--from TIME]`: the next starts of a schedule.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::SystemTime;

use super::CommandError;
use super::options::{Command, Key, Operands, Words, value};
use crate::config::value::whole;
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::machine::Host;
use crate::machine::Machine;
use crate::schedule::{Schedule, Zone};
use crate::sys;

const NAME: &str = "next";
const STARTS: u32 = 5;
const MOST_STARTS: u32 = 1_000_000;

/// `futo next`
pub(super) const COMMAND: Command = Command {
    name: NAME,
    operands: Operands::Other("WHEN"),
    help: "print the next start times of a schedule, one per line",
    more: "WHEN is the value of --schedule, as one argument or several. Times are in RFC 3339, with the offset \
           of the time zone: that of the last word, else TZ, else /etc/localtime. Exits 100 if there is no \
           further start.",
    options: &[
        value(Key::Count, "N", "number of start times [5]").short('n'),
        value(Key::From, "TIME", "print those after this time: RFC 3339, or @SECONDS since 1970 [now]"),
    ],
    launch_options: false,
    run: next,
};

fn next(words: Words) -> Result<Exit, CommandError> {
    let when: Vec<String> = words.operands.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let when = when.join(" ");
    if when.is_empty() {
        let what = "no schedule given".to_string();
        return Err(CommandError::Usage { command: NAME, what, remedy: None });
    }
    let count = given(&words, Key::Count, "number of starts", |text| whole(text, 1, MOST_STARTS))?;
    let from = given(&words, Key::From, "time", instant)?.unwrap_or_else(sys::clock::wall_now);
    let invalid =
        |invalid| CommandError::Value { command: NAME, what: "schedule", value: when.clone(), invalid };
    let schedule = Schedule::parse(&when)
        .map_err(invalid)?
        .in_zone(|| Zone::of_environment(timezone_variable().as_deref()))?;
    let starts = std::iter::successors(schedule.after(from), |start| schedule.after(*start));
    let mut page = String::new();
    for start in starts.take(count.unwrap_or(STARTS) as usize) {
        let _ = writeln!(page, "{}", schedule.local(start));
    }
    if page.is_empty() {
        return Err(CommandError::NoStart { schedule: when, from: schedule.local(from) });
    }
    Ok(crate::report::print(&page))
}

fn timezone_variable() -> Option<OsString> {
    Machine.environment().into_iter().find(|(name, _)| name == "TZ").map(|(_, value)| value)
}

/// The value of an option, if it was given.
fn given<T>(
    words: &Words,
    option: Key,
    what: &'static str,
    read: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, CommandError> {
    let Some(value) = words.value(option) else { return Ok(None) };
    let value = value.to_string_lossy().into_owned();
    let invalid = |invalid| CommandError::Value { command: NAME, what, value: value.clone(), invalid };
    read(&value).map(Some).map_err(invalid)
}

/// RFC 3339 with `Z` or an offset, or seconds since 1970 as `@SECONDS`.
fn instant(text: &str) -> Result<SystemTime, Invalid> {
    let form = || {
        Invalid::new("is not a time")
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
