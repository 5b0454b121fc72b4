//! Spec → [`Draft`]: applies a specification to this machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::draft::{Draft, LogPlan, Mode, Place, Plan, from_service_dir};
use super::identity::{self, Change};
use super::{container, home, supervisor};
use crate::config::Spec;
use crate::config::rights::{self, TrustError};
use crate::config::settings::LogTarget;
use crate::config::spec::{DirectoryMaker, EnvironmentSpec, LogRules, SpecFile};
use crate::config::timing::TimingSpec;
use crate::config::value::UserRequest;
use crate::error::{Finding, Findings, Problem, reason};
use crate::exit::Exit;
use crate::machine::Host;
use crate::service::{InvalidName, ServiceName, layout};

/// The directory of log and record, relative to HOME.
pub(crate) const STATE_DIR: &str = ".local/state/futodama";

/// Errors in a plan other than the identity's.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The working directory is gone.
    #[error("unable to determine the working directory: {}", reason(*source))]
    WorkingDirectory {
        /// The system's error.
        source: Errno,
    },
    /// The derived name is not a service name.
    #[error("the service name '{name}' {why}")]
    Name {
        /// The derived name.
        name: String,
        /// What is wrong with it.
        why: InvalidName,
    },
    /// Options about a log file where there is none.
    #[error("--log-gzip, --log-live, --log-stamp, --log-tee and --log-full have no meaning here: {why}")]
    NoLogFile {
        /// Where output goes.
        why: &'static str,
    },
}

impl Problem for PlanError {
    fn exit(&self) -> Exit {
        match self {
            // a removed directory cannot be watched, and the supervisor will enter the current one
            PlanError::WorkingDirectory { .. } => Exit::SYSTEM,
            PlanError::Name { .. } | PlanError::NoLogFile { .. } => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            PlanError::Name { .. } => Some("set another with --name NAME".to_string()),
            PlanError::NoLogFile { .. } => Some("name a file with --log PATH, or leave them out".to_string()),
            PlanError::WorkingDirectory { .. } => None,
        }
    }
}

/// Makes the plan; reports all findings at once.
pub fn make(mut spec: Spec, host: &dyn Host, findings: &mut Findings) -> Draft {
    count_from_service_dir(&mut spec);
    let found_directory = findings.take(host.working_directory().map_err(working_directory_error));
    let directory = found_directory.as_deref().unwrap_or(Path::new("/"));
    let found_place = findings.take(supervisor::place(directory, host).map_err(working_directory_error));
    let place = found_place.unwrap_or(Place::Elsewhere);
    let program = spec.worker.clone().words();
    let name = service_name(&spec, place, found_directory.as_deref(), &program, host, findings);

    let (identity, change) = identity::resolve(spec.user.as_ref(), &spec.groups, host, findings);
    findings.take(refuse_for_root(spec.file.as_ref(), change));
    let (container, inherited) = container::variables(&spec.environment.container, place, host, findings);
    let home = home::find(spec.home.as_deref(), &identity, change, &inherited, &container);
    let state_dir = spec.state_dir.clone().or_else(|| home.as_ref().map(|home| home.join(STATE_DIR)));
    let log = log(spec.log.as_ref(), place, state_dir.as_deref(), &name, host);
    if spec.log.is_none() {
        findings.take(refuse_log_rules(&log, &spec.log_rules));
    }
    let directory_maker = match (spec.directories.is_empty(), spec.directory_maker) {
        (false, DirectoryMaker::RootOrUser) => {
            rights::directory_maker(spec.file.as_ref(), spec.service_dir.as_deref())
        }
        (_, decided) => decided,
    };
    let mut warnings = Vec::from_iter(warning_of_root(change, spec.user.as_ref()));
    let umask = spec.umask.or_else(|| container::umask(place, &container, &mut warnings));
    let timing = spec.timing.as_ref();
    warnings.extend(supervisor::quirk_of_run_script(place, directory, &spec.name, timing, host));
    Draft(Plan {
        name,
        place,
        directory: directory.to_path_buf(),
        service_dir: spec.service_dir,
        file: spec.file,
        identity,
        change,
        home,
        state_dir,
        limits: spec.limits,
        umask,
        warnings,
        no_new_privs: spec.no_new_privs,
        keep_fds: spec.keep_fds,
        container,
        inherited,
        environment: EnvironmentSpec {
            config_env: spec.environment.config_env && place == Place::Service,
            ..spec.environment
        },
        log,
        log_rules: spec.log_rules,
        chdir: spec.chdir,
        directories: spec.directories,
        directory_maker,
        program,
        mode: mode(spec.timing, host),
        readiness: spec.readiness,
        gates: spec.gates,
        before: spec.before,
    })
}

/// The name from `--name`, otherwise the derived one; a stand-in if it is invalid.
fn service_name(
    spec: &Spec,
    place: Place,
    directory: Option<&Path>,
    program: &[OsString],
    host: &dyn Host,
    findings: &mut Findings,
) -> ServiceName {
    if let Some(name) = &spec.name {
        return name.clone();
    }
    let has_program = !program.is_empty() || place == Place::Service;
    let Some(directory) = directory.filter(|_| has_program) else { return ServiceName::stand_in() };
    let found = found_name(spec, place, directory, program, host, findings);
    let parsed = ServiceName::parse(&found)
        .map_err(|why| PlanError::Name { name: found.to_string_lossy().into_owned(), why });
    findings.take(parsed).unwrap_or_else(ServiceName::stand_in)
}

/// A worker that stays root must not use a file writable by non-root users.
fn refuse_for_root(file: Option<&SpecFile>, change: Change) -> Result<(), TrustError> {
    match file {
        Some(SpecFile { path, is_root_owned: false }) if change == Change::StaysRoot => {
            Err(TrustError::ForRoot { path: path.clone() })
        }
        _ => Ok(()),
    }
}

fn log(
    target: Option<&LogTarget>,
    place: Place,
    state_dir: Option<&Path>,
    name: &ServiceName,
    host: &dyn Host,
) -> LogPlan {
    match (target, place, state_dir) {
        (Some(LogTarget::File(path)), ..) => LogPlan::File(path.clone()),
        (Some(LogTarget::Discarded), ..) => LogPlan::Discarded,
        (None, Place::Service, _) if host.has_logger() => LogPlan::Logger,
        (None, Place::Service, Some(state_dir)) => LogPlan::File(state_dir.join(format!("{name}.log"))),
        _ => LogPlan::Inherited,
    }
}

/// What is asked of a log file where the default is none.
fn refuse_log_rules(log: &LogPlan, rules: &LogRules) -> Result<(), PlanError> {
    match log {
        LogPlan::Logger if rules.is_of_file() => Err(PlanError::NoLogFile {
            why: "the service's own logger, log/run, gets the output, and stamps and rotates it",
        }),
        LogPlan::Inherited if rules.is_of_file() => {
            Err(PlanError::NoLogFile { why: "output goes to the inherited stdout" })
        }
        _ => Ok(()),
    }
}

fn warning_of_root(change: Change, user: Option<&UserRequest>) -> Option<Finding> {
    let is_intended = change != Change::StaysRoot || user.is_some_and(UserRequest::names_root);
    (!is_intended).then(|| {
        let text = "the worker runs as root: no privileges are dropped";
        Finding::trouble(text, Some("if this is intended, use --user root".to_string()))
    })
}

fn mode(timing: Option<TimingSpec>, host: &dyn Host) -> Mode {
    match timing {
        Some(timing) => Mode::Loop(timing),
        None if host.is_init() => Mode::ExecAsInit,
        None => Mode::Exec,
    }
}

/// With `--service-dir`, relative paths are resolved from there, as if the launcher had been started there. It is not:
/// it stays in the supervised directory, and root does not enter a user-owned directory.
fn count_from_service_dir(spec: &mut Spec) {
    let Some(service_dir) = spec.service_dir.clone() else { return };
    let count = |path: &mut PathBuf| *path = from_service_dir(Some(&service_dir), path);
    spec.environment.files.iter_mut().for_each(|file| count(&mut file.path));
    spec.environment.directories.iter_mut().for_each(|directory| count(&mut directory.path));
    spec.directories.iter_mut().for_each(|directory| count(&mut directory.path));
    if let Some(LogTarget::File(path)) = &mut spec.log {
        count(path);
    }
    if let Some(state_dir) = &mut spec.state_dir {
        count(state_dir);
    }
    match &mut spec.chdir {
        Some(chdir) => count(chdir),
        None => spec.chdir = Some(service_dir.clone()),
    }
}

/// The name passed by s6, otherwise the basename of the service directory (`NAME-log` in `NAME/log`), otherwise the
/// program's.
fn found_name(
    spec: &Spec,
    place: Place,
    directory: &Path,
    program: &[OsString],
    host: &dyn Host,
    findings: &mut Findings,
) -> OsString {
    if let Some(passed) = &spec.passed_name {
        return passed.clone();
    }
    let basename = |path: &Path| path.file_name().unwrap_or(OsStr::new("")).to_os_string();
    match place {
        Place::Elsewhere => program.first().map(|program| basename(Path::new(program))).unwrap_or_default(),
        Place::Service => {
            let is_logger = directory.ends_with(layout::LOG)
                && findings.take(host.parent_has_run().map_err(working_directory_error)).unwrap_or(false);
            if !is_logger {
                return basename(directory);
            }
            let mut name = directory.parent().map(basename).unwrap_or_default();
            name.push("-log");
            name
        }
    }
}

fn working_directory_error(source: std::io::Error) -> PlanError {
    PlanError::WorkingDirectory { source: Errno::from_raw(source.raw_os_error().unwrap_or(libc::EIO)) }
}
