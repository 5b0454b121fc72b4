//! Request → [`Spec`]: the file, then the command line, then the defaults; conflicting options are refused. The
//! defaults of everything but the log and the timing are here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::SpecError;
use super::flags::Key;
use super::readiness::{self, ReadinessSpec};
use super::request::{Ask, Given, Origin, Request};
use super::rights::{TrustError, refuse_rights};
use super::service_file::{self, ServiceFile, ServiceFileError};
use super::settings::{EnvironmentSettings, Settings, WorkerCommand};
use super::spec::{DirectoryMaker, EnvironmentSpec, Spec, SpecFile};
use super::timing::{Stays, TimingSpec};
use super::{log_options, timing_options};
use crate::error::Findings;
use crate::escape;
use crate::machine::Host;

/// Reads the file of `--file`, at most this many bytes: its text, and whether root owns the path.
pub(crate) type ReadFile<'r> = &'r dyn Fn(&Path, usize) -> std::io::Result<(String, bool)>;

/// Applies file, then command line, then defaults.
pub fn resolve(request: Request, host: &dyn Host, findings: &mut Findings) -> Spec {
    resolve_reading(request, host, &|path, most| host.read_service_file(path, most), findings)
}

/// Likewise; `read` reads the file.
pub(crate) fn resolve_reading(
    request: Request,
    host: &dyn Host,
    read: ReadFile<'_>,
    findings: &mut Findings,
) -> Spec {
    let Request { given, file, ask, show_values, words } = request;
    if show_values && !matches!(ask, Some(Ask::Explain(_))) {
        findings.push(SpecError::ShowValues);
    }
    let mut applied = Applied::default();
    let source = match file {
        None => Source { file: None, passed_name: None, worker: worker_of_words(words, findings) },
        Some(path) => {
            let (file, ServiceFile { given, worker }) = read_service_file(path, read, findings);
            applied.apply_file(given, &file, host, findings);
            Source { file: Some(file), passed_name: passed_name(words, findings), worker }
        }
    };
    let untrusted = source.file.as_ref().filter(|file| is_untrusted(file, host));
    for given in given {
        let is_permitted = match (untrusted, &given.origin) {
            (Some(file), Origin::AfterFile) => gives_no_rights(&given, file, host, findings),
            _ => true,
        };
        if is_permitted {
            applied.apply(given, findings);
        }
    }
    applied.complete(source, findings)
}

/// Where the worker is defined, and the name that s6 adds to it.
struct Source {
    file: Option<SpecFile>,
    passed_name: Option<OsString>,
    worker: Option<WorkerCommand>,
}

/// The options so far: each is applied over those before it.
#[derive(Default)]
struct Applied {
    settings: Settings,
    /// The timing options in order, even those with invalid values.
    timing: Vec<Given>,
    /// The readiness options, likewise.
    readiness: Vec<Given>,
}

impl Applied {
    fn apply(&mut self, given: Given, findings: &mut Findings) {
        if findings.is_full() {
            return;
        }
        let applied = match given.literal() {
            Ok(Some(value)) => (given.flag.meaning.set)(&mut self.settings, &value),
            // its value depends on the environment
            Ok(None) => Ok(()),
            Err(invalid) => Err(invalid),
        };
        if let Err(invalid) = applied {
            findings.push(SpecError::Value { place: given.place(), shown: given.shown(), invalid });
        }
        match given.flag.meaning.key {
            Key::Pace(_) | Key::Loop(_) => self.timing.push(given),
            Key::Readiness(_) => self.readiness.push(given),
            Key::Launch(_) | Key::CommandLine(_) => {}
        }
    }

    /// Applies the settings of the file, except for privileges that its writers must not grant.
    fn apply_file(&mut self, given: Vec<Given>, file: &SpecFile, host: &dyn Host, findings: &mut Findings) {
        for given in given {
            self.apply(given, findings);
        }
        if is_untrusted(file, host) {
            let refusal = |what| TrustError::NamesRights { path: file.path.clone(), what };
            refuse_rights(&mut self.settings, host, refusal, findings);
        }
    }

    /// Checks the options against each other, and adds the defaults.
    fn complete(self, source: Source, findings: &mut Findings) -> Spec {
        let Applied { mut settings, timing, readiness } = self;
        log_options::check(&settings.log, findings);
        let stays = Stays::of(&timing);
        let timing = timing_options::spec(std::mem::take(&mut settings.timing), timing, findings);
        let readiness = readiness::spec(settings.ready.take(), readiness, stays, findings);
        spec(settings, source, Mode { stays, timing, readiness })
    }
}

/// When the worker runs, and when it is ready.
struct Mode {
    stays: Stays,
    timing: Option<TimingSpec>,
    readiness: ReadinessSpec,
}

/// Every setting, or its default. Destructured, so that no new setting is forgotten.
fn spec(settings: Settings, source: Source, mode: Mode) -> Spec {
    let Settings {
        name,
        service_dir,
        timing: _,
        ready: _,
        ready_timeout: _,
        gates,
        before,
        user,
        groups,
        home,
        chdir,
        directories,
        umask,
        no_new_privs,
        limits,
        keep_fds,
        environment,
        log,
        state_dir,
    } = settings;
    Spec {
        name,
        service_dir,
        passed_name: source.passed_name,
        file: source.file,
        // without one there is a finding, and nothing is launched
        worker: source.worker.unwrap_or_else(|| WorkerCommand::Program(Vec::new())),
        timing: mode.timing,
        stays: mode.stays,
        readiness: mode.readiness,
        gates,
        before,
        user,
        groups: groups.unwrap_or_default(),
        home,
        chdir,
        directories,
        directory_maker: DirectoryMaker::default(),
        umask,
        no_new_privs,
        limits,
        keep_fds,
        environment: environment_spec(environment),
        log_rules: log_options::rules(&log),
        log: log.target,
        state_dir,
    }
}

fn environment_spec(settings: EnvironmentSettings) -> EnvironmentSpec {
    let EnvironmentSettings {
        edits,
        files,
        no_env_file,
        directories,
        defaults,
        required,
        secrets,
        container,
        clear,
    } = settings;
    EnvironmentSpec {
        clear,
        container: container.unwrap_or_default(),
        config_env: !no_env_file,
        files,
        directories,
        defaults,
        edits,
        required,
        secrets,
    }
}

/// Whether a file could give its writers more rights than they have.
fn is_untrusted(file: &SpecFile, host: &dyn Host) -> bool {
    !file.is_root_owned && host.is_root()
}

/// Whether an option after a file that non-root users can write may be applied. Anyone who can create
/// a service directory chooses its name, and s6 passes that name here: even `--groups=root`.
fn gives_no_rights(given: &Given, file: &SpecFile, host: &dyn Host, findings: &mut Findings) -> bool {
    let mut alone = Settings::default();
    if (given.flag.meaning.set)(&mut alone, &given.value).is_err() {
        // reported when it is applied
        return true;
    }
    let before = findings.iter().count();
    let refusal = |what| TrustError::RightsAfter { path: file.path.clone(), what };
    refuse_rights(&mut alone, host, refusal, findings);
    findings.iter().count() == before
}

fn worker_of_words(words: Vec<OsString>, findings: &mut Findings) -> Option<WorkerCommand> {
    if words.first().is_none_or(|program| program == OsStr::new("")) {
        // if options are wrong too, the program may have been taken for a value
        findings.push(SpecError::NoProgram);
        return None;
    }
    Some(WorkerCommand::Program(words))
}

/// The name of the service, which s6 passes after `--file PATH`.
fn passed_name(words: Vec<OsString>, findings: &mut Findings) -> Option<OsString> {
    if let Some(word) = words.get(1) {
        findings.push(SpecError::TwoPrograms { word: escape::word(&word.to_string_lossy()).into_owned() });
    }
    words.into_iter().next()
}

fn read_service_file(path: PathBuf, read: ReadFile<'_>, findings: &mut Findings) -> (SpecFile, ServiceFile) {
    let (text, is_root_owned) = match read(&path, service_file::MAX_BYTES) {
        Ok(read) => read,
        Err(source) => {
            findings.push(ServiceFileError::Read { path: path.clone(), source });
            return (SpecFile { path, is_root_owned: false }, ServiceFile::default());
        }
    };
    let before = findings.iter().count();
    let file = service_file::parse(&path, &text, findings);
    if file.worker.is_none() && findings.iter().count() == before {
        findings.push(SpecError::NoWorker { path: path.display().to_string() });
    }
    (SpecFile { path, is_root_owned }, file)
}
