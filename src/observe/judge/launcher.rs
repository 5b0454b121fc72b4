//! What a live launcher is doing, by the run record that it wrote.

use std::time::{Duration, SystemTime};

use super::assessment::{Assessment, READY_WITHIN, judged};
use super::span::{ago, since_boot, span};
use crate::config::timing::{Timing, TimingSpec};
use crate::observe::launcher::{Children, Launcher};
use crate::observe::snapshot::{PreviousLoop, Snapshot, parse_time};
use crate::observe::state::ServiceState;
use crate::plan::Mode;
use crate::record::{How, Resting, RestingKind, RunRecord};

/// A launcher that has not written its record this long after its start is no longer starting.
const RECORDS_WITHIN: Duration = Duration::from_secs(5);
/// A run may start this much later than it is due: the machine may be busy.
const LATE: Duration = Duration::from_secs(60);
/// A run that waits for the lock of --lock may start this much later: it waits for the run of another holder.
const LATE_FOR_LOCK: Duration = Duration::from_secs(3600);
/// After a run, its hook (30 s at most) has ended by then, and the next run is scheduled.
const SETTLES_NEXT_WITHIN: Duration = Duration::from_secs(120);

pub(super) fn judge_launcher(snapshot: &Snapshot, launcher: &Launcher, now: SystemTime) -> Assessment {
    let Some(record) = snapshot.current_record() else {
        return match &snapshot.findings {
            _ if launcher.age <= RECORDS_WITHIN => {
                judged(ServiceState::Starting, "its launcher has just started")
            }
            Some(findings) => judged(ServiceState::Resting, findings.clone()),
            None => (ServiceState::Unknown, snapshot.record_doubt.clone()),
        };
    };
    if let Some(resting) = &record.resting {
        return judge_resting(snapshot, record, resting, now);
    }
    match snapshot.plan.as_ref().map(|plan| &plan.mode) {
        Some(Mode::Loop(timing)) => {
            judge_loop(record, launcher, settled(timing), snapshot.previous_loop, now)
        }
        _ if launcher.age <= RECORDS_WITHIN => {
            judged(ServiceState::Starting, "its worker has not been started yet")
        }
        _ => judged(ServiceState::Unknown, "its launcher is not resting, but has not started its worker"),
    }
}

/// Timing options that depend on no variable.
fn settled(timing: &TimingSpec) -> Option<&Timing> {
    match timing {
        TimingSpec::Fixed(timing) => Some(timing),
        TimingSpec::Open(_) => None,
    }
}

fn judge_resting(snapshot: &Snapshot, record: &RunRecord, resting: &Resting, now: SystemTime) -> Assessment {
    let reason = resting.reason.clone();
    match resting.kind {
        RestingKind::Done => judged(ServiceState::Done, resting.bare_reason()),
        RestingKind::Configuration | RestingKind::Program => judged(ServiceState::Resting, reason),
        RestingKind::MaxFailures => judged(ServiceState::Resting, format!("{reason}{}", last_line(record))),
        RestingKind::Gate => {
            // the record names the closed gate in its reason only: that is a sentence for people
            let gates = snapshot.plan.iter().flat_map(|plan| &plan.gates);
            let waits = resting.is_running_before()
                || gates.into_iter().any(|gate| gate.is_waited_for() && reason.contains(&gate.to_string()));
            let closed = parse_time(&resting.since).map_or(Duration::ZERO, |since| ago(since, now));
            match waits && closed > READY_WITHIN {
                true => judged(ServiceState::NotReady, format!("{reason} (for {})", span(closed))),
                false => judged(ServiceState::Gated, reason),
            }
        }
    }
}

fn judge_loop(
    record: &RunRecord,
    launcher: &Launcher,
    timing: Option<&Timing>,
    previous_loop: PreviousLoop,
    now: SystemTime,
) -> Assessment {
    if let Some(why) = overdue(record, launcher, timing, previous_loop, now) {
        return judged(ServiceState::Overdue, why);
    }
    if record.consecutive_failures > 0 {
        return judged(ServiceState::Failing, failures(record));
    }
    if let Some(lock) = &record.waiting_for_lock {
        return judged(ServiceState::Waiting, format!("waiting for the lock '{}'", lock.path));
    }
    match is_running(record) {
        true => (ServiceState::Running, None),
        false => (ServiceState::Waiting, None),
    }
}

fn is_running(record: &RunRecord) -> bool {
    record.last_start.is_some() && record.last_end.is_none() && record.next_due.is_none()
}

/// Why a loop is late, or its record is no longer written.
fn overdue(
    record: &RunRecord,
    launcher: &Launcher,
    timing: Option<&Timing>,
    previous_loop: PreviousLoop,
    now: SystemTime,
) -> Option<String> {
    let since = |stamp: &Option<String>| stamp.as_deref().and_then(parse_time).map(|at| ago(at, now));
    if let Some(lock) = &record.waiting_for_lock {
        let waited = parse_time(&lock.since).map_or(Duration::ZERO, |at| ago(at, now));
        let is_late = match previous_loop {
            PreviousLoop::None => waited > LATE_FOR_LOCK,
            PreviousLoop::Running => false,
            PreviousLoop::Gone => waited > LATE,
        };
        return is_late
            .then(|| format!("a run has been waiting for the lock '{}' for {}", lock.path, span(waited)));
    }
    if let Some(due) = &record.next_due {
        let late = since_boot(record.next_due_boot)
            .or_else(|| parse_time(due).map(|at| ago(at, now)))
            .unwrap_or(Duration::MAX);
        return (late > LATE)
            .then(|| format!("a run was due {} ago, but the run record does not show it", span(late)));
    }
    if is_running(record) {
        let lasts = since_boot(record.last_start_boot).or_else(|| since(&record.last_start))?;
        let is_another = match launcher.children {
            Some(Children::None) => lasts > LATE,
            Some(Children::For(age)) => lasts > age.saturating_add(LATE),
            None => false,
        };
        if is_another {
            return Some(format!(
                "the run record still shows a run that started {} ago and has ended",
                span(lasts)
            ));
        }
        let most = timing.and_then(|timing| Some(timing.timeout?.duration() + timing.stop.grace.duration()));
        return most
            .filter(|most| lasts > most.saturating_add(LATE))
            .map(|_| format!("its run has taken {}, longer than --timeout allows", span(lasts)));
    }
    let idle = since(&record.last_end).unwrap_or(launcher.age);
    (idle > SETTLES_NEXT_WITHIN).then(|| format!("its run record has shown no next run for {}", span(idle)))
}

fn failures(record: &RunRecord) -> String {
    let times = record.consecutive_failures;
    let line = last_line(record);
    let how = match &record.ended_run {
        // the exit status is less specific
        Some(run) if run.how != How::Exited => format!(": {}", run.what),
        _ => record.ended_status().map_or(String::new(), |status| format!(" with status {status}")),
    };
    match times {
        1 => format!("1 run failed{how}{line}"),
        _ if how.is_empty() => format!("{times} runs in a row failed{line}"),
        _ => format!("{times} runs in a row failed, the last{how}{line}"),
    }
}

/// The last line of the failed run; one that was not started has none.
fn last_line(record: &RunRecord) -> String {
    let is_started = record.ended_run.as_ref().is_none_or(|run| run.how != How::NotStarted);
    let line = record.last_error().filter(|_| is_started);
    line.map_or(String::new(), |line| format!(": {line}"))
}
