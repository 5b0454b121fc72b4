//! What is in the record, as JSON: a form that other programs read.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::sys;

/// What is known of a service's runs. Times are UTC, RFC 3339, to the second; of the last start and end to the
/// millisecond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The version of this form: 1.
    pub version: u32,
    /// The name of the service.
    pub name: String,
    /// The pid of the launcher that wrote it last.
    pub pid: i32,
    /// When that process was started, in clock ticks since boot: field 22 of `/proc/PID/stat`. None where /proc
    /// is not mounted, and in records of launchers older than this field.
    pub pid_started: Option<u64>,
    /// Its log; none if output goes to the inherited stdout or stderr.
    pub log: Option<PathBuf>,
    /// Runs begun, over all launchers.
    pub runs: u64,
    /// Of those, failed.
    pub failures: u64,
    /// Failed since the last success.
    pub consecutive_failures: u64,
    /// When the last run began.
    pub last_start: Option<String>,
    /// The same in seconds of BOOTTIME: the wall clock may be set during a run.
    pub last_start_boot: Option<f64>,
    /// When it ended; none while it runs. The same holds of the next two.
    pub last_end: Option<String>,
    /// Its exit code; 128 + n if signal n killed it, 124 after a timeout.
    pub last_status: Option<i32>,
    /// How long it ran, in seconds.
    pub last_duration: Option<f64>,
    /// The last run that has ended, also while the next one runs. None in records older than this field.
    pub ended_run: Option<EndedRun>,
    /// When the next run is due.
    pub next_due: Option<String>,
    /// The same in seconds of BOOTTIME, where that clock decides: the wall clock may be set.
    pub next_due_boot: Option<f64>,
    /// The lock that a run which is due is waiting for.
    pub waiting_for_lock: Option<LockWait>,
    /// Runs that were due and dropped.
    pub skipped: u64,
    /// The schedule that is waited for, under `--persist`.
    pub schedule: Option<String>,
    /// Since when it is waited for; none once it has started a run.
    pub waiting_since: Option<String>,
    /// Its last tick that has been considered.
    pub considered: Option<String>,
    /// The last lines of the last failed run's output.
    pub last_errors: Vec<String>,
    /// Why the service rests, if it does.
    pub resting: Option<Resting>,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRun {
    /// When it ended, in UTC, to the millisecond.
    pub end: String,
    /// As in [`RunRecord::last_status`].
    pub status: i32,
    /// How long it ran, in seconds.
    pub duration: f64,
    /// The way in which it ended.
    pub how: How,
    /// The same in words.
    pub what: String,
}

/// The ways in which a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Its program could not be started.
    NotStarted,
    /// The worker exited.
    Exited,
    /// A signal killed it.
    Killed,
    /// `--timeout`.
    TimedOut,
}

/// The most of [`EndedRun::what`], in characters: the record stays small.
const LONGEST_WHAT: usize = 1000;

impl EndedRun {
    /// A run that ended at this time, rounded as the record has it.
    pub(crate) fn new(at: SystemTime, exit: Exit, how: How, what: &str, duration: Duration) -> Self {
        EndedRun {
            end: sys::clock::utc_to_the_millisecond(at),
            status: exit.code(),
            duration: (duration.as_secs_f64() * 1000.0).round() / 1000.0,
            how,
            what: what.chars().take(LONGEST_WHAT).collect(),
        }
    }
}

impl RunRecord {
    /// When the last run that has ended did so.
    pub fn ended_at(&self) -> Option<&str> {
        self.last_end.as_deref().or(self.ended_run.as_ref().map(|run| run.end.as_str()))
    }

    /// Its exit code.
    pub fn ended_status(&self) -> Option<i32> {
        self.last_status.or(self.ended_run.as_ref().map(|run| run.status))
    }

    /// How long it ran, in seconds.
    pub fn ended_duration(&self) -> Option<f64> {
        self.last_duration.or(self.ended_run.as_ref().map(|run| run.duration))
    }

    /// The last line of the last failed run's output that is not blank.
    pub fn last_error(&self) -> Option<&str> {
        self.last_errors.iter().map(|line| line.trim()).rfind(|line| !line.is_empty())
    }
}

/// A run that is due, and another process holds its lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockWait {
    /// The path of the lock's file.
    pub path: String,
    /// Since when the run waits.
    pub since: String,
    /// The other loop of this service, if its end is what the run waits for.
    #[serde(default)]
    pub former: Option<FormerLoop>,
}

/// A loop of this service that has not ended, or had not when another found its lock held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerLoop {
    /// Its pid by its record; 0 if that names none.
    pub pid: i32,
    /// When that process was started, as in `pid_started`.
    pub pid_started: Option<u64>,
}

impl FormerLoop {
    /// Whether that process lives. Without the time of its start its pid may be another's by now.
    pub fn lives(&self) -> bool {
        let lives = |stat: sys::proc::ProcessStat| !stat.is_dead() && Some(stat.started) == self.pid_started;
        self.pid > 0 && sys::proc::stat(self.pid).is_ok_and(lives)
    }
}

/// Why a service rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resting {
    /// What kind of rest it is.
    pub kind: RestingKind,
    /// Why, as the log has it.
    pub reason: String,
    /// Since when the service rests.
    pub since: String,
    /// The code with which the launcher would have exited.
    pub exit: i32,
}

/// The kinds of rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestingKind {
    /// Something must be edited.
    Configuration,
    /// The program cannot be executed.
    Program,
    /// `--max-failures`.
    MaxFailures,
    /// `--once` has succeeded, or a schedule has no further start.
    Done,
    /// A gate is closed.
    Gate,
}

/// The first word of the reason of a rest of kind [`RestingKind::Done`], which is read in the log without its kind.
const DONE: &str = "done: ";

impl Resting {
    /// A rest that starts now, because no further run follows.
    pub(crate) fn done(what: &str) -> Self {
        Resting::now(RestingKind::Done, format!("{DONE}{what}"), Exit::OK)
    }

    /// The reason, for readers who know the kind.
    pub(crate) fn bare_reason(&self) -> &str {
        self.reason.strip_prefix(DONE).unwrap_or(&self.reason)
    }

    /// A rest that starts now.
    pub fn now(kind: RestingKind, reason: impl Into<String>, exit: Exit) -> Self {
        Resting { kind, reason: reason.into(), since: sys::clock::utc_now(), exit: exit.code() }
    }
}
