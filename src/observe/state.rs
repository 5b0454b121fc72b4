//! In what state a service is: a pure judgement over what was seen.

use std::time::{Duration, SystemTime};

use super::{Seen, Supervision, time};
use crate::run::RestingKind;
use crate::service::supervision::Status;

/// So far back deaths count for a crash loop,
const RECENTLY: Duration = Duration::from_secs(300);
/// and a process that has been up for this long is in none.
const SETTLED: Duration = Duration::from_secs(60);
/// So many failures make one,
const FAILED_DEATHS: usize = 3;
/// or so many deaths of any kind.
const DEATHS: usize = 5;

/// The state of a service. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Its processes die again and again.
    Crashing,
    /// A loop whose last run failed.
    Failing,
    /// It waits for someone to mend something.
    Resting,
    /// It went down by itself and is not started again.
    GaveUp,
    /// It is published and no supervisor runs.
    Unsupervised,
    /// What the supervisor wrote cannot be read.
    Unknown,
    /// Between two lives.
    Restarting,
    /// It has not said yet that it is ready.
    Starting,
    /// Stopped by SIGSTOP.
    Paused,
    /// It waits for what it was told to wait for.
    Gated,
    /// A run is under way.
    Running,
    /// Between two runs, the last of which ended well.
    Waiting,
    /// `--once` has done its work.
    Done,
    /// Its process runs, and is ready if it tells that.
    Up,
    /// Someone wants it down.
    Down,
    /// Defined, not published.
    NotPublished,
}

impl State {
    /// The word for it, also in machine output.
    pub fn word(self) -> &'static str {
        match self {
            State::Crashing => "crashing",
            State::Failing => "failing",
            State::Resting => "resting",
            State::GaveUp => "gave-up",
            State::Unsupervised => "unsupervised",
            State::Unknown => "unknown",
            State::Restarting => "restarting",
            State::Starting => "starting",
            State::Paused => "paused",
            State::Gated => "gated",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Done => "done",
            State::Up => "up",
            State::Down => "down",
            State::NotPublished => "unpublished",
        }
    }

    /// All of them.
    pub const ALL: [State; 16] = [
        State::Crashing,
        State::Failing,
        State::Resting,
        State::GaveUp,
        State::Unsupervised,
        State::Unknown,
        State::Restarting,
        State::Starting,
        State::Paused,
        State::Gated,
        State::Running,
        State::Waiting,
        State::Done,
        State::Up,
        State::Down,
        State::NotPublished,
    ];

    /// Whether a service may be in this state and all is well.
    pub fn is_healthy(self) -> bool {
        self >= State::Restarting
    }
}

/// The state, and why it is in that, where this is not plain.
pub fn judge(seen: &Seen, now: SystemTime) -> (State, Option<String>) {
    match &seen.supervision {
        Supervision::NotPublished => (State::NotPublished, None),
        Supervision::None => (State::Unsupervised, Some("no supervisor runs".to_string())),
        Supervision::Unknown(why) => (State::Unknown, Some(why.clone())),
        Supervision::Known(status) => judge_supervised(seen, status, now),
    }
}

fn judge_supervised(seen: &Seen, status: &Status, now: SystemTime) -> (State, Option<String>) {
    let since = now.duration_since(status.changed).unwrap_or_default();
    let is_settled = status.pid.is_some() && since >= SETTLED;
    if !is_settled && (status.pid.is_some() || status.wants_up) && is_crashing(seen, now) {
        let last = seen.deaths.last().map_or(String::new(), |death| format!(", the last by {}", death.cause));
        let count = seen.deaths_since(now.checked_sub(RECENTLY).unwrap_or(now));
        return (State::Crashing, Some(format!("died {count} times in 5 minutes{last}")));
    }
    if status.pid.is_none() {
        return match (status.is_finishing, status.wants_up) {
            (true, _) => (State::Restarting, Some("its finish script runs".to_string())),
            (false, true) => (State::Restarting, Some(format!("ended with {}", status.cause))),
            (false, false) if seen.is_down_by_file || status.cause.is_orderly() => (State::Down, None),
            (false, false) => (State::GaveUp, Some(format!("ended with {}", status.cause))),
        };
    }
    if status.is_paused {
        return (State::Paused, None);
    }
    if let Some(record) = seen.current_record() {
        if let Some(resting) = &record.resting {
            let state = match resting.kind {
                RestingKind::Done => State::Done,
                RestingKind::Gate => State::Gated,
                RestingKind::Configuration | RestingKind::Program | RestingKind::MaxFailures => {
                    State::Resting
                }
            };
            return (state, Some(resting.reason.clone()));
        }
        if seen.is_loop() && record.consecutive_failures > 0 {
            let times = record.consecutive_failures;
            let last = record.last_errors.iter().rev().find(|line| !line.trim().is_empty());
            let says = last.map_or(String::new(), |line| format!(": {}", line.trim()));
            let status =
                record.last_status.map_or(String::new(), |status| format!(", the last with status {status}"));
            let runs =
                if times == 1 { "1 run failed".to_string() } else { format!("{times} runs in a row failed") };
            let status = if times == 1 { status.replace(", the last", "") } else { status };
            return (State::Failing, Some(format!("{runs}{status}{says}")));
        }
        if seen.is_loop() && record.last_start.is_some() && record.last_end.is_none() {
            return (State::Running, None);
        }
    }
    if seen.is_loop() {
        return (State::Waiting, None);
    }
    match seen.tells_readiness && !status.is_ready {
        true => (State::Starting, Some("it has not said that it is ready".to_string())),
        false => (State::Up, None),
    }
}

fn is_crashing(seen: &Seen, now: SystemTime) -> bool {
    let Some(from) = now.checked_sub(RECENTLY) else { return false };
    let recent = || seen.deaths.iter().filter(|death| death.at >= from);
    recent().count() >= DEATHS || recent().filter(|death| !death.cause.is_orderly()).count() >= FAILED_DEATHS
}

/// Why a service is not healthy; none if it is. `max_age` bounds the time since a loop's last run.
pub fn complaint(seen: &Seen, now: SystemTime, max_age: Option<Duration>) -> Option<String> {
    let (state, why) = judge(seen, now);
    if !state.is_healthy() {
        return Some(match why {
            Some(why) => format!("{}: {why}", state.word()),
            None => state.word().to_string(),
        });
    }
    let max_age = max_age?;
    if !matches!(state, State::Waiting | State::Running) {
        return None;
    }
    let record = seen.current_record();
    let stamp = record.and_then(|record| record.last_end.as_ref().or(record.last_start.as_ref()));
    let last = stamp.and_then(|stamp| time(stamp)).or(seen.status().map(|status| status.changed))?;
    let age = now.duration_since(last).unwrap_or_default();
    (age > max_age).then(|| {
        let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
        format!("{}: the last run was {age} ago", state.word())
    })
}
