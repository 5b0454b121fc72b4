//! From a snapshot to a state, without I/O. A service that should be up is healthy only on evidence; what cannot be
//! established is `unknown`, which is not healthy. docs/status.md has it as a table.

mod assessment;
mod deaths;
mod launcher;
mod span;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::launcher::Process;
use super::reason::Reason;
use super::snapshot::{Snapshot, SupervisorState, parse_time};
use super::state::{ServiceState, Verdict};
use crate::service::supervision::Status;
use crate::sys::proc::Halt;
use assessment::{Assessment, READY_WITHIN, judged};
use deaths::{ended, is_down_on_purpose, judge_deaths, judge_unrecorded};
use launcher::judge_launcher;
use span::{ago, span};

/// A process that has been up for this long is not in a crash loop.
const SETTLED: Duration = Duration::from_secs(60);
/// A supervisor restarts a service within a second or two; one that stays down for longer cannot be started.
const RESPAWNS_WITHIN: Duration = Duration::from_secs(3);
/// s6 ends a finish script after 5 s by default; one that takes this long holds the service up.
const FINISHES_WITHIN: Duration = Duration::from_secs(60);

/// The state of a service, and the reason where that is not plain.
pub fn judge(snapshot: &Snapshot, now: SystemTime) -> Assessment {
    let (state, why) = judge_state(snapshot, now);
    let disabled = || {
        let is_down = state == ServiceState::Down;
        let text = if is_down { "disabled" } else { "disabled: will not be started at the next boot" };
        snapshot.is_disabled.then(|| Reason::from(text))
    };
    (state, why.or_else(disabled))
}

fn judge_state(snapshot: &Snapshot, now: SystemTime) -> Assessment {
    match &snapshot.supervisor {
        SupervisorState::NotPublished if snapshot.is_disabled => (ServiceState::Down, None),
        SupervisorState::NotPublished => {
            judged(ServiceState::NotPublished, "it is defined, but not published")
        }
        SupervisorState::None => judged(ServiceState::Unsupervised, "no supervisor is running"),
        SupervisorState::Unknown(why) => judged(ServiceState::Unknown, why.clone()),
        SupervisorState::Known(status) => judge_supervised(snapshot, status, now),
    }
}

fn judge_supervised(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Assessment {
    let since = ago(status.changed, now);
    let is_settled = status.pid.is_some() && since >= SETTLED;
    let is_to_be_up = status.pid.is_some() || status.wants_up;
    let judged = judge_now(snapshot, status, now);
    // evidence about the current process, or its absence, outweighs earlier deaths
    let has_evidence = matches!(
        judged.0,
        ServiceState::CannotStart
            | ServiceState::Resting
            | ServiceState::Done
            | ServiceState::Gated
            | ServiceState::NotReady
    );
    if is_settled || !is_to_be_up || has_evidence {
        return judged;
    }
    match status.suite.keeps_tally() {
        true => judge_deaths(snapshot, now).unwrap_or(judged),
        // a record that the running launcher wrote shows that it works
        false if matches!(judged.0, ServiceState::Up | ServiceState::Starting | ServiceState::Restarting) => {
            judge_unrecorded(snapshot, status, now).unwrap_or(judged)
        }
        false => judged,
    }
}

/// The current state, whatever happened before.
fn judge_now(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Assessment {
    let Some(pid) = status.pid else { return judge_down(snapshot, status, now) };
    match &snapshot.process {
        _ if status.is_paused => judged(ServiceState::Paused, "stopped by SIGSTOP"),
        Process::Stopped(Halt::Signal) => judged(ServiceState::Paused, "stopped by SIGSTOP"),
        Process::Stopped(Halt::Tracer) => judged(ServiceState::Paused, "stopped by the process tracing it"),
        Process::Unknown(why) => judged(ServiceState::Unknown, why.clone()),
        Process::None => {
            judged(ServiceState::Unknown, format!("pid {pid} has ended, but its supervisor has not noticed"))
        }
        Process::Runs | Process::InRunScript => match &snapshot.launcher {
            Some(launcher) => judge_launcher(snapshot, launcher, now),
            None => judge_worker(snapshot, status, now),
        },
    }
}

/// A service without a process.
fn judge_down(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Assessment {
    if status.is_finishing {
        let time = ago(status.changed, now);
        return match time > FINISHES_WITHIN {
            true => judged(
                ServiceState::CannotStart,
                format!("its finish script has been running for {}", span(time)),
            ),
            false => judged(ServiceState::Restarting, "its finish script is running"),
        };
    }
    if !status.wants_up {
        return match status.cause {
            Some(cause) if !is_down_on_purpose(snapshot, status, cause) => {
                judged(ServiceState::GaveUp, ended(cause))
            }
            _ => (ServiceState::Down, None),
        };
    }
    // before the first death the status reads "exit status 0"
    let ended = snapshot.deaths.last().map(|death| ended(death.cause));
    let down = status.down_since().map_or(Duration::ZERO, |since| ago(since, now));
    if down <= RESPAWNS_WITHIN {
        return judged(ServiceState::Restarting, ended.unwrap_or_else(|| "about to be started".to_string()));
    }
    let ended = ended.map_or(String::new(), |ended| format!("{ended}, and "));
    let why = match &snapshot.obstacle {
        Some(obstacle) => obstacle.in_short(),
        None => "the supervisor's own log has the reason".to_string(),
    };
    judged(ServiceState::CannotStart, format!("{ended}has had no process for {}: {why}", span(down)))
}

/// A process that is not a launcher: the worker in its place, or another program.
fn judge_worker(snapshot: &Snapshot, status: &Status, now: SystemTime) -> Assessment {
    let up = ago(status.changed, now);
    if snapshot.reports_readiness && status.is_ready == Some(false) {
        return match up > READY_WITHIN {
            false => judged(ServiceState::Starting, "it has not reported readiness"),
            true => judged(ServiceState::NotReady, format!("it has not reported readiness for {}", span(up))),
        };
    }
    let why = "its run script has not reached futo-launch";
    match snapshot.is_loop() && snapshot.process == Process::InRunScript {
        true if up > READY_WITHIN => judged(ServiceState::NotReady, format!("{why} for {}", span(up))),
        true => judged(ServiceState::Starting, format!("{why} yet")),
        false => (ServiceState::Up, None),
    }
}

/// Why a service is not healthy; none if it is. `max_age` bounds the time since a loop's last run.
pub fn complaint(snapshot: &Snapshot, now: SystemTime, max_age: Option<Duration>) -> Option<String> {
    let (state, why) = judge(snapshot, now);
    if state.verdict() == Verdict::Unhealthy {
        return Some(match why {
            Some(why) => format!("{}: {why}", state.word()),
            None => state.word().to_string(),
        });
    }
    let max_age = max_age.filter(|_| matches!(state, ServiceState::Waiting | ServiceState::Running))?;
    let record = snapshot.current_record();
    let stamp = record.and_then(|record| record.last_end.as_ref().or(record.last_start.as_ref()));
    let why = match stamp.and_then(|stamp| parse_time(stamp)) {
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
