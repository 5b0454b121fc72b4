//! The deaths of a service's processes: whether they were ordered, or are a crash loop.

use std::time::{Duration, SystemTime};

use super::assessment::{Assessment, judged};
use super::span::{ago, span};
use crate::observe::snapshot::Snapshot;
use crate::observe::state::ServiceState;
use crate::service::supervision::{Cause, Death, Status};

/// A stop or start that an order causes happens within this time.
const OBEYED_WITHIN: Duration = Duration::from_secs(60);
/// Where deaths are not recorded, a process that starts later than this after an order was not ordered.
const STARTED_WITHIN: Duration = Duration::from_secs(10);
/// How far back deaths count for a crash loop.
const RECENTLY: Duration = Duration::from_secs(300);
/// This many failures make a crash loop,
const FAILED_DEATHS: usize = 3;
/// or this many deaths of any kind.
const DEATHS: usize = 5;

/// How a process ended, as a clause: `killed by signal 9`.
pub(super) fn ended(cause: Cause) -> String {
    match cause {
        Cause::Exited(_) => format!("ended with {cause}"),
        Cause::Killed(_) => cause.to_string(),
    }
}

/// Whether a service is down intentionally. s6 gives a service up only when `finish` exits with 125.
pub(super) fn is_down_on_purpose(snapshot: &Snapshot, status: &Status, cause: Cause) -> bool {
    let died = snapshot.deaths.last().map_or(status.changed, |death| death.at);
    snapshot.is_down_by_file
        || !snapshot.has_finish
        || cause.is_success()
        || cause.is_by(snapshot.stop_signal)
        || snapshot.last_order.is_some_and(|order| order > status.down_since().unwrap_or(status.changed))
        || (cause.may_answer_a_stop() && was_ordered(snapshot, died))
}

/// Whether the last order caused this death: it is the first one after the order, and soon after it.
fn was_ordered(snapshot: &Snapshot, died: SystemTime) -> bool {
    let Some(order) = snapshot.last_order else { return false };
    let is_between = |death: &Death| death.at >= order && death.at < died;
    died.duration_since(order).is_ok_and(|took| took <= OBEYED_WITHIN)
        && !snapshot.deaths.iter().any(is_between)
}

/// The recent deaths that were not ordered. Of all orders only the time of the last one is known. Therefore a death
/// also counts as ordered if it looks like the effect of the stop signal, or like the last death when that was ordered.
fn unordered_deaths(snapshot: &Snapshot, now: SystemTime) -> Vec<Death> {
    let Some(from) = now.checked_sub(RECENTLY) else { return Vec::new() };
    let ordered = snapshot.deaths.last().filter(|last| was_ordered(snapshot, last.at)).map(|last| last.cause);
    // a loop ends in this way only when it is stopped
    let ends_a_loop = |cause| snapshot.is_loop() && matches!(cause, Cause::Exited(0 | 137));
    let is_ordered =
        |cause: Cause| Some(cause) == ordered || cause.is_by(snapshot.stop_signal) || ends_a_loop(cause);
    snapshot.deaths.iter().filter(|death| death.at >= from && !is_ordered(death.cause)).copied().collect()
}

/// A crash loop, by the death tally.
pub(super) fn judge_deaths(snapshot: &Snapshot, now: SystemTime) -> Option<Assessment> {
    let deaths = unordered_deaths(snapshot, now);
    let failures = deaths.iter().filter(|death| !death.cause.is_success()).count();
    let last = deaths.last().filter(|_| deaths.len() >= DEATHS || failures >= FAILED_DEATHS)?;
    Some(judged(
        ServiceState::Crashing,
        format!("died {} times in 5 minutes (last: {})", deaths.len(), last.cause),
    ))
}

/// Where no deaths are recorded, a recent death that was not ordered may be one of many.
pub(super) fn judge_unrecorded(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Option<Assessment> {
    let follows = |cause: SystemTime| {
        // the start of a process is known to the clock tick only
        let cause = cause - Duration::from_secs(1);
        status.changed.duration_since(cause).is_ok_and(|took| took <= STARTED_WITHIN)
    };
    if snapshot.last_order.into_iter().chain(snapshot.supervisor_since).any(follows) {
        return None;
    }
    if let Some(obstacle) = &snapshot.obstacle {
        return Some(judged(ServiceState::CannotStart, obstacle.in_short()));
    }
    let what = if status.pid.is_some() { "was started" } else { "ended" };
    let (ago, suite) = (span(ago(status.changed, now)), status.suite.word());
    Some(judged(
        ServiceState::Unknown,
        format!("{what} {ago} ago without a command, and {suite} does not record deaths"),
    ))
}
