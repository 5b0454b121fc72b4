//! The run record `STATE/NAME.json`: what happened and what is due, replaced atomically as the user.
//!
//! Written without fsync: a record lost with the power is younger than the log beside it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use serde::{Deserialize, Serialize};

use crate::config::timing::Pace;
use crate::error::Finding;
use crate::exit::Exit;
use crate::log;
use crate::plan::{LogPlan, Plan};
use crate::report::Reporter;
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::nofollow::{self, Missing, PathError};

/// What earlier launchers have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// When the last run began, or the schedule was first waited for.
    pub(crate) last_start: Option<SystemTime>,
    /// The schedule's last tick that has been considered. `--splay` may have been another by then, so it
    /// does not follow from the start.
    pub(crate) considered: Option<SystemTime>,
    /// When it ended.
    pub(crate) last_end: Option<SystemTime>,
}

/// How old the file may be while the service goes on.
const AT_MOST_BEHIND: Duration = Duration::from_secs(1);
/// The largest record that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What is known of a service's runs. Times are UTC, RFC 3339, to the second; of the last start and end to the
/// millisecond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// Version of this form.
    pub version: u32,
    /// The service.
    pub name: String,
    /// The launcher that wrote it last.
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
    /// The schedule that is waited for, if what it misses is made up for.
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
    /// When.
    pub end: String,
    /// As in [`RunRecord::last_status`].
    pub status: i32,
    /// How long it ran, in seconds.
    pub duration: f64,
    /// In which way.
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
    /// The lock.
    pub path: String,
    /// Since when.
    pub since: String,
    /// The other loop of this service, if it is the end of that which is waited for.
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
    /// Whether that process lives. One without a start may be any other by now.
    pub fn lives(&self) -> bool {
        let lives = |stat: sys::proc::ProcessStat| !stat.is_dead() && Some(stat.started) == self.pid_started;
        self.pid > 0 && sys::proc::stat(self.pid).is_ok_and(lives)
    }
}

/// Why a service rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resting {
    /// The kind.
    pub kind: RestingKind,
    /// In words.
    pub reason: String,
    /// Since when.
    pub since: String,
    /// What the launcher would have left with.
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

impl Resting {
    /// A rest that begins now.
    pub fn now(kind: RestingKind, reason: impl Into<String>, exit: Exit) -> Self {
        Resting { kind, reason: reason.into(), since: sys::clock::utc_now(), exit: exit.code() }
    }
}

/// What a run that has ended counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A success.
    Succeeded,
    /// A failure.
    Failed {
        /// Of its output.
        last_lines: Vec<String>,
    },
    /// Neither: a stop ended it.
    Stopped,
}

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// No HOME, no `--state-dir`.
    #[error("no directory for it: HOME is not set")]
    NoDirectory,
    /// The directory.
    #[error("{0}")]
    Directory(#[from] PathError),
    /// The file.
    #[error("{}", crate::error::reason(*.0))]
    File(#[from] Errno),
    /// The content.
    #[error("{0}")]
    Content(String),
}

impl RecordError {
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self {
            RecordError::Directory(PathError::Refused(_, errno)) | RecordError::File(errno) => Some(*errno),
            RecordError::NoDirectory | RecordError::Directory(_) | RecordError::Content(_) => None,
        }
    }
}

/// The record and where it is. Trouble with it is said once and never keeps a worker from running.
#[derive(Debug)]
pub(crate) struct RecordFile {
    /// What is in it.
    pub(crate) record: RunRecord,
    directory_path: Option<PathBuf>,
    directory: Option<StateDirectory>,
    written_at: Option<BootTime>,
    is_behind: bool,
    mode: Mode,
}

impl RecordFile {
    /// Reads what earlier launchers left; what cannot be read is said and written anew.
    pub(crate) fn open(plan: &Plan, reporter: &Reporter) -> Self {
        let mut file = RecordFile::at(plan);
        match read_of(plan) {
            Ok(Some(record)) => file.record = record,
            // without a directory there is nothing to read, and writing says so
            Ok(None) | Err(RecordError::NoDirectory) => {}
            Err(error) => reporter.warn(&format!(
                "unable to read the run record of '{}': {error}; it is written anew",
                plan.name
            )),
        }
        file.record.version = 1;
        file.record.name = plan.name.to_string();
        file.record.pid = std::process::id().cast_signed();
        file.record.pid_started = sys::proc::own_stat().ok().map(|stat| stat.started);
        file.record.waiting_for_lock = None;
        file.record.log = match &plan.log {
            LogPlan::File(path) => Some(plan.directory.join(path)),
            LogPlan::Inherited => None,
        };
        file
    }

    fn at(plan: &Plan) -> Self {
        RecordFile {
            record: RunRecord::default(),
            directory_path: plan.state_dir.clone(),
            directory: None,
            written_at: None,
            is_behind: false,
            // it quotes the log, and is no more open than that
            mode: Mode::from_bits_truncate(0o640 & plan.log_rules.mode | 0o600),
        }
    }

    /// What ran before, for `--persist`. A schedule that was not waited for yet has missed nothing; a time in
    /// the future, or none at all, is said and counts for nothing.
    pub(crate) fn past(&mut self, pace: &Pace, now: SystemTime, reporter: &Reporter) -> Past {
        let last_start = self.time_before(|record| &mut record.last_start, now, reporter);
        let last_end = self.time_before(|record| &mut record.last_end, now, reporter);
        let mut past = Past { last_start, last_end: last_start.and(last_end), considered: None };
        let Pace::Schedule(schedule) = pace else {
            self.forget();
            return past;
        };
        let schedule = schedule.key();
        let is_new = self.record.schedule.as_ref() != Some(&schedule);
        let waiting_since = self.time_before(|record| &mut record.waiting_since, now, reporter);
        past.last_start = match is_new {
            true => None,
            false => waiting_since.max(past.last_start),
        };
        let considered = self.time_before(|record| &mut record.considered, now, reporter);
        past.considered = considered.filter(|_| past.last_start.is_some());
        if past.last_start.is_none() {
            self.record.waiting_since = Some(sys::clock::utc_to_the_millisecond(now));
        }
        self.record.schedule = Some(schedule);
        past
    }

    /// A time of the record; one that cannot be is said, and taken out.
    fn time_before(
        &mut self,
        field: impl Fn(&mut RunRecord) -> &mut Option<String>,
        now: SystemTime,
        reporter: &Reporter,
    ) -> Option<SystemTime> {
        let text = field(&mut self.record).clone()?;
        let what = match sys::clock::from_utc(&text) {
            Some(at) if at <= now => return Some(at),
            Some(_) => "in the future",
            None => "no time",
        };
        let name = &self.record.name;
        let shown: String = text.chars().take(40).collect();
        reporter.warn(&format!("the run record of '{name}' says '{shown}', which is {what}: ignored"));
        *field(&mut self.record) = None;
        None
    }

    /// Without `--persist` nothing of this is kept.
    pub(crate) fn forget(&mut self) -> Past {
        self.record.schedule = None;
        self.record.waiting_since = None;
        self.record.considered = None;
        Past::default()
    }

    /// Notes how far a schedule has been considered.
    pub(crate) fn has_considered(&mut self, tick: Option<SystemTime>) {
        if self.record.schedule.is_some() {
            self.record.considered = tick.map(sys::clock::utc_to_the_millisecond);
        }
    }

    /// A run begins.
    pub(crate) fn started(&mut self, at: SystemTime) {
        let record = &mut self.record;
        // what was read may hold any number
        record.runs = record.runs.saturating_add(1);
        record.last_start = Some(sys::clock::utc_to_the_millisecond(at));
        record.last_start_boot = Some(seconds_since_boot(BootTime::now()));
        record.waiting_since = None;
        record.last_end = None;
        record.last_status = None;
        record.last_duration = None;
        record.waiting_for_lock = None;
        record.resting = None;
        self.set_next_due(None);
    }

    /// The next run is due at this time, if there is one; `boot` where the wall clock has no say in it.
    pub(crate) fn set_next_due(&mut self, at: Option<(SystemTime, Option<BootTime>)>) {
        self.record.next_due = at.map(|(wall, _)| sys::clock::utc(wall));
        self.record.next_due_boot = at.and_then(|(_, boot)| boot).map(seconds_since_boot);
    }

    /// A run that is due waits for this lock; the first one for the end of a former loop.
    pub(crate) fn waits_for_lock(
        &mut self,
        path: &Path,
        former: Option<FormerLoop>,
        reporter: &mut Reporter,
    ) {
        let since = sys::clock::utc_now();
        self.record.waiting_for_lock = Some(LockWait { path: path.display().to_string(), since, former });
        self.write(reporter);
    }

    /// A run has ended.
    pub(crate) fn ended(&mut self, run: EndedRun, judgement: Judgement) {
        let record = &mut self.record;
        record.last_end = Some(run.end.clone());
        record.last_status = Some(run.status);
        record.last_duration = Some(run.duration);
        record.ended_run = Some(run);
        match judgement {
            Judgement::Succeeded => record.consecutive_failures = 0,
            Judgement::Failed { last_lines } => {
                record.failures = record.failures.saturating_add(1);
                record.consecutive_failures = record.consecutive_failures.saturating_add(1);
                record.last_errors = last_lines;
            }
            Judgement::Stopped => {}
        }
    }

    /// Replaces the file, unless that was done within the last second and can be done again within the
    /// next: on a disk this costs more than all else that the launcher does in a tick.
    pub(crate) fn write_by_and_by(&mut self, next_in: Duration, reporter: &mut Reporter) {
        let is_fresh = self.written_at.is_some_and(|at| BootTime::now().since(at) < AT_MOST_BEHIND);
        self.is_behind = is_fresh && next_in < AT_MOST_BEHIND;
        if !self.is_behind {
            self.write(reporter);
        }
    }

    /// HUP: the state directory may have been replaced.
    pub(crate) fn reopen_directory(&mut self) {
        self.directory = None;
    }

    /// Replaces the file if it is behind.
    pub(crate) fn catch_up(&mut self, reporter: &mut Reporter) {
        if self.is_behind {
            self.write(reporter);
        }
    }

    /// Replaces the file.
    pub(crate) fn write(&mut self, reporter: &mut Reporter) {
        self.written_at = Some(BootTime::now());
        self.is_behind = false;
        let trouble = self.replace().err().map(|error| {
            // the directory may have been replaced
            self.directory = None;
            let name = &self.record.name;
            let hint = error.errno().and_then(log::remedy_on_volume);
            Finding::trouble(format!("unable to write the run record of '{name}': {error}"), hint)
        });
        reporter.trouble("record", trouble);
    }

    fn replace(&mut self) -> Result<(), RecordError> {
        let text =
            serde_json::to_string(&self.record).map_err(|error| RecordError::Content(error.to_string()))?;
        let path = self.directory_path.as_deref().ok_or(RecordError::NoDirectory)?;
        let directory = match self.directory.take().filter(|directory| directory.is_still_at(path)) {
            Some(directory) => directory,
            None => StateDirectory::open(path)?,
        };
        let directory = &self.directory.insert(directory).open;
        let name = PathBuf::from(format!("{}.json", self.record.name));
        let temporary = PathBuf::from(format!(".{}.json.tmp", self.record.name));
        let file = create_new(directory, &temporary, self.mode)?;
        sys::fd::write_all(file.as_fd(), text.as_bytes())
            .and_then(|()| renameat(directory, &temporary, directory, &name))
            .map_err(|errno| {
                let _ = unlinkat(directory, &temporary, UnlinkatFlags::NoRemoveDir);
                RecordError::File(errno)
            })
    }
}

/// The directory of the record, open, and which it is.
#[derive(Debug)]
struct StateDirectory {
    open: OwnedFd,
    identity: (u64, u64),
}

impl StateDirectory {
    fn open(path: &Path) -> Result<Self, RecordError> {
        let open = nofollow::open_directory(path, Missing::Create)?;
        let status = nix::sys::stat::fstat(&open)?;
        Ok(StateDirectory { open, identity: (status.st_dev, status.st_ino) })
    }

    /// Whether it has not been moved away, or replaced: whoever reads the record goes by the path.
    fn is_still_at(&self, path: &Path) -> bool {
        nix::sys::stat::stat(path).is_ok_and(|status| (status.st_dev, status.st_ino) == self.identity)
    }
}

/// Notes in the record that the service rests, or no longer does.
pub(crate) fn write_resting(plan: &Plan, resting: Option<Resting>, reporter: &mut Reporter) {
    let mut file = RecordFile::open(plan, reporter);
    file.record.resting = resting;
    file.set_next_due(None);
    file.write(reporter);
}

/// Whether the record says that the service rests.
pub(crate) fn says_resting(plan: &Plan) -> bool {
    read_of(plan).ok().flatten().is_some_and(|record| record.resting.is_some())
}

/// The record of a service, if there is one: a regular file, no link followed, bounded in size. Also whose
/// it is.
pub(crate) fn read(directory: &Path, name: &str) -> Result<Option<(RunRecord, u32)>, RecordError> {
    let name = format!("{name}.json");
    let content = |error: io::Error| RecordError::Content(error.to_string());
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = match nofollow::open_directly(&directory.join(&name), flags) {
        Some(file) => Ok(file),
        None => match nofollow::open_directory(directory, Missing::Refuse) {
            Err(PathError::Refused(_, Errno::ENOENT)) => return Ok(None),
            directory => openat(directory?, name.as_str(), flags, Mode::empty()),
        },
    };
    let file = match opened {
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(RecordError::Content("it is a symbolic link".to_string())),
        file => file?,
    };
    let status = nix::sys::stat::fstat(&file)?;
    if let Some(what) = sys::file::kind_name(sys::file::kind(&status)) {
        return Err(RecordError::Content(format!("it is {what}, not a regular file")));
    }
    let bytes = sys::file::read_at_most(file, MAX_BYTES).map_err(content)?;
    // serde's words quote what it has found
    let not_so = |error: serde_json::Error| {
        RecordError::Content(format!(
            "it is not a run record: line {}, column {}",
            error.line(),
            error.column()
        ))
    };
    let record = serde_json::from_slice(&bytes).map_err(not_so)?;
    Ok(Some((record, status.st_uid)))
}

/// To the millisecond.
fn seconds_since_boot(at: BootTime) -> f64 {
    (at.since_boot().as_secs_f64() * 1000.0).round() / 1000.0
}

fn read_of(plan: &Plan) -> Result<Option<RunRecord>, RecordError> {
    let directory = plan.state_dir.as_ref().ok_or(RecordError::NoDirectory)?;
    Ok(read(directory, plan.name.as_str())?.map(|(record, _)| record))
}

fn create_new(directory: &OwnedFd, name: &Path, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    nofollow::with_no_umask(|| match openat(directory, name, flags, mode) {
        // left by a launcher that was killed
        Err(Errno::EEXIST) => {
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
            openat(directory, name, flags, mode)
        }
        result => result,
    })
}
