//! Durations: as humantime reads them; a bare number is seconds.

use std::fmt;
use std::time::Duration;

use crate::invalid::Invalid;

/// A length of time that is neither zero nor longer than a hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay(Duration);

const HUNDRED_YEARS: Duration = Duration::from_secs(100 * 366 * 86_400);

impl Delay {
    /// Reads `60`, `0.5`, `60s`, `5m`, `1h30m`, `1.5h`, `2days`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let duration = Self::parse_or_zero(text)?.0;
        if duration.is_zero() {
            return Err(Invalid::new("must be greater than zero"));
        }
        Ok(Delay(duration))
    }

    /// The same, for options that accept zero (`--initial-delay`, `--grace`).
    pub fn parse_or_zero(text: &str) -> Result<Self, Invalid> {
        const FORM: &str = "write seconds (60, 0.5) or units (90s, 5m, 1h30m, 2days)";
        let trimmed = text.trim();
        if trimmed.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return Err(Invalid::new("must not be negative"));
        }
        if trimmed.contains('M') {
            return Err(
                Invalid::new("has the ambiguous unit 'M'").hint("write 5m for minutes, 5months for months")
            );
        }
        if trimmed.contains(|c: char| c.is_ascii_uppercase()) {
            return Err(Invalid::new("has an upper-case unit").hint("use lower case: 90s, 5m, 1h30m, 2days"));
        }
        let bare_number = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let duration = if bare_number {
            humantime::parse_duration(&format!("{trimmed}s"))
        } else {
            humantime::parse_duration(trimmed)
        };
        let duration = match duration {
            Err(humantime::DurationError::NumberOverflow) if trimmed.contains('.') => {
                match of_fraction(trimmed) {
                    Some(duration) => Ok(duration),
                    None => {
                        return Err(
                            Invalid::new("has too many fractional digits").hint("write whole units: 1h20m")
                        );
                    }
                }
            }
            duration => duration,
        };
        match duration {
            Ok(duration) if duration <= HUNDRED_YEARS => Ok(Delay(duration)),
            Ok(_) | Err(humantime::DurationError::NumberOverflow) => Err(Invalid::new("exceeds 100 years")),
            Err(_) => Err(Invalid::new("is not a duration").hint(FORM)),
        }
    }

    /// A delay of this many seconds, for defaults.
    pub const fn from_secs(seconds: u64) -> Self {
        Delay(Duration::from_secs(seconds))
    }

    /// The length of time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// `1.33333h`, which humantime refuses because it is not a whole number of seconds; truncated to nanoseconds.
fn of_fraction(text: &str) -> Option<Duration> {
    let (whole, rest) = text.split_once('.')?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (fraction, unit) = rest.split_at_checked(digits).filter(|(fraction, _)| fraction.len() <= 18)?;
    let unit = match unit.trim() {
        "" => Duration::from_secs(1),
        unit if unit.contains(|c: char| c.is_ascii_digit()) => return None,
        unit => humantime::parse_duration(&format!("1{unit}")).ok()?,
    };
    let denominator = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let whole: u64 = whole.parse().ok()?;
    let numerator = u128::from(whole).checked_mul(denominator)?.checked_add(fraction.parse().ok()?)?;
    let nanoseconds = numerator.checked_mul(unit.as_nanos())? / denominator;
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanoseconds % 1_000_000_000).ok()?))
}

/// As short as the input: `60 s`, `1h 30m`.
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
            ("1.33333h", Duration::from_millis(4_799_988)),
            ("0.3333333333s", Duration::from_nanos(333_333_333)),
            ("2.7 days", seconds(233_280)),
            ("1.0000001d", Duration::from_nanos(86_400_008_640_000)),
            ("3months", seconds(3 * 2_630_016)),
        ] {
            assert_eq!(parsed(text), Some(duration), "{text}");
        }
    }

    #[test]
    fn reports_what_is_wrong_with_a_unit_or_a_fraction() {
        for (text, reason, hint) in [
            ("5M", "has the ambiguous unit 'M'", "5months for months"),
            ("1h5M", "has the ambiguous unit 'M'", "write 5m for minutes"),
            ("1H", "has an upper-case unit", "1h30m"),
            ("30S", "has an upper-case unit", "90s"),
            ("5Min", "has the ambiguous unit 'M'", "5m"),
            ("1h0.12345678901234567891h", "has too many fractional digits", "1h20m"),
            ("--", "is not a duration", "seconds"),
            ("-1", "must not be negative", ""),
            ("0.0000000001s", "must be greater than zero", ""),
            ("99999999999.5years", "exceeds 100 years", ""),
        ] {
            let invalid = Delay::parse(text).expect_err(text);
            assert_eq!(invalid.reason, reason, "{text}");
            assert!(invalid.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {invalid:?}");
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
