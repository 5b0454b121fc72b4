//! A field of a calendar event: `*`, or numbers, ranges and repetitions between commas.

use super::calendar::Set;
use crate::invalid::Invalid;

/// Examples of schedules, for hints.
pub(super) const EXAMPLES: &str = "for instance 09:00, 'Mon..Fri 09:00 Asia/Tokyo', '*:0/15', '*-*-1 04:30', '0 9 * * 1' (crontab) or @daily";

/// The name and bounds of a field.
pub(super) struct EventField {
    pub(super) name: &'static str,
    pub(super) min: u32,
    pub(super) max: u32,
}

/// `START`, `START..STOP`, `START/STEP`, `START..STOP/STEP`
pub(super) struct Component {
    pub(super) start: u32,
    pub(super) stop: Option<u32>,
    pub(super) step: u32,
}

/// The part after the first number of a component.
pub(super) enum Rest {
    Alone,
    Range { stop: u32, step: u32 },
    Step(u32),
}

impl EventField {
    pub(super) fn read(&self, text: &str) -> Result<Set, Invalid> {
        if text == "*" {
            return Ok(Set::range(self.min, self.max));
        }
        let mut set = Set::default();
        for part in text.split(',') {
            let Component { start, stop, step } = self.component(part)?;
            (start..=stop.unwrap_or(self.max)).step_by(step as usize).for_each(|number| set.insert(number));
        }
        Ok(set)
    }

    pub(super) fn component(&self, part: &str) -> Result<Component, Invalid> {
        let (start, rest) = self.start(part)?;
        Ok(match rest {
            Rest::Alone => Component { start, stop: Some(start), step: 1 },
            Rest::Range { stop, step } => Component { start, stop: Some(stop), step },
            Rest::Step(step) if start + step <= self.max => Component { start, stop: None, step },
            Rest::Step(_) => return Err(self.never_repeats(part, start, self.max)),
        })
    }

    pub(super) fn start(&self, part: &str) -> Result<(u32, Rest), Invalid> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, part)?)),
            None => (part, None),
        };
        let (start, stop) = match range.split_once("..") {
            Some((start, stop)) => (self.number(start)?, Some(self.number(stop)?)),
            None => (self.number(range)?, None),
        };
        let rest = match (stop, step) {
            (None, None) => Rest::Alone,
            (None, Some(step)) => Rest::Step(step),
            (Some(stop), None) if stop == start => Rest::Alone,
            (Some(stop), _) if stop < start => {
                return Err(Invalid::new(format!("{}: '{range}' ends before it starts", self.name)));
            }
            (Some(stop), Some(step)) if start + step > stop => {
                return Err(self.never_repeats(part, start, stop));
            }
            (Some(stop), step) => Rest::Range { stop, step: step.unwrap_or(1) },
        };
        Ok((start, rest))
    }

    fn number(&self, text: &str) -> Result<u32, Invalid> {
        let EventField { name, min, max } = self;
        if text == "*" {
            let hint = format!("write {min}/STEP for every STEP");
            return Err(Invalid::new(format!("{name}: '*' cannot be combined")).hint(hint));
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if is_number && (*min..=*max).contains(&number) => Ok(number),
            _ => {
                Err(Invalid::new(format!("{name}: '{text}' is not a number from {min} to {max}"))
                    .hint(EXAMPLES))
            }
        }
    }

    /// Bounded, so that sums do not overflow.
    fn step(&self, text: &str, part: &str) -> Result<u32, Invalid> {
        match text.parse::<u32>() {
            Ok(0) | Err(_) => {
                Err(Invalid::new(format!("{}: the step in '{part}' is not a number of 1 or more", self.name)))
            }
            Ok(step) => Ok(step.min(10_000)),
        }
    }

    pub(super) fn never_repeats(&self, part: &str, start: u32, stop: u32) -> Invalid {
        Invalid::new(format!("{}: '{part}' steps beyond {stop}", self.name))
            .hint(format!("without the step, write {start}"))
    }
}
