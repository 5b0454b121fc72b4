//! Decides when the next run is due. Pure: the clocks are passed in.

mod arithmetic;
mod course;
mod now;

use std::time::{Duration, SystemTime};

use crate::config::timing::{Pace, Timing};
use crate::record::Past;
use crate::sys::clock::BootTime;
use arithmetic::{earlier, is_too_late, remainder, times};
use course::Course;
pub(super) use now::{Due, Now};

/// If the clock is set by at least this much, the time is new: no starts were missed, and starts that ran in the old
/// future may run again. A smaller step is a correction: no start is lost or repeated.
const NEW_TIME: Duration = Duration::from_secs(3600);
/// Passed ticks are counted up to this number, and skipped beyond it.
const MAX_COUNTED: u64 = 100_000;

/// The state of the decision.
#[derive(Debug)]
pub(super) struct Pacer {
    course: Course,
    splay: Duration,
    max_late: Option<Duration>,
    not_before: BootTime,
    /// `--initial-delay` with a schedule: the first run is due then, and none before.
    extra: Option<BootTime>,
    dropped: u64,
}

impl Pacer {
    /// Determines the first run, given earlier runs. `splay` is this service's share.
    pub(super) fn new(timing: &Timing, splay: Duration, past: Past, now: Now) -> Self {
        let initial = timing.initial_delay.map_or(Duration::ZERO, |delay| delay.duration());
        let not_before = now.boot.after(initial);
        let is_extra = timing.initial_delay.is_some() && matches!(timing.pace, Pace::Schedule(_));
        Pacer {
            course: Course::at_start(timing, splay, past, not_before, now),
            splay,
            max_late: timing.max_late.map(|delay| delay.duration()),
            not_before,
            extra: is_extra.then(|| not_before.after(splay)),
            dropped: 0,
        }
    }

    /// Moves the first run; a schedule keeps its times, and has no other run.
    pub(super) fn first_after(&mut self, delay: Duration, now: Now) {
        self.extra = None;
        match &mut self.course {
            Course::Delay { due, .. } => *due = now.boot.after(delay),
            Course::Grid { tick, .. } => *tick = now.boot.after(delay),
            Course::Times { .. } => {}
        }
    }

    /// Applies changed options. A wait under the same kind of pace continues; a new schedule has not missed anything.
    pub(super) fn change(&mut self, timing: &Timing, splay: Duration, now: Now) {
        self.max_late = timing.max_late.map(|delay| delay.duration());
        match (&mut self.course, &timing.pace) {
            (
                Course::Delay { delay, since, due },
                Pace::Interval(changed) | Pace::Once { retry: changed },
            ) => {
                if *delay != changed.duration() {
                    *delay = changed.duration();
                    *due = since.after(*delay).max(self.not_before);
                }
            }
            (Course::Grid { step, .. }, Pace::Every(changed)) if *step == changed.duration() => {}
            (Course::Times { schedule, .. }, Pace::Schedule(changed)) if schedule == changed => {}
            (course, pace) => *course = Course::from_now(pace, splay, now),
        }
        self.splay = splay;
        self.extra = self.extra.filter(|_| matches!(self.course, Course::Times { .. }));
    }

    /// When the next run is due. Must be called again after the wall clock was set.
    pub(super) fn due(&mut self, now: Now) -> Due {
        if let Some(extra) = self.extra {
            return Due::At(extra);
        }
        match &mut self.course {
            Course::Delay { due, .. } => Due::At(*due),
            Course::Grid { tick, .. } => Due::At(*tick),
            Course::Times { schedule, seen, offset } => {
                let before = std::mem::replace(offset, now.offset());
                if before.abs_diff(*offset) >= NEW_TIME.as_nanos() {
                    *seen = earlier(now.wall, self.splay);
                }
                let Some(tick) = schedule.after(*seen) else { return Due::Never };
                Due::Wall(tick + self.splay)
            }
        }
    }

    /// Whether a run must start now. A run later than `--max-late` allows is dropped.
    pub(super) fn is_due(&mut self, now: Now) -> bool {
        let late = match self.due(now) {
            Due::Never => return false,
            Due::At(at) if now.boot < at => return false,
            Due::Wall(at) if now.wall < at => return false,
            _ if self.extra.is_some() => return true,
            _ => self.lateness(now),
        };
        if !is_too_late(late, self.max_late) {
            return true;
        }
        self.dropped += self.pass(now);
        false
    }

    /// The time since the last passed tick.
    fn lateness(&self, now: Now) -> Duration {
        match &self.course {
            Course::Delay { due, .. } => now.boot.since(*due),
            Course::Grid { step, tick } => remainder(now.boot.since(*tick), *step),
            Course::Times { schedule, seen, .. } => {
                let Some(most) = self.max_late else { return Duration::ZERO };
                let limit = earlier(now.wall, self.splay + most);
                match schedule.after(limit.max(*seen)) {
                    Some(tick) if tick + self.splay <= now.wall => Duration::ZERO,
                    _ => Duration::MAX,
                }
            }
        }
    }

    /// A run starts: it counts for the last passed tick; earlier ones are dropped.
    pub(super) fn began(&mut self, now: Now) {
        self.extra = None;
        let passed = match &self.course {
            // a requested run does not affect the next tick
            Course::Delay { .. } => 0,
            _ => self.pass(now),
        };
        self.dropped += passed.saturating_sub(1);
    }

    /// A run has ended; passed ticks are dropped. A failure may extend the delay to `stretched`.
    pub(super) fn ended(&mut self, now: Now, stretched: Option<Duration>) {
        if let Course::Delay { delay, since, due } = &mut self.course {
            *since = now.boot;
            *due = now.boot.after(stretched.unwrap_or(*delay));
            return;
        }
        self.skip_passed(now);
        if let (Course::Grid { step, tick }, Some(stretched)) = (&mut self.course, stretched)
            && stretched > *step
        {
            // the first tick after the extended delay from the previous one
            let more = (stretched - *step).as_nanos().div_ceil(step.as_nanos().max(1));
            *tick = tick.after(times(*step, more));
        }
    }

    /// Drops ticks that passed in the meantime.
    pub(super) fn skip_passed(&mut self, now: Now) {
        if !matches!(self.course, Course::Delay { .. }) {
            self.dropped += self.pass(now);
        }
    }

    /// Skips the ticks up to now; returns their number.
    fn pass(&mut self, now: Now) -> u64 {
        match &mut self.course {
            Course::Delay { delay, due, .. } => {
                *due = now.boot.after(*delay);
                1
            }
            Course::Grid { step, tick } => {
                if now.boot < *tick {
                    return 0;
                }
                let passed = now.boot.since(*tick).as_nanos() / step.as_nanos().max(1) + 1;
                *tick = tick.after(times(*step, passed));
                u64::try_from(passed).unwrap_or(u64::MAX)
            }
            Course::Times { schedule, seen, .. } => {
                let mut passed = 0;
                while let Some(tick) = schedule.after(*seen)
                    && tick + self.splay <= now.wall
                {
                    *seen = tick;
                    passed += 1;
                    if passed == MAX_COUNTED {
                        *seen = earlier(now.wall, self.splay);
                        break;
                    }
                }
                passed
            }
        }
    }

    /// The time up to which a schedule has been considered; can be between two ticks.
    pub(super) fn considered(&self) -> Option<SystemTime> {
        match &self.course {
            Course::Times { seen, .. } => Some(*seen),
            Course::Delay { .. } | Course::Grid { .. } => None,
        }
    }

    /// The number of ticks dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// The time until the next run; none if there are no more.
    pub(super) fn next_in(&mut self, now: Now) -> Option<Duration> {
        match self.due(now) {
            Due::At(at) => Some(at.since(now.boot)),
            Due::Wall(at) => Some(at.duration_since(now.wall).unwrap_or_default()),
            Due::Never => None,
        }
    }
}

#[cfg(test)]
mod tests;
