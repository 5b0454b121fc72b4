//! The time limit for reading user-writable definitions as root.

use std::time::Duration;

use super::error::DefinitionsError;
use crate::trust::writers::Writers;

/// The CPU time limit for reading one definition. The largest script takes a few milliseconds.
const MAX_TIME_PER_DEFINITION: Duration = Duration::from_millis(500);
/// The CPU time limit for all definitions in one run.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The remaining CPU time.
#[derive(Debug)]
pub(super) struct TimeBudget {
    left: Duration,
}

impl Default for TimeBudget {
    fn default() -> Self {
        TimeBudget { left: MAX_TIME }
    }
}

impl TimeBudget {
    /// Whether there is time left to read another one.
    pub(super) fn has_time(&self, writers: Writers) -> Result<(), DefinitionsError> {
        match writers == Writers::Root || !self.left.is_zero() {
            true => Ok(()),
            false => Err(DefinitionsError::NoTimeLeft(MAX_TIME)),
        }
    }

    /// Subtracts the time spent on reading one; root-owned definitions are not limited.
    pub(super) fn spend(&mut self, writers: Writers, time: Duration) -> Result<(), DefinitionsError> {
        if writers == Writers::Root {
            return Ok(());
        }
        self.left = self.left.saturating_sub(time);
        if time > MAX_TIME_PER_DEFINITION {
            Err(DefinitionsError::TooSlow(MAX_TIME_PER_DEFINITION))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_limited_per_definition_and_in_total_except_for_root() {
        let mut budget = TimeBudget::default();
        assert!(budget.spend(Writers::Root, MAX_TIME * 2).is_ok());
        for _ in 0..MAX_TIME.as_millis() / MAX_TIME_PER_DEFINITION.as_millis() {
            assert!(budget.has_time(Writers::Abc).is_ok());
            assert!(budget.spend(Writers::Abc, MAX_TIME_PER_DEFINITION).is_ok());
        }
        assert!(matches!(budget.has_time(Writers::Abc), Err(DefinitionsError::NoTimeLeft(_))));
        assert!(budget.has_time(Writers::Root).is_ok());
        let too_long = MAX_TIME_PER_DEFINITION + Duration::from_millis(1);
        assert!(matches!(
            TimeBudget::default().spend(Writers::Abc, too_long),
            Err(DefinitionsError::TooSlow(_))
        ));
    }
}
