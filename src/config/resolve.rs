//! Request → [`Spec`]: the file, then the command line, then the defaults; options that contradict each other are
//! refused. The defaults of everything but the timing stand here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::SpecError;
use super::flags::Role;
use super::readiness;
use super::request::{Ask, Given, Origin, Request};
use super::rights::{TrustError, refuse_rights};
use super::service_file::{self, ServiceFile, ServiceFileError};
use super::settings::{Settings, Worker};
use super::spec::{EnvironmentSpec, Limits, LogRules, Spec, SpecFile, Stays};
use super::timing;
use super::value::ByteSize;
use crate::error::Findings;
use crate::escape;
use crate::machine::Host;

const LOG_MODE: u32 = 0o640;
const LOG_SIZE: ByteSize = ByteSize(10 << 20);
const LOG_KEEP: u32 = 5;

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
    if show_values && !matches!(ask, Some(Ask::Explain(_))) {
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
            findings.push(SpecError::Value { place: given.place(), shown: given.shown(), invalid });
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
