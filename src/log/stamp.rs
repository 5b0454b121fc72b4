//! The time at the start of a line: written by a pump, by our own reports, and by s6-log.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::settings::LogStamp;
use crate::service::tai::{self, Scale};
use crate::sys;

/// As long as a stamp can be, in bytes.
pub(super) const LONGEST: usize = 40;
/// After the `@` of a TAI64N stamp, in hexadecimal digits.
const TAI_DIGITS: usize = 2 * tai::LENGTH;

/// The stamp of a time, with the space after it; empty without stamps.
pub(super) fn stamp(form: Option<LogStamp>, time: SystemTime) -> String {
    match form {
        None => String::new(),
        Some(LogStamp::Iso) => format!("{} ", humantime::format_rfc3339_micros(time.max(UNIX_EPOCH))),
        Some(LogStamp::Tai64n) => {
            let digits = tai::encode(time, Scale::LeapSeconds).map(|byte| format!("{byte:02x}")).concat();
            format!("@{digits} ")
        }
    }
}

/// The time at the start of a line, if it has one.
pub(crate) fn time_of_line(line: &[u8]) -> Option<SystemTime> {
    let start = line.get(..LONGEST.min(line.len()))?;
    let word = start.split(|byte| byte.is_ascii_whitespace()).next()?;
    let word = std::str::from_utf8(word).ok()?;
    match word.strip_prefix('@') {
        Some(digits) => of_tai(digits),
        None if word.ends_with('Z') => sys::clock::from_utc(word),
        None => None,
    }
}

fn of_tai(digits: &str) -> Option<SystemTime> {
    let digits = digits.get(..TAI_DIGITS)?;
    let mut bytes = [0; tai::LENGTH];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    tai::decode(bytes, Scale::LeapSeconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TIME: Duration = Duration::new(1_795_633_491, 123_456_000);

    #[test]
    fn stamps_have_the_forms_of_the_field_and_are_read_again() {
        let time = UNIX_EPOCH + TIME;
        for (form, expected) in [
            (LogStamp::Iso, "2026-11-25T19:04:51.123456Z "),
            (LogStamp::Tai64n, "@400000006b073178075bca00 "),
        ] {
            let stamp = stamp(Some(form), time);
            assert_eq!(stamp, expected);
            assert_eq!(time_of_line(format!("{stamp}line\n").as_bytes()), Some(time));
        }
        assert_eq!(stamp(None, time), "");
    }

    #[test]
    fn a_line_may_have_no_time() {
        for line in [&b"line\n"[..], b"", b"@4000 x", b"Z", b"2026-11-25 19:04", b"\xff\xffZ x"] {
            assert_eq!(time_of_line(line), None, "{line:?}");
        }
        let own = b"2026-11-25T19:04:51Z name: warning: text\n";
        assert_eq!(time_of_line(own), Some(UNIX_EPOCH + Duration::from_secs(TIME.as_secs())));
    }
}
