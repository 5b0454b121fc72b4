//! The content of the record as JSON, a format read by other programs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::sys;

/// The runs of a service. Times are UTC in RFC 3339, to the second; the last start and end to the millisecond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The version of this format: 1.
    pub version: u32,
    /// The name of the service.
    pub name: String,
    /// The pid of the launcher that wrote it last.
    pub pid: i32,
    /// When that process was started, in clock ticks since boot: field 22 of `/proc/PID/stat`. None if /proc is not
    /// mounted, and in records older than this field.
    pub pid_started: Option<u64>,
    /// The log; none if output goes to the inherited stdout or stderr.
    pub log: Option<PathBuf>,
    /// The number of runs started, across all launchers.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// The number of failures since the last success.
    pub consecutive_failures: u64,
    /// When the last run started.
    pub last_start: Option<String>,
    /// The same in seconds of BOOTTIME, since the wall clock can be set during a run.
    pub last_start_boot: Option<f64>,
    /// When it ended; none while it runs, as are the next two.
    pub last_end: Option<String>,
    /// Its exit code; 128 + n if killed by signal n, 124 after a timeout.
    pub last_status: Option<i32>,
    /// How long it ran, in seconds.
    pub last_duration: Option<f64>,
    /// The last finished run, also while the next one runs. None in records older than this field.
    pub ended_run: Option<EndedRun>,
    /// When the next run is due.
    pub next_due: Option<String>,
    /// The same in seconds of BOOTTIME, unless the wall clock decides.
    pub next_due_boot: Option<f64>,
    /// The lock a due run is waiting for.
    pub waiting_for_lock: Option<LockWait>,
    /// The number of due runs that were dropped.
    pub skipped: u64,
    /// The schedule in effect, with `--persist`.
    pub schedule: Option<String>,
    /// Since when it has been in effect; none once it has started a run.
    pub waiting_since: Option<String>,
    /// The last tick of it that has been considered.
    pub considered: Option<String>,
    /// The last output lines of the last failed run.
    pub last_errors: Vec<String>,
    /// Why the service rests, if it does.
    pub resting: Option<Resting>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRun {
    /// When it ended, in UTC, to the millisecond.
    pub end: String,
    /// As in [`RunRecord::last_status`].
    pub status: i32,
    /// How long it ran, in seconds.
    pub duration: f64,
    /// How it ended.
    pub how: How,
    /// A description of how it ended.
    pub what: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The program could not be started.
    NotStarted,
    /// The worker exited.
    Exited,
    /// A signal killed it.
    Killed,
    /// `--timeout`.
    TimedOut,
}

/// The maximum length of [`EndedRun::what`] in characters, to keep the record small.
const MAX_WHAT_CHARS: usize = 1000;

impl EndedRun {
    /// A run that ended at this time, rounded for the record.
    pub(crate) fn new(at: SystemTime, exit: Exit, how: How, what: &str, duration: Duration) -> Self {
        EndedRun {
            end: sys::clock::utc_to_the_millisecond(at),
            status: exit.code(),
            duration: (duration.as_secs_f64() * 1000.0).round() / 1000.0,
            how,
            what: what.chars().take(MAX_WHAT_CHARS).collect(),
        }
    }
}

impl RunRecord {
    /// When the last finished run ended.
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

    /// The last nonblank output line of the last failed run.
    pub fn last_error(&self) -> Option<&str> {
        self.last_errors.iter().map(|line| line.trim()).rfind(|line| !line.is_empty())
    }
}

/// A due run whose lock is held by another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockWait {
    /// The path of the lock file.
    pub path: String,
    /// Since when the run has been waiting.
    pub since: String,
    /// The other loop of this service, if the run waits for it to end.
    #[serde(default)]
    pub former: Option<FormerLoop>,
}

/// A loop of this service that was still running when another found its lock held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerLoop {
    /// The pid in its record; 0 if there is none.
    pub pid: i32,
    /// When that process was started, as with `pid_started`.
    pub pid_started: Option<u64>,
}

impl FormerLoop {
    /// Whether that process is alive. Without its start time, the pid may belong to another process by now.
    pub fn lives(&self) -> bool {
        let lives = |stat: sys::proc::ProcessStat| !stat.is_dead() && Some(stat.started) == self.pid_started;
        self.pid > 0 && sys::proc::stat(self.pid).is_ok_and(lives)
    }
}

/// Why a service rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resting {
    /// The kind of rest.
    pub kind: RestingKind,
    /// The reason, as in the log.
    pub reason: String,
    /// Since when the service has been resting.
    pub since: String,
    /// The code the launcher would have exited with.
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

/// The first words of the reason while a command of `--before` runs. Its kind is [`RestingKind::Gate`]: older launchers
/// know no other that is not a fault.
const RUNNING_BEFORE: &str = "running the --before command";
/// The longest command in a reason, in characters.
const MAX_COMMAND_CHARS: usize = 500;

impl Resting {
    /// The worker waits for this command of `--before`.
    pub(crate) fn running_before(command: &str) -> Self {
        let command: String = command.chars().take(MAX_COMMAND_CHARS).collect();
        Resting::now(RestingKind::Gate, format!("{RUNNING_BEFORE} '{command}'"), Exit::OK)
    }

    /// Whether it is that.
    pub(crate) fn is_running_before(&self) -> bool {
        self.kind == RestingKind::Gate && self.reason.starts_with(RUNNING_BEFORE)
    }

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
