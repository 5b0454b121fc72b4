//! The specification: every option has its value or its default, and options that contradict each
//! other have been refused. All defaults stand here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;

use super::readiness::{self, ReadinessSpec};
use super::service_file::{self, ServiceFile, ServiceFileError};
use super::settings::{ContainerEnv, EnvFile, LogTarget, Settings};
use super::timing::{self, TimingSpec};
use super::value::{
    Bounds, ByteSize, Capabilities, Delay, EnvironmentEdit, ExpansionError, Gate, GroupsRequest, Template,
    UserRequest, VariableName,
};
use crate::config::flags::Role;
use crate::config::request::Given;
use crate::config::request::Origin;
use crate::config::request::Request;
use crate::config::rights::{TrustError, refuse_rights};
use crate::error::{Findings, Problem};
use crate::escape;
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::machine::Host;
use crate::schedule::ZoneError;
use crate::service::ServiceName;
use crate::sys::spawn::Limit;

const LOG_MODE: u32 = 0o640;
const LOG_SIZE: ByteSize = ByteSize(10 << 20);
const LOG_KEEP: u32 = 5;

/// Whether the launcher is asked to stay beside its worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stays {
    /// There is no timing option.
    #[default]
    No,
    /// There is one.
    InLoop,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `--name`
    pub name: Option<ServiceName>,
    /// `--service-dir`
    pub service_dir: Option<PathBuf>,
    /// What s6 passes behind `--file PATH`.
    pub passed_name: Option<OsString>,
    /// The file of `--file`.
    pub file: Option<SpecFile>,
    /// What to run.
    pub worker: Worker,
    /// When to run it; `None` is exec mode.
    pub timing: Option<TimingSpec>,
    /// What the timing options ask for, also where their values are invalid.
    pub stays: Stays,
    /// When it is ready.
    pub readiness: ReadinessSpec,
    /// What must be so before it runs.
    pub gates: Vec<Gate>,
    /// Who runs it.
    pub user: Option<UserRequest>,
    /// `--groups`
    pub groups: GroupsRequest,
    /// `--home`
    pub home: Option<PathBuf>,
    /// `--chdir`
    pub chdir: Option<PathBuf>,
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
    /// Its mode, size and number.
    pub log_rules: LogRules,
    /// `--state-dir`
    pub state_dir: Option<PathBuf>,
}

/// The file of `--file`.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// As given.
    pub path: PathBuf,
    /// Whether it and every directory above it belong to root and nobody else may write them.
    pub is_roots: bool,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worker {
    /// A program and its arguments; empty only with a finding.
    Program(Vec<OsString>),
    /// A text for `sh -eu`.
    Script(String),
}

impl Worker {
    /// As one program and its arguments.
    pub(crate) fn words(self) -> Vec<OsString> {
        match self {
            Worker::Program(words) => words,
            Worker::Script(text) => ["sh", "-euc", &text].into_iter().map(OsString::from).collect(),
        }
    }
}

/// Bounds of the process that only root, or only downwards, can set.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Soft and hard bounds.
    pub ulimits: Vec<(Resource, Bounds)>,
    /// Niceness.
    pub nice: Option<i32>,
    /// The out-of-memory killer's preference.
    pub oom_score_adj: Option<i32>,
    /// Capabilities that no program gets.
    pub cap_drop: Capabilities,
}

impl Limits {
    /// The bounds as the kernel wants them.
    pub fn to_kernel(&self) -> Vec<Limit> {
        let limit = |(resource, bounds): &(Resource, Bounds)| {
            Limit::new(*resource, bounds.soft.to_rlim(), bounds.hard.to_rlim())
        };
        self.ulimits.iter().map(limit).collect()
    }
}

/// Where the variables come from, beside what is inherited.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentSpec {
    /// Start from nothing: neither the container's variables nor inherited ones.
    pub clear: bool,
    /// `--container-env`
    pub container: ContainerEnv,
    /// Read config.env of the service directory if it is there.
    pub config_env: bool,
    /// Further files, in order; each must exist.
    pub files: Vec<EnvFile>,
    /// Directories with a file for each variable, in order; each must exist.
    pub directories: Vec<PathBuf>,
    /// `--default`: for variables that are missing or empty.
    pub defaults: Vec<(VariableName, Template)>,
    /// `--env` and `--unset`, in order.
    pub edits: Vec<EnvironmentEdit>,
    /// `--require`: must have a value in the end.
    pub required: Vec<VariableName>,
}

/// How a log file is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogRules {
    /// Mode of a new file.
    pub mode: u32,
    /// Rotated between runs when larger, in bytes.
    pub size: ByteSize,
    /// Rotated files kept.
    pub keep: u32,
}

/// What can be wrong with a specification.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A value that an option does not take. The value of `--env` is not shown.
    #[error("{place}: invalid value{}: {}", shown.as_ref().map_or(String::new(), |value| format!(" '{value}'")), invalid.reason)]
    Value {
        /// `--interval` or `./run:3: interval`
        place: String,
        /// The value, unless it may be a secret.
        shown: Option<String>,
        /// Why.
        invalid: Invalid,
    },
    /// An option that would be ignored.
    #[error("{place}: needs a timing option: without one the launcher does not stay")]
    NeedsTiming {
        /// The option.
        place: String,
    },
    /// A variable in a value is missing.
    #[error("{place}: {error}")]
    Expansion {
        /// The option.
        place: String,
        /// Which one.
        error: ExpansionError,
    },
    /// Nothing to run.
    #[error("no program given")]
    NoProgram,
    /// `--file` and a program.
    #[error("'{word}': behind --file come options and at most the service name")]
    TwoPrograms {
        /// The second word too many.
        word: String,
    },
    /// exec or script missing.
    #[error("{path}: names no worker")]
    NoWorker {
        /// The file.
        path: String,
    },
    /// A maximum below the interval.
    #[error("{place}: the maximum {max} is below the delay {delay} that it stretches")]
    BackoffBelowDelay {
        /// The option.
        place: String,
        /// Its maximum.
        max: Delay,
        /// The delay.
        delay: Delay,
    },
    /// Two answers to when a run follows.
    #[error("{place}: contradicts {other}: one of them says when a run follows")]
    TwoPaces {
        /// The later option.
        place: String,
        /// The earlier one.
        other: String,
    },
    /// An option that has no meaning with the timing option.
    #[error("{place}: has no meaning with --{pace}: {why}")]
    NoMeaning {
        /// The option.
        place: String,
        /// The timing option.
        pace: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A bound for nothing.
    #[error("{place}: there is nothing to wait for")]
    NothingToWaitFor {
        /// The option.
        place: String,
    },
    /// The zone of a schedule that names none.
    #[error("{place}: {error}")]
    Zone {
        /// The option.
        place: String,
        /// Why.
        error: ZoneError,
    },
    /// `--explain` in other modes
    #[error("--show-values: works with --explain only")]
    ShowValues,
}

impl Problem for SpecError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            SpecError::Value { invalid, .. } => invalid.hint.clone(),
            SpecError::NeedsTiming { .. } => {
                Some("add --interval DURATION, --every DURATION, --schedule WHEN or --once".to_string())
            }
            SpecError::Zone { error, .. } => error.hint(),
            SpecError::NothingToWaitFor { .. } => {
                Some("it goes with --ready tcp:PORT, file:PATH or cmd:COMMAND".to_string())
            }
            SpecError::Expansion { error, .. } => error.hint(),
            SpecError::NoProgram => Some("futo-launch [OPTION…] [--] PROGRAM [ARG…]".to_string()),
            SpecError::NoWorker { .. } => Some("add exec = [\"PROGRAM\", \"ARG\"]".to_string()),
            SpecError::TwoPrograms { .. }
            | SpecError::BackoffBelowDelay { .. }
            | SpecError::TwoPaces { .. }
            | SpecError::NoMeaning { .. }
            | SpecError::ShowValues => None,
        }
    }
}

/// Reads the file of `--file`, at most so many bytes: its text, and whether the path is root's.
pub(crate) type ReadFile<'r> = &'r dyn Fn(&Path, usize) -> std::io::Result<(String, bool)>;

/// Applies file, then command line, then defaults.
pub fn resolve(request: Request, host: &dyn Host, findings: &mut Findings) -> Spec {
    resolve_reading(request, host, &|path, most| host.read_service_file(path, most), findings)
}

/// The same; the file is read by `read`.
pub(crate) fn resolve_reading(
    request: Request,
    host: &dyn Host,
    read: ReadFile<'_>,
    findings: &mut Findings,
) -> Spec {
    let Request { given, file, ask, show_values, words } = request;
    if show_values && !matches!(ask, Some(crate::config::request::Ask::Explain(_))) {
        findings.push(SpecError::ShowValues);
    }

    let mut settings = Settings::default();
    let mut timing_options: Vec<Given> = Vec::new();
    let mut readiness_options: Vec<Given> = Vec::new();
    let mut apply = |given: Given, settings: &mut Settings, findings: &mut Findings| {
        if findings.are_many() {
            return;
        }
        let applied = match given.literal() {
            Ok(Some(value)) => (given.flag.set)(settings, &value),
            // its value is known when the environment is
            Ok(None) => Ok(()),
            Err(invalid) => Err(invalid),
        };
        if let Err(invalid) = applied {
            findings.push(SpecError::Value { place: given.place(), shown: shown(&given), invalid });
        }
        match given.flag.role {
            Role::Timing | Role::NeedsTiming => timing_options.push(given),
            Role::Readiness => readiness_options.push(given),
            Role::Any | Role::CommandLineOnly => {}
        }
    };

    let (file, worker) = match file {
        None => (None, worker_of_words(words.clone(), findings)),
        Some(path) => {
            let (file, text) = read_service_file(path, read, findings);
            for given in text.given {
                apply(given, &mut settings, findings);
            }
            if !file.is_roots && host.is_root() {
                let refusal = |what| TrustError::NamesRights { path: file.path.clone(), what };
                refuse_rights(&mut settings, host, refusal, findings);
            }
            if let Some(word) = words.get(1) {
                findings.push(SpecError::TwoPrograms {
                    word: escape::word(&word.to_string_lossy()).into_owned(),
                });
            }
            (Some(file), text.worker)
        }
    };
    for given in given {
        let untrusted = file.as_ref().filter(|file| !file.is_roots && host.is_root());
        if let (Some(file), Origin::BehindFile) = (untrusted, &given.origin)
            && !gives_no_rights(&given, file, host, findings)
        {
            continue;
        }
        apply(given, &mut settings, findings);
    }

    let passed_name = file.as_ref().and_then(|_| words.into_iter().next());
    // also if their values are invalid
    let is_loop = timing_options.iter().any(|given| given.flag.role == Role::Timing);
    let timing = timing::spec(&settings, timing_options, findings);
    // a finding stands for what is missing here; nothing is launched with one
    let worker = worker.unwrap_or_else(|| Worker::Program(Vec::new()));
    let Settings {
        name,
        service_dir,
        interval: _,
        every: _,
        schedule: _,
        once: _,
        persist: _,
        max_late: _,
        splay: _,
        on_failure: _,
        on_success: _,
        lock: _,
        ready,
        ready_timeout: _,
        gates,
        initial_delay: _,
        timeout: _,
        grace: _,
        stop_signal: _,
        on_stop: _,
        on_exit: _,
        backoff: _,
        max_failures: _,
        user,
        groups,
        home,
        chdir,
        umask,
        no_new_privs,
        cap_drop,
        ulimits,
        nice,
        oom_score_adj,
        keep_fds,
        env,
        container_env,
        env_files,
        env_dirs,
        defaults,
        require,
        no_env_file,
        clear_env,
        log,
        log_mode,
        log_size,
        log_keep,
        state_dir,
    } = settings;
    let readiness = readiness::spec(ready, readiness_options, is_loop, findings);
    let stays = if is_loop { Stays::InLoop } else { Stays::No };
    Spec {
        stays,
        name,
        service_dir,
        passed_name,
        file,
        worker,
        timing,
        readiness,
        gates,
        user,
        groups: groups.unwrap_or_default(),
        home,
        chdir,
        umask,
        no_new_privs,
        limits: Limits { ulimits, nice, oom_score_adj, cap_drop },
        keep_fds,
        environment: EnvironmentSpec {
            clear: clear_env,
            container: container_env.unwrap_or_default(),
            config_env: !no_env_file,
            files: env_files,
            directories: env_dirs,
            defaults,
            edits: env,
            required: require,
        },
        log,
        log_rules: LogRules {
            mode: log_mode.unwrap_or(LOG_MODE),
            size: log_size.unwrap_or(LOG_SIZE),
            keep: log_keep.unwrap_or(LOG_KEEP),
        },
        state_dir,
    }
}

/// Whether an option behind a file that others than root can write may be taken. Whoever can make a
/// service directory chooses its name, and s6 passes the name there: one called `--groups=root` too.
fn gives_no_rights(given: &Given, file: &SpecFile, host: &dyn Host, findings: &mut Findings) -> bool {
    let mut alone = Settings::default();
    if (given.flag.set)(&mut alone, &given.value).is_err() {
        // it will be said
        return true;
    }
    let before = findings.iter().count();
    let refusal = |what| TrustError::RightsBehind { path: file.path.clone(), what };
    refuse_rights(&mut alone, host, refusal, findings);
    findings.iter().count() == before
}

/// The value as it was written, unless it may be a secret.
pub(super) fn shown(given: &Given) -> Option<String> {
    (!matches!(given.flag.long, "env" | "default" | "if-env"))
        .then(|| escape::word(&given.value.to_string_lossy()).into_owned())
}

fn worker_of_words(words: Vec<OsString>, findings: &mut Findings) -> Option<Worker> {
    if words.first().is_none_or(|program| program == OsStr::new("")) {
        // with other findings about options, the program may just have been taken for a value
        findings.push(SpecError::NoProgram);
        return None;
    }
    Some(Worker::Program(words))
}

fn read_service_file(path: PathBuf, read: ReadFile<'_>, findings: &mut Findings) -> (SpecFile, ServiceFile) {
    let (text, is_roots) = match read(&path, service_file::MAX_BYTES) {
        Ok(read) => read,
        Err(source) => {
            findings.push(ServiceFileError::Read { path: path.clone(), source });
            return (SpecFile { path, is_roots: false }, ServiceFile::default());
        }
    };
    let before = findings.iter().count();
    let file = service_file::parse(&path, &text, findings);
    if file.worker.is_none() && findings.iter().count() == before {
        findings.push(SpecError::NoWorker { path: path.display().to_string() });
    }
    (SpecFile { path, is_roots }, file)
}
