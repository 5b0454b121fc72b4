//! The modes of pacing runs, and their initial states.

use std::time::{Duration, SystemTime};

use super::arithmetic::{earlier, is_too_late, remainder};
use super::now::{Now, Offset};

use crate::config::timing::{Pace, Timing};
use crate::record::Past;
use crate::schedule::ZonedSchedule;
use crate::sys::clock::BootTime;

#[derive(Debug)]
pub(super) enum Course {
    /// `--interval`, `--once`: the delay, the end of the last run, when the next is due.
    Delay { delay: Duration, since: BootTime, due: BootTime },
    /// `--every`: the next tick of the grid.
    Grid { step: Duration, tick: BootTime },
    /// `--schedule`: everything up to `seen` has been considered. `offset` shows when a clock is set.
    Times { schedule: ZonedSchedule, seen: SystemTime, offset: Offset },
}

impl Course {
    /// The first run after the launcher starts: immediately, or when due after earlier runs; for a schedule, at its
    /// time.
    pub(super) fn at_start(
        timing: &Timing,
        splay: Duration,
        past: Past,
        not_before: BootTime,
        now: Now,
    ) -> Self {
        let max_late = timing.max_late.map(|delay| delay.duration());
        let at_once = not_before.after(splay);
        // the delay after an earlier run, if it counts
        let elapsed =
            |base: Option<SystemTime>| base.map(|at| now.wall.duration_since(at).unwrap_or_default());
        match &timing.pace {
            Pace::Interval(delay) | Pace::Once { retry: delay } => {
                let delay = delay.duration();
                let due = match elapsed(past.last_end.or(past.last_start)) {
                    None => at_once,
                    Some(elapsed) if elapsed < delay => now.boot.after(delay - elapsed).max(not_before),
                    Some(elapsed) if is_too_late(elapsed - delay, max_late) => now.boot.after(delay),
                    Some(_) => at_once,
                };
                Course::Delay { delay, since: now.boot, due }
            }
            Pace::Every(step) => {
                let step = step.duration();
                let tick = match elapsed(past.last_start) {
                    None => at_once,
                    Some(elapsed) => {
                        let late = remainder(elapsed, step);
                        match elapsed < step || is_too_late(late, max_late) {
                            true => now.boot.after(step - late),
                            false => at_once,
                        }
                    }
                };
                Course::Grid { step, tick: tick.max(not_before) }
            }
            Pace::Schedule(schedule) => {
                let seen =
                    past.considered.unwrap_or_else(|| earlier(past.last_start.unwrap_or(now.wall), splay));
                Course::Times { schedule: schedule.clone(), seen, offset: now.offset() }
            }
        }
    }

    /// After a change to another kind of pace: nothing has been missed.
    pub(super) fn from_now(pace: &Pace, splay: Duration, now: Now) -> Self {
        match pace {
            Pace::Interval(delay) | Pace::Once { retry: delay } => {
                let delay = delay.duration();
                Course::Delay { delay, since: now.boot, due: now.boot.after(delay) }
            }
            Pace::Every(step) => {
                Course::Grid { step: step.duration(), tick: now.boot.after(step.duration()) }
            }
            Pace::Schedule(schedule) => Course::Times {
                schedule: schedule.clone(),
                seen: earlier(now.wall, splay),
                offset: now.offset(),
            },
        }
    }
}
