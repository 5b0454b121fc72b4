//! The current timing options, and the pacer they configure.

use std::time::Duration;

use super::journal::Journal;
use super::pacer::{Due, Now, Pacer};
use super::waiter::LoopWaiter;
use crate::config::settings::Persist;
use crate::config::timing::{Pace, Timing};
use crate::plan::{Plan, splay};
use crate::record::{NextDue, RecordFile};
use crate::report::Reporter;
use crate::run::run_end::in_words;
use crate::sys::clock::BootTime;
use crate::wait::Deadline;

pub(super) struct Pacing {
    pub(super) timing: Timing,
    pub(super) pacer: Pacer,
}

impl Pacing {
    pub(super) fn new(plan: &Plan, timing: Timing, record: &mut RecordFile, reporter: &Reporter) -> Self {
        let splay = own_splay(plan, &timing);
        let now = Now::read();
        let past = match timing.persist {
            Persist::Yes => record.content.past(&timing.pace, now.wall, reporter),
            Persist::No => record.content.forget(),
        };
        record.keep_history(timing.history);
        Pacing { pacer: Pacer::new(&timing, splay, past, now), timing }
    }

    /// Applies options read again because they depend on variables.
    pub(super) fn change(&mut self, plan: &Plan, timing: Timing, journal: &mut Journal<'_>) {
        let splay = own_splay(plan, &timing);
        let now = Now::read();
        self.pacer.change(&timing, splay, now);
        let record = &mut journal.record.content;
        match timing.persist {
            Persist::Yes if timing.pace != self.timing.pace => {
                record.past(&timing.pace, now.wall, journal.reporter);
            }
            Persist::Yes => {}
            Persist::No => {
                record.forget();
            }
        }
        journal.record.keep_history(timing.history);
        self.timing = timing;
    }

    /// When to wake up, given a run requested at `asked`; none if there are no more runs.
    pub(super) fn deadline(&mut self, asked: Option<BootTime>) -> Option<Deadline> {
        match self.pacer.due(Now::read()) {
            Due::Never => asked.map(|asked| Deadline { boot: Some(asked), wall: None }),
            Due::At(due) => {
                Some(Deadline { boot: Some(asked.map_or(due, |asked| asked.min(due))), wall: None })
            }
            Due::Wall(due) => Some(Deadline { boot: asked, wall: Some(due) }),
        }
    }

    /// Records when the next run is due.
    pub(super) fn note_next_due(&mut self, waiter: &LoopWaiter<'_>, journal: &mut Journal<'_>) {
        let now = Now::read();
        journal.record.content.set_considered(self.pacer.considered());
        let next_in = match waiter.is_run_requested() {
            true => Some(Duration::ZERO),
            false => self.pacer.next_in(now),
        };
        let is_by_wall_clock = matches!(self.pacer.due(now), Due::Wall(_) | Due::Never);
        journal.record.content.set_next_due(next_in.map(|next_in| NextDue {
            wall: now.wall + next_in,
            boot: (!is_by_wall_clock).then(|| now.boot.after(next_in)),
        }));
        if let Some(next_in) = next_in {
            journal.record.write_soon(next_in, journal.reporter);
        }
    }

    /// Adds the dropped ticks to the record.
    pub(super) fn count_dropped(&mut self, journal: &mut Journal<'_>) {
        journal.record.dropped(self.pacer.take_dropped());
    }

    /// Reports and records a run that was dropped as too late.
    pub(super) fn report_dropped(&mut self, waiter: &LoopWaiter<'_>, journal: &mut Journal<'_>) {
        let before = journal.record.content.skipped;
        self.count_dropped(journal);
        if journal.record.content.skipped != before {
            journal.reporter.warn("dropped a run that was later than --max-late allows");
            self.note_next_due(waiter, journal);
        }
    }

    /// A run starts, and counts from here, whatever its outcome.
    pub(super) fn begin(&mut self, now: Now, journal: &mut Journal<'_>) {
        self.pacer.began(now);
        self.count_dropped(journal);
        let record = &mut journal.record.content;
        record.started(now.wall);
        record.set_considered(self.pacer.considered());
        if self.timing.persist == Persist::Yes {
            // if the launcher is killed now, the next must not repeat this run
            journal.write_record();
        }
    }

    /// A due run is skipped, and counted; the next follows as after a run that takes no time.
    pub(super) fn skip(&mut self, waiter: &LoopWaiter<'_>, journal: &mut Journal<'_>) {
        let now = Now::read();
        self.pacer.began(now);
        self.pacer.ended(now, None);
        self.count_dropped(journal);
        journal.record.dropped(1);
        self.note_next_due(waiter, journal);
        if self.timing.persist == Persist::Yes {
            // if the launcher is killed now, the next must not make up for this run
            journal.write_record();
        }
    }

    /// Describes when the next run is due, for a failure message.
    pub(super) fn next_in_words(&mut self, now: Now) -> String {
        match (&self.timing.pace, self.pacer.next_in(now)) {
            (_, None) => String::new(),
            (Pace::Schedule(schedule), Some(delay)) => {
                format!("; next run at {}", schedule.local(now.wall + delay))
            }
            (_, Some(delay)) => format!("; next run in {}", in_words(delay)),
        }
    }
}

/// This service's share of `--splay`.
fn own_splay(plan: &Plan, timing: &Timing) -> Duration {
    splay::of(plan, timing.splay.map(|splay| splay.duration()))
}
