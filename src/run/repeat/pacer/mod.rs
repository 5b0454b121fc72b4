//! Who decides when the next run is due. Pure: the clocks are passed in.

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

/// A clock that is set by this much shows a new time: nothing has been missed in between, and what ran
/// in a future that is none may run again. Below it the clock was corrected: no start is lost or repeated.
const NEW_TIME: Duration = Duration::from_secs(3600);
/// Ticks that passed are counted up to this number; beyond, they are passed over.
const MOST_COUNTED: u64 = 100_000;

/// The decision, as far as it has been made.
#[derive(Debug)]
pub(super) struct Pacer {
    course: Course,
    splay: Duration,
    max_late: Option<Duration>,
    not_before: BootTime,
    dropped: u64,
}

impl Pacer {
    /// When the first run is due, after what ran before. `splay` is this service's own.
    pub(super) fn new(timing: &Timing, splay: Duration, past: Past, now: Now) -> Self {
        let initial = timing.initial_delay.map_or(Duration::ZERO, |delay| delay.duration());
        let not_before = now.boot.after(initial);
        Pacer {
            course: Course::at_start(timing, splay, past, not_before, now),
            splay,
            max_late: timing.max_late.map(|delay| delay.duration()),
            not_before,
            dropped: 0,
        }
    }

    /// Puts the first run off, or forward; a schedule keeps to its times.
    pub(super) fn first_after(&mut self, delay: Duration, now: Now) {
        match &mut self.course {
            Course::Delay { due, .. } => *due = now.boot.after(delay),
            Course::Grid { tick, .. } => *tick = now.boot.after(delay),
            Course::Times { .. } => {}
        }
    }

    /// The options have changed. A wait under the same kind of pace goes on; of a new schedule nothing has been
    /// missed.
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
    }

    /// When the next run is due. To be asked again when the wall clock was set.
    pub(super) fn due(&mut self, now: Now) -> Due {
        match &mut self.course {
            Course::Delay { due, .. } => Due::At(*due),
            Course::Grid { tick, .. } => Due::At(*tick),
            Course::Times { schedule, seen, offset } => {
                let before = std::mem::replace(offset, now.offset());
                if before.abs_diff(*offset) >= NEW_TIME.as_nanos() {
                    *seen = earlier(now.wall, self.splay);
                }
                let Some(tick) = schedule.after(*seen) else { return Due::Never };
                let due = tick + self.splay;
                match now.wall + self.not_before.since(now.boot) {
                    first if now.boot < self.not_before && due < first => Due::At(self.not_before),
                    _ => Due::Wall(due),
                }
            }
        }
    }

    /// Whether a run is to begin now. One that is later than `--max-late` is dropped.
    pub(super) fn is_due(&mut self, now: Now) -> bool {
        let late = match self.due(now) {
            Due::Never => return false,
            Due::At(at) if now.boot < at => return false,
            Due::Wall(at) if now.wall < at => return false,
            _ => self.lateness(now),
        };
        if !is_too_late(late, self.max_late) {
            return true;
        }
        self.dropped += self.pass(now);
        false
    }

    /// How long ago the last tick was that has passed.
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

    /// A run begins: it stands for the last tick that has passed, those before it are dropped.
    pub(super) fn began(&mut self, now: Now) {
        let passed = match &self.course {
            // one that was asked for leaves the tick that comes
            Course::Delay { .. } => 0,
            _ => self.pass(now),
        };
        self.dropped += passed.saturating_sub(1);
    }

    /// A run has ended; the ticks that passed are dropped. A failure may stretch the delay to `stretched`.
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
            // the tick after the stretched delay since the one that is over
            let more = (stretched - *step).as_nanos().div_ceil(step.as_nanos().max(1));
            *tick = tick.after(times(*step, more));
        }
    }

    /// Ticks that passed while there was something else to do are dropped.
    pub(super) fn skip_passed(&mut self, now: Now) {
        if !matches!(self.course, Course::Delay { .. }) {
            self.dropped += self.pass(now);
        }
    }

    /// Passes over the ticks up to now; gives their number.
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
                    if passed == MOST_COUNTED {
                        *seen = earlier(now.wall, self.splay);
                        break;
                    }
                }
                passed
            }
        }
    }

    /// The last tick of a schedule that has been considered; it may lie between two.
    pub(super) fn considered(&self) -> Option<SystemTime> {
        match &self.course {
            Course::Times { seen, .. } => Some(*seen),
            Course::Delay { .. } | Course::Grid { .. } => None,
        }
    }

    /// How many ticks were dropped since this was asked last.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How long it is until the next run; none if there is no more.
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
