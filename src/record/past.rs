//! The service's runs before this launcher, for `--persist`. An impossible time is reported, and ignored.

use std::time::SystemTime;

use super::form::RunRecord;
use crate::config::timing::Pace;
use crate::report::Reporter;
use crate::sys;

/// The service's runs before this launcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// When the last run started, or the schedule took effect.
    pub(crate) last_start: Option<SystemTime>,
    /// The schedule's last tick that has been considered. It cannot be derived from the start, since `--splay` may
    /// have changed.
    pub(crate) considered: Option<SystemTime>,
    /// When that run ended.
    pub(crate) last_end: Option<SystemTime>,
}

impl RunRecord {
    /// The past runs, for `--persist`. A new schedule has not missed any; an invalid time or one in the future is
    /// reported and ignored.
    pub(crate) fn past(&mut self, pace: &Pace, now: SystemTime, reporter: &Reporter) -> Past {
        let last_start = self.time_before(|record| &mut record.last_start, now, reporter);
        let last_end = self.time_before(|record| &mut record.last_end, now, reporter);
        let mut past = Past { last_start, last_end: last_start.and(last_end), considered: None };
        let Pace::Schedule(schedule) = pace else {
            self.forget();
            return past;
        };
        let schedule = schedule.key();
        let is_new = self.schedule.as_ref() != Some(&schedule);
        let waiting_since = self.time_before(|record| &mut record.waiting_since, now, reporter);
        past.last_start = match is_new {
            true => None,
            false => waiting_since.max(past.last_start),
        };
        let considered = self.time_before(|record| &mut record.considered, now, reporter);
        past.considered = considered.filter(|_| past.last_start.is_some());
        if past.last_start.is_none() {
            self.waiting_since = Some(sys::clock::utc_to_the_millisecond(now));
        }
        self.schedule = Some(schedule);
        past
    }

    /// A time from the record; an impossible one is reported, and removed.
    fn time_before(
        &mut self,
        field: impl Fn(&mut RunRecord) -> &mut Option<String>,
        now: SystemTime,
        reporter: &Reporter,
    ) -> Option<SystemTime> {
        let text = field(self).clone()?;
        let what = match sys::clock::from_utc(&text) {
            Some(at) if at <= now => return Some(at),
            Some(_) => "in the future",
            None => "not a valid time",
        };
        let name = &self.name;
        let shown: String = text.chars().take(40).collect();
        reporter.warn(&format!("ignoring the time '{shown}' in the run record of '{name}': {what}"));
        *field(self) = None;
        None
    }

    /// Removes this state, without `--persist`.
    pub(crate) fn forget(&mut self) -> Past {
        self.schedule = None;
        self.waiting_since = None;
        self.considered = None;
        Past::default()
    }
}
