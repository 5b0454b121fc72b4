//! The small files of a definition: numbers and words read by the supervisor.

use nix::sys::signal::Signal;

use crate::config::value::{descriptor, whole};
use crate::service::layout;

/// Normalises a small file for the supervisor. Its writers may be hostile.
pub(super) fn small(name: &str, bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not valid UTF-8")?.trim();
    match name.rsplit('/').next() {
        Some("type") if matches!(text, "longrun" | "oneshot" | "bundle") => Ok(format!("{text}\n")),
        Some("type") => Err("must be longrun, oneshot or bundle"),
        Some(layout::NOTIFICATION_FD) => match descriptor(text) {
            Ok(number) => Ok(format!("{number}\n")),
            Err(_) => Err("must be a descriptor number, 3 or higher"),
        },
        Some(layout::DOWN_SIGNAL) => signal(text).map(|name| format!("{name}\n")).ok_or("must be a signal"),
        _ => match whole(text, 0, u32::MAX) {
            Ok(number) => Ok(format!("{number}\n")),
            Err(_) => Err("must be a number"),
        },
    }
}

/// The number of a signal, by name or number.
fn signal(text: &str) -> Option<i32> {
    let upper = text.to_ascii_uppercase();
    let named = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    match (text.parse::<i32>(), named.parse::<Signal>()) {
        (Ok(number), _) => (1..=64).contains(&number).then_some(number),
        (_, Ok(signal)) => Some(signal as i32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_normalised_or_rejected() {
        for (name, text, expected) in [
            ("notification-fd", " 3\n", Ok("3\n")),
            ("notification-fd", "2", Err(())),
            ("notification-fd", "3; rm", Err(())),
            ("timeout-kill", "5000", Ok("5000\n")),
            ("timeout-kill", "-1", Err(())),
            ("max-death-tally", "", Err(())),
            ("down-signal", "SIGINT\n", Ok("2\n")),
            ("down-signal", "int", Ok("2\n")),
            ("down-signal", "15", Ok("15\n")),
            ("down-signal", "65", Err(())),
            ("log/notification-fd", "4", Ok("4\n")),
            ("type", "longrun\n", Ok("longrun\n")),
            ("type", "x", Err(())),
        ] {
            let read = small(name, text.as_bytes()).map_err(|_| ());
            assert_eq!(
                read.as_deref(),
                expected.as_ref().map(|text| *text).map_err(|_| &()),
                "{name} {text:?}"
            );
        }
    }
}
