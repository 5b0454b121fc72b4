//! The plan of a launch, and a draft of it that may have findings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::identity::{Change, Identity};
use crate::config::readiness::ReadinessSpec;
use crate::config::settings::Limits;
use crate::config::spec::{DirectoryMaker, EnvironmentSpec, LogRules, SpecFile};
use crate::config::timing::TimingSpec;
use crate::config::value::{Directory, Gate, ShellCommand};
use crate::error::{Finding, Findings};
use crate::service::ServiceName;

/// Where the launcher was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a service directory.
    Service,
    /// In a shell, or as a container's entrypoint.
    Elsewhere,
}

/// How the worker is run.
#[derive(Clone, Debug)]
pub enum Mode {
    /// The worker replaces the launcher.
    Exec,
    /// As PID 1 the launcher stays, forwards signals and reaps.
    ExecAsInit,
    /// In a loop.
    Loop(TimingSpec),
}

/// The destination of stdout and stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPlan {
    /// To a file.
    File(PathBuf),
    /// The inherited stdout, for stderr as well.
    Inherited,
    /// The same, because the supervisor hands it to the service's own logger (`log/run`).
    Logger,
    /// Nowhere.
    Discarded,
}

impl LogPlan {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            LogPlan::File(path) => Some(path),
            LogPlan::Inherited | LogPlan::Logger | LogPlan::Discarded => None,
        }
    }
}

/// The plan as far as it is known; with findings it is for `--explain` only.
#[derive(Clone, Debug)]
pub struct Draft(pub(super) Plan);

/// The whole plan of a launch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The service's name.
    pub name: ServiceName,
    /// Where the launcher was started.
    pub place: Place,
    /// The working directory, without links.
    pub directory: PathBuf,
    /// The directory of the service's own files, if different.
    pub service_dir: Option<PathBuf>,
    /// The file of `--file`.
    pub file: Option<SpecFile>,
    /// The worker's user.
    pub identity: Identity,
    /// The change of identity that is required.
    pub change: Change,
    /// HOME, for the worker and for the paths of log and record.
    pub home: Option<PathBuf>,
    /// The directory of log and record; none without HOME.
    pub state_dir: Option<PathBuf>,
    /// The limits on the worker: ulimits, niceness, capabilities.
    pub limits: Limits,
    /// The file mode creation mask: `--umask`, otherwise the container's UMASK.
    pub umask: Option<u32>,
    /// Warnings, which do not keep the worker from running.
    pub warnings: Vec<Finding>,
    /// Whether no program may gain privileges.
    pub no_new_privs: bool,
    /// Descriptors passed on to the worker.
    pub keep_fds: Vec<i32>,
    /// The container's variables.
    pub container: Vec<(OsString, OsString)>,
    /// The inherited variables that override them.
    pub inherited: Vec<(OsString, OsString)>,
    /// The options that change the environment.
    pub environment: EnvironmentSpec,
    /// The destination of the worker's output.
    pub log: LogPlan,
    /// The rules for a log file.
    pub log_rules: LogRules,
    /// The worker's directory, if different.
    pub chdir: Option<PathBuf>,
    /// The directories to make.
    pub directories: Vec<Directory>,
    /// Who makes them.
    pub directory_maker: DirectoryMaker,
    /// The program and its arguments.
    pub program: Vec<OsString>,
    /// The mode of running it.
    pub mode: Mode,
    /// The readiness notification.
    pub readiness: ReadinessSpec,
    /// The conditions for running it.
    pub gates: Vec<Gate>,
    /// The commands that have to succeed before it.
    pub before: Vec<ShellCommand>,
}

impl Plan {
    /// Drops everything but the service's location and timing, to save memory when many services are inspected.
    pub fn forget_worker(&mut self) {
        self.program = Vec::new();
        self.container = Vec::new();
        self.inherited = Vec::new();
        self.environment = EnvironmentSpec::default();
        self.limits = Limits::default();
        self.warnings = Vec::new();
        self.directories = Vec::new();
        self.before = Vec::new();
        self.gates = self.gates.drain(..).filter(Gate::is_waited_for).collect();
    }

    /// The path of the run record; none without HOME.
    pub fn record_path(&self) -> Option<PathBuf> {
        self.state_dir.as_ref().map(|directory| directory.join(format!("{}.json", self.name)))
    }

    /// A path of the service, relative to the launcher's directory.
    pub fn own(&self, path: &Path) -> PathBuf {
        from_service_dir(self.service_dir.as_deref(), path)
    }
}

/// A path relative to `--service-dir`, as seen from the launcher's directory.
pub(super) fn from_service_dir(service_dir: Option<&Path>, path: &Path) -> PathBuf {
    service_dir.map_or_else(|| path.to_path_buf(), |directory| directory.join(path))
}

impl Draft {
    /// The plan, if there are no findings; otherwise the draft, which can only be shown.
    pub fn approve(self, findings: &Findings) -> Result<Plan, Box<Draft>> {
        if findings.is_empty() { Ok(self.0) } else { Err(Box::new(self)) }
    }

    /// The plan to show.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
