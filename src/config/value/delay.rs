//! Durations: as humantime reads them; a bare number is seconds.

use std::fmt;
use std::time::Duration;

use super::Invalid;

/// A length of time that is neither zero nor longer than a hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay(Duration);

const HUNDRED_YEARS: Duration = Duration::from_secs(100 * 366 * 86_400);

impl Delay {
    /// Reads `60`, `0.5`, `60s`, `5m`, `1h30m`, `1.5h`, `2days`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let duration = Self::parse_or_zero(text)?.0;
        if duration.is_zero() {
            return Err(Invalid::new("must be more than zero"));
        }
        Ok(Delay(duration))
    }

    /// The same, for options where nothing to wait for has a meaning (`--initial-delay`, `--grace`).
    pub fn parse_or_zero(text: &str) -> Result<Self, Invalid> {
        const FORM: &str = "write seconds (60, 0.5) or units (90s, 5m, 1h30m, 2days)";
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(Invalid::new("must not be negative"));
        }
        let bare_number = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let duration = if bare_number {
            humantime::parse_duration(&format!("{trimmed}s"))
        } else {
            humantime::parse_duration(trimmed)
        };
        match duration {
            Ok(duration) if duration <= HUNDRED_YEARS => Ok(Delay(duration)),
            Ok(_) | Err(humantime::DurationError::NumberOverflow) => {
                Err(Invalid::new("is too long (a hundred years at most)"))
            }
            Err(_) => Err(Invalid::new("is not a duration").hint(FORM)),
        }
    }

    /// A delay of so many seconds, for defaults.
    pub const fn from_secs(seconds: u64) -> Self {
        Delay(Duration::from_secs(seconds))
    }

    /// The length of time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// In words as short as the input: `60 s`, `1h 30m`.
impl fmt::Display for Delay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(120) {
            write!(formatter, "{} s", self.0.as_secs_f64())
        } else {
            write!(formatter, "{}", humantime::format_duration(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Duration> {
        Delay::parse(text).ok().map(Delay::duration)
    }

    #[test]
    fn reads_seconds_units_and_fractions() {
        let seconds = Duration::from_secs;
        for (text, duration) in [
            ("60", seconds(60)),
            ("60s", seconds(60)),
            ("5m", seconds(300)),
            ("1h30m", seconds(5_400)),
            ("1h 30m", seconds(5_400)),
            ("2days", seconds(172_800)),
            ("0.5", Duration::from_millis(500)),
            ("1.5h", seconds(5_400)),
            ("250ms", Duration::from_millis(250)),
            (" 60 ", seconds(60)),
        ] {
            assert_eq!(parsed(text), Some(duration), "{text}");
        }
    }

    #[test]
    fn refuses_zero_negative_overflow_and_junk() {
        for text in [
            "0",
            "0s",
            "0.0",
            "-1",
            "-5m",
            "",
            " ",
            ".5",
            "soon",
            "60x",
            "1.2.3",
            ".",
            "1e3",
            "inf",
            "nan",
            "99999999999999999999",
            "200years",
            "60 60",
            "5m-",
            "60;rm",
            "0x10",
            "１",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
