//! What is known about a service at one moment, without any judgement.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::launcher::{Launcher, Process};
use super::log::LogSummary;
use super::reason::Reason;
use crate::plan::{Mode, Plan};
use crate::record::{PastHow, PastRun, RunRecord};
use crate::service::executable::Obstacle;
use crate::service::place::Service;
use crate::service::supervision::{Cause, Death, Status};
use crate::sys::clock;
use crate::trust::Opener;

/// What is known about the supervisor of a service.
#[derive(Debug)]
pub enum SupervisorState {
    /// The definition is not published: it has no supervisor.
    NotPublished,
    /// It is published, but no supervisor is running.
    None,
    /// Its status cannot be read.
    Unknown(Reason),
    /// Its status.
    Known(Status),
}

/// Whether a service belongs to futo-launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It has a definition, or futo-launch runs it.
    Ours,
    /// It belongs to another program that uses the same scan directory.
    Other,
}

/// A service at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Its name, and where it is.
    pub service: Service,
    /// Whether it is a service of futo-launch.
    pub owner: Owner,
    /// What its supervisor records.
    pub supervisor: SupervisorState,
    /// When and how its processes died, the oldest first. Only s6 records that.
    pub deaths: Vec<Death>,
    /// When its supervisor was last given an order, by anyone.
    pub last_order: Option<SystemTime>,
    /// When its supervisor was started; only read if it records no deaths.
    pub supervisor_since: Option<SystemTime>,
    /// The number of the signal that stops it.
    pub stop_signal: i32,
    /// `finish` exists: under s6 it can end the service for good.
    pub has_finish: bool,
    /// `down` exists: it is not started automatically.
    pub is_down_by_file: bool,
    /// It is not started at boot: `down` exists where `futo disable` writes it.
    pub is_disabled: bool,
    /// It reports its readiness.
    pub reports_readiness: bool,
    /// Its process.
    pub process: Process,
    /// The launcher that is its process, or that its process has started.
    pub launcher: Option<Launcher>,
    /// Why the running launcher cannot carry out its plan.
    pub findings: Option<String>,
    /// The launcher's plan, from the live process, else from the run script. None if neither is futo-launch.
    pub plan: Option<Plan>,
    /// The ids with which the files that the plan names are opened.
    pub(crate) opener: Option<Opener>,
    /// The run record of its launcher.
    pub record: Option<RunRecord>,
    /// The last runs, the oldest first; only as far as they were asked for.
    pub history: Vec<PastRun>,
    /// Whether it waits for a previous loop of the same service to end.
    pub previous_loop: PreviousLoop,
    /// Why the record proves nothing about the launcher that runs.
    pub record_doubt: Option<Reason>,
    /// Its log, if there is one.
    pub log: Option<LogSummary>,
    /// Why its run script cannot be executed; only checked if there is no process.
    pub obstacle: Option<Obstacle>,
    /// What could not be read, and why.
    pub troubles: Vec<Reason>,
}

/// The loop that another loop of the same service waits for: one that a killed supervisor left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousLoop {
    /// There is none.
    None,
    /// It is still running.
    Running,
    /// It is gone, and something else holds its lock.
    Gone,
}

impl PreviousLoop {
    pub(super) fn of(record: &RunRecord) -> Self {
        match record.waiting_for_lock.as_ref().and_then(|lock| lock.former) {
            None => PreviousLoop::None,
            Some(former) if former.lives() => PreviousLoop::Running,
            Some(_) => PreviousLoop::Gone,
        }
    }
}

impl Snapshot {
    /// A service about which nothing is known yet.
    pub(crate) fn empty(service: Service) -> Self {
        Snapshot {
            owner: if service.definition.is_some() { Owner::Ours } else { Owner::Other },
            service,
            supervisor: SupervisorState::NotPublished,
            deaths: Vec::new(),
            last_order: None,
            supervisor_since: None,
            stop_signal: libc::SIGTERM,
            has_finish: false,
            is_down_by_file: false,
            is_disabled: false,
            reports_readiness: false,
            process: Process::None,
            launcher: None,
            findings: None,
            plan: None,
            opener: None,
            record: None,
            history: Vec::new(),
            previous_loop: PreviousLoop::None,
            record_doubt: None,
            log: None,
            obstacle: None,
            troubles: Vec::new(),
        }
    }

    /// Acts on the log, with the ids that may open it.
    pub fn attempt<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match &self.opener {
            Some(opener) => opener.attempt(action),
            None => Err(io::Error::other("it is unknown whose permissions apply")),
        }
    }

    /// Where its output goes, if to a file.
    pub fn log_path(&self) -> Option<PathBuf> {
        let plan = self.plan.as_ref()?;
        plan.log.file().map(|path| plan.directory.join(path))
    }

    /// Whether the launcher stays and runs its worker periodically.
    pub fn is_loop(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| matches!(plan.mode, Mode::Loop(_)))
    }

    /// What the supervisor wrote, if that is known.
    pub fn status(&self) -> Option<&Status> {
        match &self.supervisor {
            SupervisorState::Known(status) => Some(status),
            _ => None,
        }
    }

    /// Deaths since a time, where the supervisor records them.
    pub fn deaths_since(&self, since: SystemTime) -> Option<usize> {
        self.status().filter(|status| status.suite.keeps_tally())?;
        Some(self.deaths.iter().filter(|death| death.at >= since).count())
    }

    /// The deaths of its processes in the form of runs, of which only the ends are known.
    pub fn deaths_as_runs(&self) -> Vec<PastRun> {
        let of_death = |death: &Death| PastRun {
            start: clock::utc_to_the_millisecond(death.at),
            how: match death.cause {
                Cause::Exited(_) => PastHow::Exited,
                Cause::Killed(_) => PastHow::Killed,
            },
            duration: None,
            status: Some(death.cause.exit().code()),
            what: death.cause.to_string(),
            error: None,
            ticks: None,
        };
        self.deaths.iter().map(of_death).collect()
    }

    /// The record, if the launcher that runs now wrote it.
    pub fn current_record(&self) -> Option<&RunRecord> {
        let launcher = self.launcher.as_ref()?;
        self.record.as_ref().filter(|record| launcher.wrote(record))
    }
}

/// A time of a record.
pub fn parse_time(stamp: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(stamp).ok()
}
