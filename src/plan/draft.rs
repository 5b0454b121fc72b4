//! The plan of a launch, and the draft of one that may have findings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::identity::{Change, Identity};
use crate::config::readiness::ReadinessSpec;
use crate::config::settings::Limits;
use crate::config::spec::{EnvironmentSpec, LogRules, SpecFile};
use crate::config::timing::TimingSpec;
use crate::config::value::Gate;
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
    /// In place of the launcher.
    Exec,
    /// As PID 1 the launcher stays, forwards signals and reaps.
    ExecAsInit,
    /// In a loop.
    Loop(TimingSpec),
}

/// Where stdout and stderr go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPlan {
    /// To a file.
    File(PathBuf),
    /// To the inherited stdout; stderr joins it.
    Inherited,
}

/// The plan, as far as it could be made; one with findings is for `--explain` only.
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
    /// Where the service's own files are, if elsewhere.
    pub service_dir: Option<PathBuf>,
    /// The file of `--file`.
    pub file: Option<SpecFile>,
    /// The worker's user.
    pub identity: Identity,
    /// What has to be done to become that user.
    pub change: Change,
    /// HOME, for the worker and for the paths of log and record.
    pub home: Option<PathBuf>,
    /// The directory of log and record; none without a HOME.
    pub state_dir: Option<PathBuf>,
    /// What bounds the worker: ulimits, niceness, capabilities.
    pub limits: Limits,
    /// File mode creation mask: `--umask`, else the container's UMASK.
    pub umask: Option<u32>,
    /// Warnings: nothing of it keeps the worker from running.
    pub warnings: Vec<Finding>,
    /// No program gains rights.
    pub no_new_privs: bool,
    /// Descriptors that are handed on.
    pub keep_fds: Vec<i32>,
    /// The container's variables.
    pub container: Vec<(OsString, OsString)>,
    /// The environment as inherited, as far as it wins over them.
    pub inherited: Vec<(OsString, OsString)>,
    /// What the options add to the environment.
    pub environment: EnvironmentSpec,
    /// Where the worker's output goes.
    pub log: LogPlan,
    /// How a log file is kept.
    pub log_rules: LogRules,
    /// The worker's directory, if another.
    pub chdir: Option<PathBuf>,
    /// The program and its arguments.
    pub program: Vec<OsString>,
    /// How it is run.
    pub mode: Mode,
    /// When the supervisor is notified of readiness.
    pub readiness: ReadinessSpec,
    /// What must hold before it runs.
    pub gates: Vec<Gate>,
}

impl Plan {
    /// Drops all but where the service is and when it runs: the rest takes too much memory where many services are
    /// looked at.
    pub fn forget_worker(&mut self) {
        self.program = Vec::new();
        self.container = Vec::new();
        self.inherited = Vec::new();
        self.environment = EnvironmentSpec::default();
        self.limits = Limits::default();
        self.warnings = Vec::new();
        self.gates = self.gates.drain(..).filter(Gate::is_waited_for).collect();
    }

    /// Where the run record is; none without a HOME.
    pub fn record_path(&self) -> Option<PathBuf> {
        self.state_dir.as_ref().map(|directory| directory.join(format!("{}.json", self.name)))
    }

    /// A path of the service's own, seen from the launcher's directory.
    pub fn own(&self, path: &Path) -> PathBuf {
        from_service_dir(self.service_dir.as_deref(), path)
    }
}

/// A path that counts from `--service-dir`, seen from the launcher's directory.
pub(super) fn from_service_dir(service_dir: Option<&Path>, path: &Path) -> PathBuf {
    service_dir.map_or_else(|| path.to_path_buf(), |directory| directory.join(path))
}

impl Draft {
    /// The plan, if there are no findings; else the draft, which may only be shown.
    pub fn approve(self, findings: &Findings) -> Result<Plan, Box<Draft>> {
        if findings.is_empty() { Ok(self.0) } else { Err(Box::new(self)) }
    }

    /// The plan to be shown.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
