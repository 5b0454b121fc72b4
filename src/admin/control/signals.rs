//! `reload` and `run-now`: signals that the launcher obeys.

use std::time::Duration;

use super::outcome::{Outcome, missed, reached};
use super::supervisor::{POLL_INTERVAL, Supervisor};
use crate::observe::Snapshot;
use crate::record::RunRecord;
use crate::service::control::{ControlError, Order};
use crate::sys::clock::BootTime;

/// The end of a run is waited for if it takes no longer than this.
const SHORT_RUN: Duration = Duration::from_secs(1);

/// Sends HUP to the process of the service.
pub(super) fn reload(supervisor: &Supervisor<'_>, pid: i32) -> Result<Outcome, ControlError> {
    if let Some(why) = shell_around_launcher(pid, &supervisor.snapshot()) {
        return missed(format!("{why}: HUP would end it, and was not sent"));
    }
    supervisor.order(Order::Hangup)?;
    match supervisor.stays(pid)? {
        true => reached(format!("HUP sent to pid {pid}")),
        false => missed(format!("HUP sent to pid {pid}, which ended it")),
    }
}

/// Sends ALRM to a loop, and waits for the run that this starts.
pub(super) fn run_now(supervisor: &Supervisor<'_>) -> Result<Outcome, ControlError> {
    let before = supervisor.snapshot();
    let pid = before.status().and_then(|status| status.pid).unwrap_or_default();
    if let Some(why) = shell_around_launcher(pid, &before) {
        return missed(format!("{why}: ALRM would end it, and was not sent"));
    }
    let record = before.current_record();
    let resting = record.is_some_and(|record| record.resting.is_some());
    let is_loop = before.launcher.is_some() && before.is_loop();
    if !is_loop && !resting {
        return missed("is not a loop: ALRM would end its worker, and was not sent");
    }
    let is_running =
        !resting && record.is_some_and(|record| record.last_start.is_some() && record.last_end.is_none());
    supervisor.order(Order::Alarm)?;
    if is_running {
        return reached("a run is in progress; another one follows immediately");
    }
    wait_for_run(supervisor, record.map_or(0, |record| record.runs))
}

/// Waits for the next run after this many; for its end, if it is short.
fn wait_for_run(supervisor: &Supervisor<'_>, runs: u64) -> Result<Outcome, ControlError> {
    let mut short = None;
    loop {
        let now = supervisor.snapshot();
        let is_over = BootTime::now() >= supervisor.until;
        match now.current_record() {
            Some(record) if record.runs > runs => {
                let number = record.runs;
                if let (Some(_), Some(status)) = (&record.last_end, record.last_status) {
                    return reached(format!("run {number} ended with status {status}"));
                }
                if BootTime::now() >= *short.get_or_insert(BootTime::now().after(SHORT_RUN)) {
                    return reached(format!("run {number} has started"));
                }
            }
            Some(record) if is_over => return missed(why_no_run(record)),
            None if is_over => {
                let why = now.record_doubt.unwrap_or_else(|| "its launcher has ended".into());
                return missed(format!("ALRM was sent, but its effect is unknown: {why}"));
            }
            _ => {}
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn why_no_run(record: &RunRecord) -> String {
    match (&record.resting, &record.waiting_for_lock) {
        (Some(resting), _) => format!("is still resting: {}", resting.reason),
        (None, Some(lock)) => {
            format!("ALRM was sent, but the run is waiting for the lock '{}'", lock.path)
        }
        (None, None) => "ALRM was sent, but no run has started".to_string(),
    }
}

/// Why a signal would hit a shell instead of the launcher: a run script that started it without `exec`.
fn shell_around_launcher(pid: i32, snapshot: &Snapshot) -> Option<String> {
    let launcher = snapshot.launcher.as_ref().filter(|launcher| launcher.pid != pid)?;
    Some(format!(
        "pid {pid} is the interpreter of its run script, which started futo-launch (pid {}) without exec",
        launcher.pid
    ))
}
