//! What is looked at with the ids of the worker's user: variables, program, directory, log.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag};
use nix::sys::statvfs::statvfs;
use nix::unistd::AccessFlags;

use super::found::Found;
use super::service::{may_see_as_user, relative_paths};
use super::streams;
use crate::config::Spec;
use crate::error::{Findings, reason};
use crate::log::remedy;
use crate::machine::Host;
use crate::machine::Machine;
use crate::observe::{Observer, Snapshot, with_supervisor_environment};
use crate::plan::{Change, Draft, LogPlan, Plan};
use crate::ready::environment::Environment;
use crate::ready::program;
use crate::service::script_outline::Outline;
use crate::service::supervision::Suite;
use crate::trust::Script;
use crate::{ready, sys};

/// Less than this is as good as full.
const LITTLE: u64 = 1 << 20;
/// Programs whose first operand is a file.
const INTERPRETERS: [&str; 10] =
    ["python", "python3", "sh", "bash", "dash", "node", "perl", "ruby", "php", "lua"];

/// The launcher's words, and what a longer run script does before them.
pub(super) struct Line<'l> {
    pub(super) script: &'l Script,
    pub(super) words: Vec<OsString>,
    pub(super) before: Option<Outline>,
}

pub(super) fn look(snapshot: &Snapshot, directory: &Path, line: Line<'_>, observer: &Observer) -> Vec<Found> {
    if !may_see_as_user(snapshot) {
        let text =
            "variables, program, directory and log were not looked at with the rights of the service's user";
        return vec![Found::unseen(text, "ask as root, or as that user")];
    }
    let unable = |why: &dyn Display| {
        let text = format!("unable to look into '{}': {why}", directory.display());
        vec![Found::problem(text, "the worker's user must be able to search it")]
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
        Ok(()) => with_supervisor_environment(|| with_exports(line, |line| look_inside(snapshot, line))),
        Err(errno) => return unable(&reason(errno)),
    };
    match nix::unistd::fchdir(&before) {
        Ok(()) => found,
        Err(errno) => unable(&reason(errno)),
    }
}

/// With the variables that the run script exports before the launcher.
fn with_exports<T>(mut line: Line<'_>, look: impl FnOnce(Line<'_>) -> T) -> T {
    let inherited = Machine.environment();
    let value = |name: &str| {
        let found = inherited.iter().rfind(|(each, _)| each == name);
        found.map(|(_, value)| value.as_encoded_bytes())
    };
    let exports = line.before.take().map(|outline| outline.exports(&value)).unwrap_or_default();
    let all = inherited.iter().chain(&exports).map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    sys::environ::with_environment(all, |_| look(line))
}

fn look_inside(snapshot: &Snapshot, line: Line<'_>) -> Vec<Found> {
    let mut findings = Findings::default();
    let mut relative = Vec::new();
    let name = |spec: &mut Spec| {
        spec.passed_name.get_or_insert_with(|| snapshot.service.name.clone().into());
        relative = relative_paths(spec);
    };
    let (draft, opener) = line.script.plan(line.words, &Machine, name, &mut findings);
    if draft.plan().change == Change::Unknown {
        return findings.iter().map(Found::from).chain(relative).collect();
    }
    let before = findings.clone();
    match opener.act(|| look_as_user(snapshot, &draft, findings, relative)) {
        Ok(found) => found,
        Err(error) => before.iter().map(Found::from).chain([Found::from(&error.into())]).collect(),
    }
}

/// With the ids of the worker's user, who can neither stop nor trace this process.
fn look_as_user(
    snapshot: &Snapshot,
    draft: &Draft,
    mut findings: Findings,
    relative: Vec<Found>,
) -> Vec<Found> {
    let plan = draft.plan();
    let (environment, _) = ready::inspect(draft, &mut findings);
    let mut found: Vec<Found> = findings.iter().map(Found::from).collect();
    found.extend(
        environment
            .quirks()
            .map(|oddity| Found { weight: super::found::Weight::Note, ..Found::from(&oddity) }),
    );
    found.extend(relative);
    // other suites have no readiness, with or without the file
    if snapshot.status().is_none_or(|status| status.suite == Suite::S6) {
        found.extend(ready::readiness::unheard(plan).iter().map(Found::from));
    }
    let script_path = script_path(plan, &environment);
    found.extend(script_path.as_deref().and_then(|path| script(plan, path)));
    found.extend(streams::look(plan, &environment, script_path.as_deref()));
    found.extend(zone(&environment));
    found.extend(log(plan));
    found.extend(full_volumes(plan));
    found
}

/// The script that an interpreter is given.
fn script_path(plan: &Plan, environment: &Environment) -> Option<PathBuf> {
    let mut words = plan.program.iter();
    let interpreter = Path::new(words.next()?).file_name()?.to_str()?;
    if !INTERPRETERS.contains(&interpreter) || program::find(plan, environment).is_err() {
        return None;
    }
    // behind an option comes maybe its value, a program text or a module
    let script = Path::new(words.next()?);
    let is_option = script.as_os_str().as_encoded_bytes().starts_with(b"-");
    let directory = plan.chdir.as_deref().unwrap_or(&plan.directory);
    (!is_option).then(|| directory.join(script))
}

/// Why it cannot be read.
fn script(plan: &Plan, path: &Path) -> Option<Found> {
    let errno = sys::file::may(path, AccessFlags::R_OK).err()?;
    let directory = plan.chdir.as_deref().unwrap_or(&plan.directory);
    let script = Path::new(plan.program.get(1)?);
    let place = program::refusing_component(path);
    let (text, hint) = match (errno, place) {
        (Errno::ENOENT, _) if script.is_relative() => (
            format!("unable to read '{}': not found in '{}'", script.display(), directory.display()),
            "write its whole path, or say with --chdir where it is".to_string(),
        ),
        (errno, None) => (
            format!("unable to read '{}': {}", path.display(), reason(errno)),
            "the worker's user must be able to read it".to_string(),
        ),
        (errno, Some(component)) => (
            format!("unable to read '{}': {} at '{}'", path.display(), reason(errno), component.display()),
            "move it to where the worker's user may read it".to_string(),
        ),
    };
    Some(Found::problem(text, &hint))
}

/// A time zone that libc would take for UTC without a word.
fn zone(environment: &Environment) -> Option<Found> {
    const ZONES: &str = "/usr/share/zoneinfo";
    let zone = environment.get("TZ")?.to_str()?;
    let name = zone.strip_prefix(':').unwrap_or(zone);
    // UTC0, CET-1CEST: rules, not names
    if !name.contains('/') || name.starts_with('/') {
        return None;
    }
    if !Path::new(ZONES).is_dir() {
        let text = format!("TZ is set and there is no zone data in {ZONES}: programs that ask libc get UTC");
        return Some(Found::note(text, "install tzdata in the image"));
    }
    (!Path::new(ZONES).join(name).is_file()).then(|| {
        let text = format!("TZ names no zone of {ZONES}: programs silently use UTC");
        Found::problem(text, "Asia/Tokyo, for instance")
    })
}

/// Whether the log can be written, as far as can be seen without making anything.
fn log(plan: &Plan) -> Vec<Found> {
    let LogPlan::File(path) = &plan.log else { return Vec::new() };
    let path = plan.directory.join(path);
    let mut found = Vec::new();
    let above = existing_directory(&path);
    let may_write = sys::file::may(&above, AccessFlags::W_OK | AccessFlags::X_OK);
    let (uid, gid) = (plan.identity.uid, plan.identity.gid);
    let owner = || match plan.identity.name.as_deref() {
        Some(name) => name.to_string(),
        None => plan.identity.uid.to_string(),
    };
    match may_be_log(&path) {
        Ok(()) => {}
        Err(Errno::ENOENT) => {
            if let Err(errno) = may_write {
                let text = format!(
                    "log '{}' cannot be made: {} at '{}'",
                    path.display(),
                    reason(errno),
                    program::refusing_component(&above.join("x")).unwrap_or(above.clone()).display()
                );
                let directory = path.parent().unwrap_or(Path::new("/"));
                let hint = remedy::for_unwritable(directory, uid, gid);
                found.push(Found::problem(text, &hint));
            }
        }
        Err(Errno::EACCES) if may_write.is_ok() => {
            let text = format!(
                "log '{}' cannot be written by {}: the launcher renames it and begins a new one",
                path.display(),
                owner()
            );
            found.push(Found::note(text, &format!("it needs nothing; {}", remedy::move_away(&path, uid))));
        }
        Err(errno) => {
            let text = format!("log '{}' cannot be written: {}", path.display(), refusal(errno));
            found.push(Found::problem(text, &remedy::for_unwritable(&path, uid, gid)));
        }
    }
    found
}

/// Whether a file may be appended to, found without opening it: to open some devices is to do something.
fn may_be_log(path: &Path) -> Result<(), Errno> {
    let status = nix::sys::stat::lstat(path)?;
    match sys::file::kind(&status) {
        SFlag::S_IFREG => sys::file::may(path, AccessFlags::W_OK),
        SFlag::S_IFLNK => Err(Errno::ELOOP),
        SFlag::S_IFIFO => Err(Errno::ENXIO),
        SFlag::S_IFDIR => Err(Errno::EISDIR),
        _ => Err(Errno::ENODEV),
    }
}

/// Volumes of the log and of the run record on which nothing more can be written.
fn full_volumes(plan: &Plan) -> Vec<Found> {
    let log = match &plan.log {
        LogPlan::File(path) => Some(path.clone()),
        LogPlan::Inherited => None,
    };
    let record = plan.state_dir.as_ref().map(|directory| directory.join("record"));
    let mut looked_at = Vec::new();
    let mut found = Vec::new();
    for path in log.into_iter().chain(record) {
        let above = existing_directory(&plan.directory.join(path));
        let Ok(volume) = statvfs(&above) else { continue };
        if looked_at.contains(&volume.filesystem_id()) {
            continue;
        }
        looked_at.push(volume.filesystem_id());
        // the fields are as wide as the machine's words
        #[allow(clippy::useless_conversion, reason = "not on every target")]
        let left = u64::from(volume.blocks_available()).saturating_mul(u64::from(volume.fragment_size()));
        if left < LITTLE || (volume.files() > 0 && volume.files_available() == 0) {
            let text = format!("the volume of '{}' is full: {left} bytes are left", above.display());
            found.push(Found::problem(text, "make room: df -h, df -i"));
        }
    }
    found
}

fn refusal(errno: Errno) -> String {
    match errno {
        Errno::ELOOP => "it is a symbolic link".to_string(),
        // a FIFO without a reader
        Errno::ENXIO => "it is a FIFO, not a regular file".to_string(),
        Errno::EISDIR => "it is a directory, not a regular file".to_string(),
        Errno::ENODEV => "it is a device or a socket, not a regular file".to_string(),
        errno => reason(errno),
    }
}

/// The nearest directory above that is there, or cannot be seen.
fn existing_directory(path: &Path) -> PathBuf {
    let is_there =
        |path: &&Path| path.as_os_str() != OsStr::new("") && sys::file::look_for(path) != Err(Errno::ENOENT);
    path.ancestors().skip(1).find(is_there).unwrap_or(Path::new("/")).to_path_buf()
}
