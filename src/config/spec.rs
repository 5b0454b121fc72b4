//! The specification: every option with its value or its default.

use std::ffi::OsString;
use std::path::PathBuf;

use super::readiness::ReadinessSpec;
use super::settings::{
    ContainerEnv, EnvDirectory, EnvFile, Limits, LogStamp, LogTarget, LogTee, OnFull, WorkerCommand,
};
use super::timing::{Stays, TimingSpec};
use super::value::{
    ByteSize, Directory, EnvironmentEdit, ExpandableText, Gate, GroupsRequest, ShellCommand, UserRequest,
    VariableName,
};
use crate::service::ServiceName;

/// The requested settings.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `--name`
    pub name: Option<ServiceName>,
    /// `--service-dir`
    pub service_dir: Option<PathBuf>,
    /// What s6 passes after `--file PATH`.
    pub passed_name: Option<OsString>,
    /// The file of `--file`.
    pub file: Option<SpecFile>,
    /// What to run.
    pub worker: WorkerCommand,
    /// When to run it; `None` is exec mode.
    pub timing: Option<TimingSpec>,
    /// What the timing options ask for, even if their values are invalid.
    pub stays: Stays,
    /// When it is ready.
    pub readiness: ReadinessSpec,
    /// Conditions for running it.
    pub gates: Vec<Gate>,
    /// `--before`
    pub before: Vec<ShellCommand>,
    /// The user that it runs as.
    pub user: Option<UserRequest>,
    /// `--groups`
    pub groups: GroupsRequest,
    /// `--home`
    pub home: Option<PathBuf>,
    /// `--chdir`
    pub chdir: Option<PathBuf>,
    /// `--mkdir`
    pub directories: Vec<Directory>,
    /// Who makes them.
    pub directory_maker: DirectoryMaker,
    /// `--umask`
    pub umask: Option<u32>,
    /// `--no-new-privs`
    pub no_new_privs: bool,
    /// `--ulimit`, `--nice`, `--oom-score-adj`
    pub limits: Limits,
    /// `--keep-fd`
    pub keep_fds: Vec<i32>,
    /// Its variables.
    pub environment: EnvironmentSpec,
    /// `--log`
    pub log: Option<LogTarget>,
    /// How the log is kept.
    pub log_rules: LogRules,
    /// `--state-dir`
    pub state_dir: Option<PathBuf>,
}

/// Who makes the directories of `--mkdir`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectoryMaker {
    /// Root below directories that only root can write, the worker's user elsewhere.
    #[default]
    RootOrUser,
    /// The worker's user: non-root users have chosen the places.
    User,
}

/// The file of `--file`.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// As given.
    pub path: PathBuf,
    /// Whether root owns it and every directory above it, and no other user can write them.
    pub is_root_owned: bool,
}

/// Where the variables come from, apart from inherited ones.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentSpec {
    /// Start from nothing: neither the container's variables nor inherited ones.
    pub clear: bool,
    /// `--container-env`
    pub container: ContainerEnv,
    /// Read config.env of the service directory if it exists.
    pub config_env: bool,
    /// Further files, in order.
    pub files: Vec<EnvFile>,
    /// Directories with one file per variable, in order.
    pub directories: Vec<EnvDirectory>,
    /// `--default`: for variables that are missing or empty.
    pub defaults: Vec<(VariableName, ExpandableText)>,
    /// `--env` and `--unset`, in order.
    pub edits: Vec<EnvironmentEdit>,
    /// `--require`: must have a value when everything else has been applied.
    pub required: Vec<VariableName>,
    /// `--secret`: likewise, or `NAME_FILE` names a file with the value.
    pub secrets: Vec<VariableName>,
}

/// How a log file is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogRules {
    /// Mode of a new file.
    pub mode: u32,
    /// Rotated when larger, in bytes; 0: never.
    pub size: ByteSize,
    /// Rotated files kept.
    pub keep: u32,
    /// Whether rotated files are compressed.
    pub gzip: bool,
    /// Who writes to it.
    pub writer: LogWriter,
    /// The time before each line.
    pub stamp: Option<LogStamp>,
    /// Whether each line is copied to the inherited stdout.
    pub tee: Option<LogTee>,
    /// What becomes of output while it cannot be written.
    pub full: OnFull,
}

impl LogRules {
    /// Whether there is a rule that asks for a file.
    pub fn is_of_file(&self) -> bool {
        self.gzip || self.writer == LogWriter::Pump
    }

    /// What a file may grow to, in bytes.
    pub fn limit(&self) -> u64 {
        if self.size.0 == 0 { u64::MAX } else { self.size.0 }
    }
}

/// Who writes to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogWriter {
    /// The worker itself: it costs nothing, and nothing is done with a line.
    Worker,
    /// A process between the worker and the file.
    Pump,
}
