//! What the supervisor of a service records: its status, the process that the status names, and its deaths.

use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;

use super::launcher::{Launcher, Process};
use super::reason::Reason;
use super::snapshot::{Owner, Snapshot, SupervisorState};
use crate::error::reason;
use crate::service::control::{self, ControlError};
use crate::service::executable::{self, Privileges};
use crate::service::layout;
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::supervision::{self, Status, StatusError};
use crate::sys;
use crate::sys::nofollow::PathError;
use crate::trust::Trust;

/// How often the status and its process are read until they agree,
const TRIES: usize = 10;
/// and how long after each other.
const BETWEEN: Duration = Duration::from_millis(20);

/// Reads what the supervisor of a published service records; returns the uid of that supervisor.
pub(super) fn read(
    snapshot: &mut Snapshot,
    path: &Path,
    privileges: Privileges,
    trust: &Trust,
) -> Option<u32> {
    let live = match SupervisedDirectory::open(privileges.reader, path) {
        Ok(live) => live,
        Err(error) => {
            let errno = match &error {
                PathError::Refused(_, errno) => Some(*errno),
                PathError::Link(_) | PathError::NotDirectory { .. } => None,
            };
            snapshot.supervisor = SupervisorState::Unknown(Reason::of_error(&error, errno));
            return None;
        }
    };
    snapshot.is_down_by_file = live.has(layout::DOWN);
    // in what futo reconcile has published, `down` is the desired state
    snapshot.is_disabled = snapshot.is_down_by_file && !live.has(layout::DESIRED_STATE);
    snapshot.reports_readiness = live.has(layout::NOTIFICATION_FD);
    snapshot.has_finish = live.has(layout::FINISH);
    snapshot.stop_signal = live.stop_signal();
    // published by futo reconcile or futo sync
    if live.has(layout::DESIRED_STATE) || live.has(layout::CURRENT) {
        snapshot.owner = Owner::Ours;
    }
    (snapshot.supervisor, (snapshot.process, snapshot.launcher)) = state_and_process(&live, trust);
    if let SupervisorState::Known(status) = snapshot.supervisor {
        snapshot.last_order = live.supervise().ok().and_then(control::last_order);
        match status.suite.keeps_tally() {
            true => read_tally(snapshot, &live),
            false => snapshot.supervisor_since = status.pid.and_then(start_of_parent),
        }
        if status.wants_up && (status.pid.is_none() || !status.suite.keeps_tally()) {
            snapshot.obstacle = executable::obstacle_of_run(path, privileges);
        }
    }
    live.supervisor_uid()
}

/// The supervisor's status and the process that it names, at one moment.
fn state_and_process(
    live: &SupervisedDirectory,
    trust: &Trust,
) -> (SupervisorState, (Process, Option<Launcher>)) {
    let mut last = (SupervisorState::None, (Process::None, None));
    for _ in 0..TRIES {
        last.0 = state_of(live);
        if matches!(last.0, SupervisorState::Unknown(_)) && live.lacks_status() {
            // a supervisor that has just been started
            sys::clock::pause(BETWEEN);
            continue;
        }
        let SupervisorState::Known(Status { pid: Some(pid), .. }) = last.0 else {
            last.1 = (Process::None, None);
            break;
        };
        last.1 = Process::inspect(pid, trust);
        // it may have ended in between, and its pid have been reused
        let again = live.supervise().ok().and_then(|supervise| Status::read(supervise).ok());
        if last.1.0 != Process::None && again.and_then(|status| status.pid) == Some(pid) {
            break;
        }
        sys::clock::pause(BETWEEN);
    }
    last
}

fn state_of(live: &SupervisedDirectory) -> SupervisorState {
    let unreadable = |why: &str, errno: Option<Errno>| {
        let text = format!("unable to read '{}/{}': {why}", layout::SUPERVISE, layout::STATUS);
        SupervisorState::Unknown(Reason::of_error(&text, errno))
    };
    let supervise = match live.supervise() {
        Err(Errno::ENOENT) => return SupervisorState::None,
        Err(errno) => return unreadable(&reason(errno), Some(errno)),
        Ok(supervise) => supervise,
    };
    // without write permission this is unknown, and the last status counts
    if control::probe(supervise) == Err(ControlError::NoSupervisor) {
        return SupervisorState::None;
    }
    match Status::read(supervise) {
        Ok(status) => SupervisorState::Known(status),
        Err(error) => unreadable(&error.to_string(), error.errno()),
    }
}

fn read_tally(snapshot: &mut Snapshot, live: &SupervisedDirectory) {
    let supervise = live.supervise().map_err(|errno| StatusError::Read(errno.into()));
    match supervise.and_then(supervision::read_tally) {
        Ok(deaths) => snapshot.deaths = deaths,
        Err(error) if error.is_missing() => {}
        Err(error) => {
            let text = format!("unable to read '{}/{}': {error}", layout::SUPERVISE, layout::DEATH_TALLY);
            snapshot.troubles.push(Reason::of_error(&text, error.errno()));
        }
    }
}

/// When the parent of this process, its supervisor, was started.
fn start_of_parent(pid: i32) -> Option<SystemTime> {
    let parent = sys::process::parent_of(pid).filter(|parent| *parent > 0)?;
    sys::clock::wall_now().checked_sub(sys::proc::stat(parent).ok()?.age())
}
