//! The judgement over what was seen of a service, purely. A service that is to be up is well only on evidence; what
//! cannot be established is `unknown`, which is not well. docs/status.md has it as a table.

use std::time::{Duration, SystemTime};

use super::launcher::{Children, Launcher, Process};
use super::state::{State, Verdict};
use super::{PreviousLoop, Snapshot, SupervisorState, time};
use crate::config::timing::{Timing, TimingSpec};
use crate::plan::Mode;
use crate::record::How;
use crate::record::Resting;
use crate::record::RestingKind;
use crate::record::RunRecord;
use crate::service::supervision::{Cause, Death, Status};
use crate::sys::clock::BootTime;
use crate::sys::proc::Halt;

/// After an order a stop, or the start that it brings about, comes within this time.
const OBEYED_WITHIN: Duration = Duration::from_secs(60);
/// Where deaths are not recorded, a life that begins later after an order than this was not ordered.
const STARTED_WITHIN: Duration = Duration::from_secs(10);
/// So far back deaths count for a crash loop,
const RECENTLY: Duration = Duration::from_secs(300);
/// and a process that has been up for this long is in none.
const SETTLED: Duration = Duration::from_secs(60);
/// This many failures make one,
const FAILED_DEATHS: usize = 3;
/// or this many deaths of any kind.
const DEATHS: usize = 5;
/// A supervisor starts a service again within a second or two; one that is down for longer cannot be started.
const RESPAWNS_WITHIN: Duration = Duration::from_secs(3);
/// s6 ends a finish script after 5 s by default; one that takes this long holds the service up.
const FINISHES_WITHIN: Duration = Duration::from_secs(60);
/// A launcher that has not written anything for this long after its start is not just starting.
const RECORDS_WITHIN: Duration = Duration::from_secs(5);
/// A service that has not reported its readiness for this long, or whose `--wait-for` has been closed for this
/// long, does not work.
const READY_WITHIN: Duration = Duration::from_secs(330);
/// A run that begins no later than this after its time is not overdue: the machine may be busy.
const LATE: Duration = Duration::from_secs(60);
/// One that waits for the lock of --lock has longer: another holder's run is waited for.
const LATE_FOR_LOCK: Duration = Duration::from_secs(3600);
/// What follows a run (its hook, 30 s at most) is over by then, and the next run is settled.
const SETTLES_NEXT_WITHIN: Duration = Duration::from_secs(120);

type Judged = (State, Option<String>);

fn so(state: State, why: impl Into<String>) -> Judged {
    (state, Some(why.into()))
}

/// The state, and why it is in that, where this is not plain.
pub fn judge(snapshot: &Snapshot, now: SystemTime) -> Judged {
    match &snapshot.supervisor {
        SupervisorState::NotPublished if snapshot.is_down_by_file => so(State::Down, "disabled"),
        SupervisorState::NotPublished => so(State::NotPublished, "it is defined, and not published"),
        SupervisorState::None => so(State::Unsupervised, "no supervisor runs"),
        SupervisorState::Unknown(why) => so(State::Unknown, why.clone()),
        SupervisorState::Known(status) => judge_supervised(snapshot, status, now),
    }
}

fn judge_supervised(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Judged {
    let since = ago(status.changed, now);
    let is_settled = status.pid.is_some() && since >= SETTLED;
    let is_to_be_up = status.pid.is_some() || status.wants_up;
    let judged = judge_now(snapshot, status, now);
    // what is seen of a process, or of the want of one, says more than that others died before
    let has_evidence = matches!(
        judged.0,
        State::CannotStart | State::Resting | State::Done | State::Gated | State::NotReady
    );
    if is_settled || !is_to_be_up || has_evidence {
        return judged;
    }
    match status.suite.keeps_tally() {
        true => judge_deaths(snapshot, now).unwrap_or(judged),
        // a record of the launcher's own shows that it lives
        false if matches!(judged.0, State::Up | State::Starting | State::Restarting) => {
            judge_unrecorded(snapshot, status, now).unwrap_or(judged)
        }
        false => judged,
    }
}

/// As it is at this moment, whatever was before.
fn judge_now(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Judged {
    let Some(pid) = status.pid else { return judge_down(snapshot, status, now) };
    match &snapshot.process {
        _ if status.is_paused => so(State::Paused, "stopped by SIGSTOP"),
        Process::Stopped(Halt::Signal) => so(State::Paused, "stopped by SIGSTOP"),
        Process::Stopped(Halt::Tracer) => so(State::Paused, "stopped by the process that traces it"),
        Process::Unseen(why) => so(State::Unknown, why.clone()),
        Process::None => {
            so(State::Unknown, format!("pid {pid} has ended, and its supervisor has not noticed"))
        }
        Process::Runs | Process::InRunScript => match &snapshot.launcher {
            Some(launcher) => judge_launcher(snapshot, launcher, now),
            None => judge_worker(snapshot, status, now),
        },
    }
}

/// Without a process of its own.
fn judge_down(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Judged {
    if status.is_finishing {
        let time = ago(status.changed, now);
        return match time > FINISHES_WITHIN {
            true => so(State::CannotStart, format!("its finish script has been running for {}", span(time))),
            false => so(State::Restarting, "its finish script runs"),
        };
    }
    if !status.wants_up {
        return match status.cause {
            Some(cause) if !is_down_on_purpose(snapshot, status, cause) => so(State::GaveUp, ended(cause)),
            _ => (State::Down, None),
        };
    }
    // a status that names no cause says "exit status 0"
    let ended = snapshot.deaths.last().map(|death| ended(death.cause));
    let down = status.down_since().map_or(Duration::ZERO, |since| ago(since, now));
    if down <= RESPAWNS_WITHIN {
        return so(State::Restarting, ended.unwrap_or_else(|| "about to be started".to_string()));
    }
    let ended = ended.map_or(String::new(), |ended| format!("{ended}, and "));
    let why = match &snapshot.obstacle {
        Some(obstacle) => obstacle.in_short(),
        None => "the supervisor's own log has the reason".to_string(),
    };
    so(State::CannotStart, format!("{ended}has had no process for {}: {why}", span(down)))
}

/// A process that is no launcher: a worker in its place, or another program.
fn judge_worker(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Judged {
    let up = ago(status.changed, now);
    if snapshot.reports_readiness && status.is_ready == Some(false) {
        return match up > READY_WITHIN {
            false => so(State::Starting, "it has not reported that it is ready"),
            true => so(State::NotReady, format!("it has not reported that it is ready for {}", span(up))),
        };
    }
    let why = "its run script has not come to futo-launch";
    match snapshot.is_loop() && snapshot.process == Process::InRunScript {
        true if up > READY_WITHIN => so(State::NotReady, format!("{why} for {}", span(up))),
        true => so(State::Starting, format!("{why} yet")),
        false => (State::Up, None),
    }
}

fn judge_launcher(snapshot: &Snapshot, launcher: &Launcher, now: SystemTime) -> Judged {
    let Some(record) = snapshot.current_record() else {
        return match &snapshot.findings {
            _ if launcher.age <= RECORDS_WITHIN => so(State::Starting, "its launcher has just been started"),
            Some(findings) => so(State::Resting, findings.clone()),
            None => so(State::Unknown, snapshot.record_doubt.clone().unwrap_or_default()),
        };
    };
    if let Some(resting) = &record.resting {
        return judge_resting(snapshot, record, resting, now);
    }
    match snapshot.plan.as_ref().map(|plan| &plan.mode) {
        Some(Mode::Loop(timing)) => {
            judge_loop(record, launcher, settled(timing), snapshot.previous_loop, now)
        }
        _ if launcher.age <= RECORDS_WITHIN => so(State::Starting, "its worker has not been started yet"),
        _ => so(State::Unknown, "its launcher neither rests nor has started its worker"),
    }
}

/// Timing options that depend on no variable.
fn settled(timing: &TimingSpec) -> Option<&Timing> {
    match timing {
        TimingSpec::Fixed(timing) => Some(timing),
        TimingSpec::Open(_) => None,
    }
}

fn judge_resting(snapshot: &Snapshot, record: &RunRecord, resting: &Resting, now: SystemTime) -> Judged {
    let reason = resting.reason.clone();
    match resting.kind {
        RestingKind::Done => so(State::Done, reason.strip_prefix("done: ").unwrap_or(&reason)),
        RestingKind::Configuration | RestingKind::Program => so(State::Resting, reason),
        RestingKind::MaxFailures => so(State::Resting, format!("{reason}{}", last_line(record))),
        RestingKind::Gate => {
            let gates = snapshot.plan.iter().flat_map(|plan| &plan.gates);
            let waits =
                gates.into_iter().any(|gate| gate.is_waited_for() && reason.contains(&gate.to_string()));
            let closed = time(&resting.since).map_or(Duration::ZERO, |since| ago(since, now));
            match waits && closed > READY_WITHIN {
                true => so(State::NotReady, format!("{reason}, for {}", span(closed))),
                false => so(State::Gated, reason),
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
) -> Judged {
    if let Some(why) = overdue(record, launcher, timing, previous_loop, now) {
        return so(State::Overdue, why);
    }
    if record.consecutive_failures > 0 {
        return so(State::Failing, failures(record));
    }
    if let Some(lock) = &record.waiting_for_lock {
        return so(State::Waiting, format!("waiting for the lock '{}'", lock.path));
    }
    match is_running(record) {
        true => (State::Running, None),
        false => (State::Waiting, None),
    }
}

fn is_running(record: &RunRecord) -> bool {
    record.last_start.is_some() && record.last_end.is_none() && record.next_due.is_none()
}

/// Why a loop does not keep its times, or its record is no longer written.
fn overdue(
    record: &RunRecord,
    launcher: &Launcher,
    timing: Option<&Timing>,
    previous_loop: PreviousLoop,
    now: SystemTime,
) -> Option<String> {
    let since = |stamp: &Option<String>| stamp.as_deref().and_then(time).map(|at| ago(at, now));
    if let Some(lock) = &record.waiting_for_lock {
        let waited = time(&lock.since).map_or(Duration::ZERO, |at| ago(at, now));
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
            .or_else(|| time(due).map(|at| ago(at, now)))
            .unwrap_or(Duration::MAX);
        return (late > LATE)
            .then(|| format!("a run was due {} ago, and the run record does not show it", span(late)));
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
                "the run that its record shows since {} has ended: the record is no longer written",
                span(lasts)
            ));
        }
        let most = timing.and_then(|timing| Some(timing.timeout?.duration() + timing.stop.grace.duration()));
        return most
            .filter(|most| lasts > most.saturating_add(LATE))
            .map(|_| format!("its run has lasted {}, longer than --timeout allows", span(lasts)));
    }
    let idle = since(&record.last_end).unwrap_or(launcher.age);
    (idle > SETTLES_NEXT_WITHIN).then(|| format!("its run record has named no next run for {}", span(idle)))
}

fn failures(record: &RunRecord) -> String {
    let times = record.consecutive_failures;
    let says = last_line(record);
    let how = match &record.ended_run {
        // the status would say less
        Some(run) if run.how != How::Exited => format!(": {}", run.what),
        _ => record.ended_status().map_or(String::new(), |status| format!(" with status {status}")),
    };
    match times {
        1 => format!("1 run failed{how}{says}"),
        _ if how.is_empty() => format!("{times} runs in a row failed{says}"),
        _ => format!("{times} runs in a row failed, the last{how}{says}"),
    }
}

/// The last line of the failed run; one that was not started has none.
fn last_line(record: &RunRecord) -> String {
    let is_started = record.ended_run.as_ref().is_none_or(|run| run.how != How::NotStarted);
    let line = record.last_error().filter(|_| is_started);
    line.map_or(String::new(), |line| format!(": {line}"))
}

/// How a process ended, as a verb.
fn ended(cause: Cause) -> String {
    match cause {
        Cause::Exited(_) => format!("ended with {cause}"),
        Cause::Killed(_) => cause.to_string(),
    }
}

/// Whether somebody wants a service down that is not to be up. s6 gives one up only when `finish` exits with 125.
fn is_down_on_purpose(snapshot: &Snapshot, status: &Status, cause: Cause) -> bool {
    let died = snapshot.deaths.last().map_or(status.changed, |death| death.at);
    snapshot.is_down_by_file
        || !snapshot.has_finish
        || cause.is_success()
        || cause.is_by(snapshot.stop_signal)
        || snapshot.last_order.is_some_and(|order| order > status.down_since().unwrap_or(status.changed))
        || (cause.may_answer_a_stop() && was_ordered(snapshot, died))
}

/// Whether this death is what the last order has brought about: the first one after it, and soon.
fn was_ordered(snapshot: &Snapshot, died: SystemTime) -> bool {
    let Some(order) = snapshot.last_order else { return false };
    let is_between = |death: &Death| death.at >= order && death.at < died;
    died.duration_since(order).is_ok_and(|took| took <= OBEYED_WITHIN)
        && !snapshot.deaths.iter().any(is_between)
}

/// The deaths of late that nobody ordered. An order leaves no trace but its time, of the last one only. Therefore a
/// death counts as ordered also if it looks like the effect of the stop signal, or like the last one, which was
/// ordered.
fn unordered_deaths(snapshot: &Snapshot, now: SystemTime) -> Vec<Death> {
    let Some(from) = now.checked_sub(RECENTLY) else { return Vec::new() };
    let ordered = snapshot.deaths.last().filter(|last| was_ordered(snapshot, last.at)).map(|last| last.cause);
    // a loop ends so only when it is stopped
    let ends_a_loop = |cause| snapshot.is_loop() && matches!(cause, Cause::Exited(0 | 137));
    let is_ordered =
        |cause: Cause| Some(cause) == ordered || cause.is_by(snapshot.stop_signal) || ends_a_loop(cause);
    snapshot.deaths.iter().filter(|death| death.at >= from && !is_ordered(death.cause)).copied().collect()
}

/// A crash loop, by the death tally.
fn judge_deaths(snapshot: &Snapshot, now: SystemTime) -> Option<Judged> {
    let deaths = unordered_deaths(snapshot, now);
    let failures = deaths.iter().filter(|death| !death.cause.is_success()).count();
    let last = deaths.last().filter(|_| deaths.len() >= DEATHS || failures >= FAILED_DEATHS)?;
    Some(so(State::Crashing, format!("died {} times in 5 minutes, the last by {}", deaths.len(), last.cause)))
}

/// Where no deaths are recorded: one that nobody ordered may be one of many, for as long as its effect is young.
fn judge_unrecorded(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Option<Judged> {
    let follows = |cause: SystemTime| {
        // the start of a process is known to a clock tick
        let cause = cause - Duration::from_secs(1);
        status.changed.duration_since(cause).is_ok_and(|took| took <= STARTED_WITHIN)
    };
    if snapshot.last_order.into_iter().chain(snapshot.supervisor_since).any(follows) {
        return None;
    }
    if let Some(obstacle) = &snapshot.obstacle {
        return Some(so(State::CannotStart, obstacle.in_short()));
    }
    let what = if status.pid.is_some() { "was started" } else { "ended" };
    let (ago, suite) = (span(ago(status.changed, now)), status.suite.word());
    Some(so(
        State::Unknown,
        format!("{what} {ago} ago without an order, and {suite} does not record how often"),
    ))
}

/// How long ago that was, in seconds of BOOTTIME.
fn since_boot(at: Option<f64>) -> Option<Duration> {
    let at = Duration::try_from_secs_f64(at?).ok()?;
    Some(BootTime::now().since(BootTime::from_boot(at)))
}

fn ago(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}

fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // of long spans the seconds say nothing
    let rounded = if seconds >= 600 { seconds / 60 * 60 } else { seconds };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

/// Why a service is not healthy; none if it is. `max_age` bounds the time since a loop's last run.
pub fn complaint(snapshot: &Snapshot, now: SystemTime, max_age: Option<Duration>) -> Option<String> {
    let (state, why) = judge(snapshot, now);
    if state.verdict() == Verdict::Ill {
        return Some(match why {
            Some(why) => format!("{}: {why}", state.word()),
            None => state.word().to_string(),
        });
    }
    let max_age = max_age.filter(|_| matches!(state, State::Waiting | State::Running))?;
    let record = snapshot.current_record();
    let stamp = record.and_then(|record| record.last_end.as_ref().or(record.last_start.as_ref()));
    let why = match stamp.and_then(|stamp| time(stamp)) {
        Some(last) => {
            let age = ago(last, now);
            (age > max_age).then(|| format!("the last run was {} ago", span(age)))
        }
        None => {
            let up = ago(snapshot.status()?.changed, now);
            (up > max_age).then(|| format!("no run yet, and it has been up for {}", span(up)))
        }
    };
    why.map(|why| format!("{}: {why}", state.word()))
}
