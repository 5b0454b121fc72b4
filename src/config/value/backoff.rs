//! `--backoff F:MAX`.

use std::time::Duration;

use super::Delay;
use crate::invalid::Invalid;

/// How the delay grows while the worker keeps failing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The delay is multiplied by this for each failure in a row after the first.
    pub factor: f64,
    /// The longest delay.
    pub max: Delay,
}

impl Backoff {
    /// A run that lasts longer than this resets the count of failures.
    pub const RESETS_AFTER: Duration = Duration::from_secs(60);

    /// Reads `2:5m`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let form = || Invalid::new("is not FACTOR:MAX").hint("for instance 2:5m");
        let (factor, max) = text.split_once(':').ok_or_else(form)?;
        let factor: f64 = factor.trim().parse().map_err(|_| form())?;
        if !(1.0..=1000.0).contains(&factor) {
            return Err(Invalid::new("the factor must be from 1 to 1000"));
        }
        Ok(Backoff { factor, max: Delay::parse(max)? })
    }

    /// The delay after `failures` failures in a row, each from a run of at most
    /// [`Backoff::RESETS_AFTER`].
    pub fn delay(&self, base: Duration, failures: u32) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let stretched = base.as_secs_f64() * self.factor.powi(exponent);
        let most = self.max.duration().max(base);
        if stretched.is_finite() && stretched < most.as_secs_f64() {
            Duration::from_secs_f64(stretched)
        } else {
            most
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_up_to_its_maximum_and_never_overflows() {
        let backoff = Backoff::parse("2:5m").expect("a back-off");
        let base = Duration::from_secs(5);
        let seconds: Vec<u64> = [0, 1, 2, 3, 6, 7, 8, u32::MAX]
            .into_iter()
            .map(|failures| backoff.delay(base, failures).as_secs())
            .collect();
        assert_eq!(seconds, [5, 5, 10, 20, 160, 300, 300, 300]);
    }

    #[test]
    fn a_maximum_below_the_interval_does_not_shorten_it() {
        let backoff = Backoff::parse("1.5:1s").expect("a back-off");
        assert_eq!(backoff.delay(Duration::from_secs(60), 3), Duration::from_secs(60));
    }

    #[test]
    fn refuses_what_is_not_factor_and_maximum() {
        for text in ["", "2", "0.5:5m", "nan:5m", "inf:5m", "2:", "2:0", ":5m", "x:5m"] {
            assert!(Backoff::parse(text).is_err(), "{text}");
        }
    }
}
