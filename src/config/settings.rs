//! The settings that were given. The file and then the command line are applied to the same value: that is the whole
//! rule of precedence.

use std::ffi::OsString;
use std::path::PathBuf;

use nix::sys::resource::Resource;

use super::value::{
    Backoff, Bounds, ByteSize, Capabilities, Delay, Directory, EnvironmentEdit, ExpandableText, Gate,
    GroupsRequest, Presence, ReadyForm, ShellCommand, StopSignal, UserRequest, VariableName,
};
use crate::schedule::Schedule;
use crate::service::ServiceName;
use crate::sys::spawn::Limit;

/// Where stdout and stderr go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// To a file; relative to the service directory.
    File(PathBuf),
    /// To the inherited stdout.
    Inherited,
    /// Nowhere.
    Discarded,
}

/// The form of a time before each line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStamp {
    /// `2026-11-26T19:04:51.123456Z`
    Iso,
    /// `@` and 24 hexadecimal digits, as s6-log and multilog write it.
    Tai64n,
}

/// How lines of a log are copied to the inherited stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTee {
    /// With the service's name before each.
    Prefixed,
    /// As they are.
    Raw,
}

/// What becomes of output while the log cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFull {
    /// The worker waits.
    #[default]
    Block,
    /// It is dropped, and counted.
    Drop,
}

/// Where the container's own variables are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerEnv {
    /// Where s6-overlay keeps them, if it does.
    #[default]
    Standard,
    /// In the files of this directory.
    Directory(PathBuf),
    /// Nowhere.
    None,
}

/// A file of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// As given, without a leading dash.
    pub path: PathBuf,
    /// How it is read.
    pub dialect: Dialect,
    /// Whether it must exist.
    pub presence: Presence,
}

/// A directory with one file per variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvDirectory {
    /// As given, without a leading dash.
    pub path: PathBuf,
    /// Whether it must exist.
    pub presence: Presence,
}

/// How a file of variables is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As bash would source it.
    Bash,
    /// As dotenv programs do.
    Dotenv,
}

/// What a stop does to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// Stop signal, and KILL after the grace.
    #[default]
    Kill,
    /// Let it finish.
    Finish,
}

/// What happens to a process that a worker leaves in its process group when it exits by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// It keeps running.
    #[default]
    Leave,
    /// It is stopped as by a stop.
    Kill,
}

/// What becomes of a run whose lock another process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLock {
    /// It waits.
    #[default]
    Wait,
    /// It is skipped, and counted.
    Skip,
}

/// Whether the last start, kept in the run record, counts after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist {
    /// It does.
    Yes,
    /// Every start of the launcher counts as the first.
    No,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerCommand {
    /// A program and its arguments; empty only with a finding.
    Program(Vec<OsString>),
    /// A text for `sh -eu`.
    Script(String),
}

impl WorkerCommand {
    /// As one program and its arguments.
    pub(crate) fn words(self) -> Vec<OsString> {
        match self {
            WorkerCommand::Program(words) => words,
            WorkerCommand::Script(text) => ["sh", "-euc", &text].into_iter().map(OsString::from).collect(),
        }
    }
}

/// Limits of the process, which only root can raise.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Soft and hard limits.
    pub ulimits: Vec<(Resource, Bounds)>,
    /// Niceness.
    pub nice: Option<i32>,
    /// The out-of-memory killer's preference.
    pub oom_score_adj: Option<i32>,
    /// Capabilities to drop.
    pub cap_drop: Capabilities,
}

impl Limits {
    /// The limits in the kernel's form.
    pub fn to_kernel(&self) -> Vec<Limit> {
        let limit = |(resource, bounds): &(Resource, Bounds)| {
            Limit::new(*resource, bounds.soft.to_rlim(), bounds.hard.to_rlim())
        };
        self.ulimits.iter().map(limit).collect()
    }
}

/// One field for each option of the table.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the option of the same name; `directories` is `--mkdir`")]
pub struct Settings {
    pub name: Option<ServiceName>,
    pub service_dir: Option<PathBuf>,
    pub timing: TimingSettings,
    pub ready: Option<ReadyForm>,
    pub ready_timeout: Option<Delay>,
    pub gates: Vec<Gate>,
    pub before: Vec<ShellCommand>,
    pub user: Option<UserRequest>,
    pub groups: Option<GroupsRequest>,
    pub home: Option<PathBuf>,
    pub chdir: Option<PathBuf>,
    pub directories: Vec<Directory>,
    pub umask: Option<u32>,
    pub no_new_privs: bool,
    pub limits: Limits,
    pub keep_fds: Vec<i32>,
    pub environment: EnvironmentSettings,
    pub log: LogSettings,
    pub state_dir: Option<PathBuf>,
}

/// The options of the log.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the option of that name: `--log` and `--log-…`")]
pub struct LogSettings {
    pub target: Option<LogTarget>,
    pub mode: Option<u32>,
    pub size: Option<ByteSize>,
    pub keep: Option<u32>,
    pub gzip: bool,
    pub live: bool,
    pub stamp: Option<LogStamp>,
    pub tee: Option<LogTee>,
    pub full: Option<OnFull>,
}

/// The options that start a loop, or need one.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the option of the same name")]
pub struct TimingSettings {
    pub interval: Option<Delay>,
    pub every: Option<Delay>,
    pub schedule: Option<Schedule>,
    pub initial_delay: Option<Delay>,
    pub persist: Option<Persist>,
    pub max_late: Option<Delay>,
    pub splay: Option<Delay>,
    pub timeout: Option<Delay>,
    pub grace: Option<Delay>,
    pub stop_signal: Option<StopSignal>,
    pub on_stop: Option<OnStop>,
    pub on_exit: Option<OnExit>,
    pub backoff: Option<Backoff>,
    pub max_failures: Option<u32>,
    pub on_failure: Option<ShellCommand>,
    pub on_success: Option<ShellCommand>,
    pub lock: Option<PathBuf>,
    pub on_lock: Option<OnLock>,
    pub history: Option<u32>,
}

/// The options about variables.
#[derive(Clone, Debug, Default)]
#[expect(
    missing_docs,
    reason = "each field is the option of that name, or all options of that kind in order"
)]
pub struct EnvironmentSettings {
    pub edits: Vec<EnvironmentEdit>,
    pub files: Vec<EnvFile>,
    pub no_env_file: bool,
    pub directories: Vec<EnvDirectory>,
    pub defaults: Vec<(VariableName, ExpandableText)>,
    pub required: Vec<VariableName>,
    pub secrets: Vec<VariableName>,
    pub container: Option<ContainerEnv>,
    pub clear: bool,
}
