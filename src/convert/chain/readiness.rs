//! s6-notifyoncheck: probes for readiness.

use super::options::Options;
use super::{Found, Unclear};
use crate::convert::step::Step;

/// `s6-notifyoncheck -d -n 300 -w 1000 -c "nc -z localhost 80" PROG…`
pub(crate) fn notify_on_check(mut options: Options<'_>) -> Result<Found, Unclear> {
    let mut check = "./data/check".to_string();
    let (mut tries, mut wait, mut total) = (7_u64, 1000_u64, 0_u64);
    let number = |text: String| text.parse::<u64>().map_err(|_| "a number of s6-notifyoncheck".to_string());
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-d" => {}
            "-3" => _ = options.value()?,
            "-s" | "-t" => _ = number(options.value()?)?,
            "-n" => tries = number(options.value()?)?,
            "-w" => wait = number(options.value()?)?,
            "-T" => total = number(options.value()?)?,
            "-c" => check = options.value()?,
            other => return Err(format!("option {other} of s6-notifyoncheck")),
        }
    }
    let mut steps = vec![Step::Option("ready", form(&check))];
    let milliseconds = match (tries.saturating_mul(wait), total) {
        (all, 0) => all,
        (0, total) => total,
        (all, total) => all.min(total),
    };
    if milliseconds > 0 {
        steps.push(Step::Option("ready-timeout", duration(milliseconds)));
    }
    Ok(Some((steps, options.rest())))
}

/// The form of `--ready` for a command.
fn form(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["nc", "-z", "localhost" | "127.0.0.1", port] if port.parse::<u16>().is_ok() => format!("tcp:{port}"),
        _ => format!("cmd:{command}"),
    }
}

/// Milliseconds as a duration.
fn duration(milliseconds: u64) -> String {
    match milliseconds {
        _ if milliseconds.is_multiple_of(60_000) => format!("{}m", milliseconds / 60_000),
        _ if milliseconds.is_multiple_of(1000) => format!("{}s", milliseconds / 1000),
        _ => format!("{milliseconds}ms"),
    }
}
