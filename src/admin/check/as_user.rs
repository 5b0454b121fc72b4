//! The checks made with the ids of the worker's user: variables, program, directory, log.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::AccessFlags;

use super::finding::{CheckFinding, Weight};
use super::log::{check_log, check_volumes};
use super::streams::check_streams;
use crate::config::Spec;
use crate::config::settings::LogTarget;
use crate::error::{Findings, reason};
use crate::machine::{Host, Machine};
use crate::observe::{Observer, Snapshot, with_supervisor_environment};
use crate::plan::{Change, Draft, Plan};
use crate::ready::environment::Environment;
use crate::ready::program;
use crate::service::script_outline::Outline;
use crate::service::supervision::Suite;
use crate::trust::Script;
use crate::{ready, sys};

/// Programs whose first operand is a file.
const INTERPRETERS: [&str; 10] =
    ["python", "python3", "sh", "bash", "dash", "node", "perl", "ruby", "php", "lua"];

/// The launcher's arguments, and what a longer run script does before it.
pub(super) struct LauncherLine<'l> {
    pub(super) script: &'l Script,
    pub(super) words: Vec<OsString>,
    pub(super) before: Option<Outline>,
}

pub(super) fn check_as_user(
    snapshot: &Snapshot,
    directory: &Path,
    line: LauncherLine<'_>,
    observer: &Observer,
) -> Vec<CheckFinding> {
    if !can_act_as_user(snapshot) {
        let text = "variables, program, directory and log were not checked with the permissions of the service's user";
        return vec![CheckFinding::unseen(text, "run this as root, or as that user")];
    }
    let unable = |why: &dyn Display| {
        let text = format!("unable to enter '{}': {why}", directory.display());
        vec![CheckFinding::problem(text, "the worker's user must be able to search it")]
    };
    let opened = match observer.trust().open(directory) {
        Ok(opened) => opened,
        Err(error) => return unable(&error),
    };
    let before = match nix::dir::Dir::open(".", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(before) => before,
        Err(errno) => return unable(&reason(errno)),
    };
    let found = match opened.enter() {
        Ok(()) => {
            with_supervisor_environment(|| with_exports(line, |line| check_in_directory(snapshot, line)))
        }
        Err(errno) => return unable(&reason(errno)),
    };
    match nix::unistd::fchdir(&before) {
        Ok(()) => found,
        Err(errno) => unable(&reason(errno)),
    }
}

/// With the variables that the run script exports before the launcher.
fn with_exports<T>(mut line: LauncherLine<'_>, check: impl FnOnce(LauncherLine<'_>) -> T) -> T {
    let inherited = Machine.environment();
    let value = |name: &str| {
        let found = inherited.iter().rfind(|(each, _)| each == name);
        found.map(|(_, value)| value.as_encoded_bytes())
    };
    let exports = line.before.take().map(|outline| outline.exports(&value)).unwrap_or_default();
    let all = inherited.iter().chain(&exports).map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    sys::environ::with_environment(all, |_| check(line))
}

fn check_in_directory(snapshot: &Snapshot, line: LauncherLine<'_>) -> Vec<CheckFinding> {
    let mut findings = Findings::default();
    let mut relative = Vec::new();
    let name = |spec: &mut Spec| {
        spec.passed_name.get_or_insert_with(|| snapshot.service.name.clone().into());
        relative = relative_paths(spec);
    };
    let (draft, opener) = line.script.plan(line.words, &Machine, name, &mut findings);
    if draft.plan().change == Change::Unknown {
        return findings.iter().map(CheckFinding::from).chain(relative).collect();
    }
    let before = findings.clone();
    match opener.act(|| check_plan(snapshot, &draft, findings, relative)) {
        Ok(found) => found,
        Err(error) => {
            before.iter().map(CheckFinding::from).chain([CheckFinding::from(&error.into())]).collect()
        }
    }
}

/// With the ids of the worker's user, who can neither stop nor trace this process.
fn check_plan(
    snapshot: &Snapshot,
    draft: &Draft,
    mut findings: Findings,
    relative: Vec<CheckFinding>,
) -> Vec<CheckFinding> {
    let plan = draft.plan();
    let (environment, _) = ready::inspect(draft, &mut findings);
    let mut found: Vec<CheckFinding> = findings.iter().map(CheckFinding::from).collect();
    found.extend(
        environment.quirks().map(|quirk| CheckFinding { weight: Weight::Note, ..CheckFinding::from(&quirk) }),
    );
    found.extend(relative);
    // only s6 knows readiness
    if snapshot.status().is_none_or(|status| status.suite == Suite::S6) {
        found.extend(ready::readiness::unheard(plan).iter().map(CheckFinding::from));
    }
    let script_path = script_path(plan, &environment);
    found.extend(script_path.as_deref().and_then(|path| script(plan, path)));
    found.extend(check_streams(plan, &environment, script_path.as_deref()));
    found.extend(zone(&environment));
    found.extend(check_log(plan));
    found.extend(check_volumes(plan));
    found
}

/// The script that an interpreter is given.
fn script_path(plan: &Plan, environment: &Environment) -> Option<PathBuf> {
    let mut words = plan.program.iter();
    let interpreter = Path::new(words.next()?).file_name()?.to_str()?;
    if !INTERPRETERS.contains(&interpreter) || program::find(plan, environment).is_err() {
        return None;
    }
    // an option may be followed by its value, a program text or a module
    let script = Path::new(words.next()?);
    let is_option = script.as_os_str().as_encoded_bytes().starts_with(b"-");
    let directory = plan.chdir.as_deref().unwrap_or(&plan.directory);
    (!is_option).then(|| directory.join(script))
}

/// Why the script of an interpreter cannot be read.
fn script(plan: &Plan, path: &Path) -> Option<CheckFinding> {
    let errno = sys::file::may(path, AccessFlags::R_OK).err()?;
    let directory = plan.chdir.as_deref().unwrap_or(&plan.directory);
    let script = Path::new(plan.program.get(1)?);
    let place = program::refusing_component(path);
    let (text, hint) = match (errno, place) {
        (Errno::ENOENT, _) if script.is_relative() => (
            format!("unable to read '{}': not found in '{}'", script.display(), directory.display()),
            "write its absolute path, or set its directory with --chdir".to_string(),
        ),
        (errno, None) => (
            format!("unable to read '{}': {}", path.display(), reason(errno)),
            "the worker's user must be able to read it".to_string(),
        ),
        (errno, Some(component)) => (
            format!("unable to read '{}': {} at '{}'", path.display(), reason(errno), component.display()),
            "move it to a place that the worker's user can read".to_string(),
        ),
    };
    Some(CheckFinding::problem(text, &hint))
}

/// A time zone that libc silently takes for UTC.
fn zone(environment: &Environment) -> Option<CheckFinding> {
    const ZONES: &str = "/usr/share/zoneinfo";
    let zone = environment.get("TZ")?.to_str()?;
    let name = zone.strip_prefix(':').unwrap_or(zone);
    // UTC0, CET-1CEST: rules, not names
    if !name.contains('/') || name.starts_with('/') {
        return None;
    }
    if !Path::new(ZONES).is_dir() {
        let text = format!("TZ is set, but there is no time zone data in {ZONES}: programs silently use UTC");
        return Some(CheckFinding::note(text, "install tzdata in the image"));
    }
    (!Path::new(ZONES).join(name).is_file()).then(|| {
        let text = format!("TZ is not a time zone of {ZONES}: programs silently use UTC");
        CheckFinding::problem(text, "write Asia/Tokyo, for instance")
    })
}

/// Options whose paths are relative to the service directory, which may be a surprise.
fn relative_paths(spec: &Spec) -> Vec<CheckFinding> {
    let mut found = Vec::new();
    let mut note = |option: &str, path: &Path| {
        if path.is_relative() {
            let text = format!("--{option} '{}': is relative to the service directory", path.display());
            found.push(CheckFinding::note(text, "write an absolute path"));
        }
    };
    if let Some(LogTarget::File(path)) = &spec.log {
        note("log", path);
    }
    if let Some(path) = &spec.state_dir {
        note("state-dir", path);
    }
    if let Some(path) = &spec.chdir {
        note("chdir", path);
    }
    spec.directories.iter().for_each(|directory| note("mkdir", &directory.path));
    found
}

/// Whether this process can act with the rights of the service's user.
fn can_act_as_user(snapshot: &Snapshot) -> bool {
    let Some(plan) = &snapshot.plan else { return true };
    Machine.is_root() || plan.identity.uid == nix::unistd::geteuid()
}
