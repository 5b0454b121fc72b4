//! `start`, `stop` and `restart`: wait until there is a process, or none.

use std::time::Duration;

use super::outcome::{Outcome, missed, reached};
use super::supervisor::{POLL_INTERVAL, Supervisor};
use crate::observe::Process;
use crate::record::RestingKind;
use crate::service::control::{ControlError, Order};
use crate::service::layout;
use crate::service::supervision::{Cause, Status};
use crate::sys::clock::BootTime;

/// s6-supervise tries a start at once, and then only every 10 or 60 s; the others every second.
const TRIES_WITHIN: Duration = Duration::from_secs(1);
/// By then a launcher has recorded whether it rests or runs.
const SETTLES_RECORD_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn start(
    supervisor: &Supervisor<'_>,
    before: &Status,
    verb: &str,
) -> Result<Outcome, ControlError> {
    supervisor.order(Order::Up)?;
    let obstacle = supervisor.obstacle();
    let give_up = BootTime::now().after(TRIES_WITHIN);
    let (status, _) = supervisor.wait(|status| {
        let is_hopeless = obstacle.is_some() && BootTime::now() >= give_up;
        status.pid.is_some() || status.changed > before.changed || is_hopeless
    })?;
    if let (None, Some(obstacle)) = (status.pid, obstacle) {
        return missed(format!("cannot be started: {}", obstacle.in_short()));
    }
    came_up(supervisor, status, verb)
}

/// Waits for readiness where the service reports it; a process that dies at once has not come up.
fn came_up(supervisor: &Supervisor<'_>, status: Status, verb: &str) -> Result<Outcome, ControlError> {
    let Some(pid) = status.pid else {
        return missed(match status.changed {
            // s6 has tried, and could not start a process
            _ if status.wants_up && status.ready_changed.is_some_and(|end| end <= status.changed) => {
                "is not up yet: the supervisor's own log has the reason".to_string()
            }
            _ if status.wants_up => format!("{verb}, but ended at once{}", with(status.cause)),
            _ => format!("is still down{}", with(status.cause)),
        });
    };
    if !supervisor.stays(pid)? {
        let cause = supervisor.status()?.cause;
        return missed(format!("{verb} (pid {pid}), but ended at once{}", with(cause)));
    }
    if let Some(reason) = rest_of(supervisor, pid) {
        return missed(format!("{verb} (pid {pid}), resting: {reason}"));
    }
    if !supervisor.live.has(layout::NOTIFICATION_FD) {
        return reached(format!("{verb} (pid {pid})"));
    }
    // only s6 knows readiness
    if status.is_ready.is_none() {
        return reached(format!("{verb} (pid {pid})"));
    }
    let (status, _) = supervisor.wait(|status| status.is_ready == Some(true) || status.pid != Some(pid))?;
    match (status.pid == Some(pid), status.is_ready == Some(true)) {
        (true, true) => reached(format!("{verb} and ready (pid {pid})")),
        (true, false) => missed(format!("{verb} (pid {pid}), but has not reported readiness")),
        (false, _) => missed(format!("{verb} (pid {pid}), but ended{}", with(status.cause))),
    }
}

/// Why the launcher that is, or was started by, this process is resting; none if it is not.
pub(super) fn rest_of(supervisor: &Supervisor<'_>, pid: i32) -> Option<String> {
    let until = supervisor.until.min(BootTime::now().after(SETTLES_RECORD_WITHIN));
    loop {
        let snapshot = supervisor.snapshot();
        if snapshot.status().and_then(|status| status.pid) != Some(pid) {
            return None;
        }
        match (snapshot.current_record(), snapshot.plan.is_some()) {
            (Some(record), _) => {
                let resting = record.resting.as_ref()?;
                return match resting.kind {
                    RestingKind::Configuration | RestingKind::Program | RestingKind::MaxFailures => {
                        Some(resting.reason.clone())
                    }
                    RestingKind::Done | RestingKind::Gate => None,
                };
            }
            // the worker in the launcher's place, or another program
            (None, _) if snapshot.launcher.is_none() && snapshot.process != Process::InRunScript => {
                return None;
            }
            (None, false) => return None,
            // a launcher that cannot write its record may rest as well
            (None, true) if BootTime::now() >= until => return snapshot.launcher.and(snapshot.findings),
            (None, true) => {}
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// How it ended, where the supervisor records that.
fn with(cause: Option<Cause>) -> String {
    cause.map_or(String::new(), |cause| format!(": {cause}"))
}

fn in_parentheses(cause: Option<Cause>) -> String {
    cause.map_or(String::new(), |cause| format!(" ({cause})"))
}

pub(super) fn stop(supervisor: &Supervisor<'_>, before: &Status) -> Result<Outcome, ControlError> {
    supervisor.order(Order::Down)?;
    let (status, is_down) =
        supervisor.wait(|status| status.pid.is_none() && !status.is_finishing && !status.wants_up)?;
    match (is_down, status.pid) {
        // without a process there is no exit status to report
        (true, _) if before.pid.is_none() => reached("stopped"),
        (true, _) => reached(format!("stopped{}", in_parentheses(status.cause))),
        (false, Some(pid)) => missed(format!("was asked to stop, but pid {pid} is still running")),
        (false, None) => missed("was asked to stop, but its finish script is still running"),
    }
}

pub(super) fn restart(supervisor: &Supervisor<'_>, pid: i32) -> Result<Outcome, ControlError> {
    // the second order ends the process; the first keeps a service up that was meant to be down
    supervisor.order(Order::Up)?;
    supervisor.order(Order::Restart)?;
    let (status, is_new) = supervisor.wait(|status| status.pid.is_some_and(|new| new != pid))?;
    match (is_new, status.pid) {
        (true, _) => came_up(supervisor, status, "restarted"),
        (false, Some(pid)) => missed(format!("was asked to restart, but pid {pid} is still running")),
        (false, None) => missed(format!("ended{}, but is not up again", in_parentheses(status.cause))),
    }
}
