//! All that is looked at of one service.

use std::path::Path;

use super::executed::{Executed, leads_to};
use super::found::Found;
use super::{grace, now, run_file, user};
use crate::config::spec::Spec;
use crate::error::Problem;
use crate::machine::Host;
use crate::machine::Machine;
use crate::machine::ownership::is_roots;
use crate::observe::{Observer, Owner, Snapshot};
use crate::service::executable::{self, DirectoryKind};
use crate::service::layout;
use crate::service::script_outline::{self, Outline};
use crate::sys;
use crate::sys::nofollow;
use crate::trust::Script;

/// Where the service stands, for the looks that ask for it.
pub(super) struct Scene<'a> {
    pub(super) observer: &'a Observer,
    /// The supervisor's directory.
    pub(super) scan_dir: &'a Path,
}

pub(super) fn look(snapshot: &Snapshot, scene: &Scene<'_>) -> Vec<Found> {
    let observer = scene.observer;
    let mut found = Vec::new();
    // what is being worked on comes first
    let Some(directory) = snapshot.service.definition.as_ref().or(snapshot.service.live.as_ref()) else {
        return found;
    };
    match observer.trust().script(directory) {
        Err(error) => {
            let text = error.to_string();
            found.push(match (error.is_denied(), error.hint()) {
                (true, _) => Found::unseen(text, no_right(observer)),
                (false, Some(hint)) => Found::problem(text, &hint),
                (false, None) => Found::problem(text, "a service directory holds an executable file 'run'"),
            });
        }
        Ok(script) => {
            // what root may read of an interpreter is not for those who name it
            let started = script.act(|| start(snapshot, directory, scene));
            found.extend(started.unwrap_or_else(|error| vec![Found::problem(error.to_string(), UNREADABLE)]));
            // what nothing can read says nothing more
            let first_line = format!("{}:1: ", script.path.display());
            if !found.iter().any(|found| found.is_problem() && found.text.starts_with(&first_line)) {
                found.extend(script_of(snapshot, &script, directory, observer));
            }
        }
    }
    found.extend(writers(snapshot, observer));
    found.extend(files(snapshot, directory));
    found.extend(now::look(snapshot, scene));
    found.extend(snapshot.troubles.iter().map(|trouble| match trouble.ends_with("permission denied") {
        true => Found::unseen(trouble, no_right(observer)),
        false => Found::problem(trouble, UNREADABLE),
    }));
    found
}

/// Where the reasons are.
pub(super) const UNREADABLE: &str = "docs/troubleshooting.md#what-cannot-be-read";

/// What to do where a right is missing.
fn no_right(observer: &Observer) -> &'static str {
    match observer.is_root() {
        true => "root lacks the capability DAC_OVERRIDE here: ask as the owner of the file",
        false => "ask as root",
    }
}

/// What keeps the supervisor from executing the service's files.
fn start(snapshot: &Snapshot, directory: &Path, scene: &Scene<'_>) -> Vec<Found> {
    let look = |directory: &Path, role| -> Vec<Found> {
        executable::obstacles(directory, role, scene.observer.privileges())
            .into_iter()
            .map(Found::from)
            .collect()
    };
    let look_at_definition =
        || executable::scripts(directory).iter().flat_map(|path| definition(snapshot, path, scene)).collect();
    match &snapshot.service.live {
        Some(live) if leads_to(live, directory) => look(directory, DirectoryKind::Published),
        Some(live) => {
            let mut found: Vec<Found> = look_at_definition();
            found.extend(look(live, DirectoryKind::Published));
            found
        }
        None => {
            let mut found: Vec<Found> = look_at_definition();
            found.extend(volumes(scene.scan_dir, directory));
            found
        }
    }
}

/// A scan directory where nothing can be executed, and a definition that only a copy makes executable.
fn volumes(scan_dir: &Path, directory: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    if executable::is_on_noexec(scan_dir) {
        found.push(Found::from(executable::noexec(scan_dir)));
    }
    if executable::is_on_noexec(directory) {
        let text = format!(
            "{}: is on a volume that is mounted noexec: a hook that links it makes a service that cannot start",
            directory.display()
        );
        found.push(Found::note(text, "futo sync writes a run script of its own and is not affected"));
    }
    found
}

/// The same of a script of a definition.
fn definition(snapshot: &Snapshot, path: &Path, scene: &Scene<'_>) -> Vec<Found> {
    const MOST: usize = 64 << 10;
    let read = nofollow::open_regular_for(scene.observer.is_root(), path)
        .and_then(|file| sys::file::read_at_most(file, MOST));
    let executed = Executed::of(snapshot, &read.unwrap_or_default());
    let obstacles = executable::obstacles_of(path, DirectoryKind::Definition, scene.observer.privileges());
    obstacles.into_iter().map(|obstacle| executed.weigh(obstacle)).collect()
}

/// What the run script says, and what its words lead to.
fn script_of(snapshot: &Snapshot, script: &Script, directory: &Path, observer: &Observer) -> Vec<Found> {
    let place = script.path.display().to_string();
    if snapshot.owner == Owner::Other {
        return run_file::look_at_foreign(&place, &script.bytes, observer.starts_as_root());
    }
    let mut found = run_file::look(
        &place,
        &script.bytes,
        observer.starts_as_root(),
        Executed::of(snapshot, &script.bytes),
    );
    let outline = script_outline::read(&script.bytes);
    let words = match (script.words(), &outline) {
        (Ok(words), _) => words,
        (Err(_), Some(Outline { launcher: Ok(command), .. })) => command.words.clone(),
        _ => return found,
    };
    // another directory makes another plan
    if outline.as_ref().is_none_or(|outline| outline.changes_directory.is_none()) {
        let line = user::Line { script, words: words.clone(), before: outline };
        found.extend(user::look(snapshot, directory, line, observer));
    }
    found.extend(grace::look(words, &snapshot.service.name));
    found
}

/// Who may write what root executes may become root.
fn writers(snapshot: &Snapshot, observer: &Observer) -> Vec<Found> {
    let Some(live) = &snapshot.service.live else { return Vec::new() };
    if !observer.starts_as_root() {
        return Vec::new();
    }
    [layout::RUN, "finish", "log/run"]
        .into_iter()
        .map(|name| live.join(name))
        .filter(|path| path.exists() && !is_roots(path))
        .map(|path| {
            let text = format!(
                "{}: is writable by non-root users, and root executes it: they can become root",
                path.display()
            );
            Found::problem(
                text,
                "publish it with futo sync, or make it and every directory above it root-owned",
            )
        })
        .collect()
}

/// Files of the service directory that do not do what they seem to.
fn files(snapshot: &Snapshot, directory: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    if sys::file::exists(&directory.join("lock-fd")) {
        let text = format!("{}: is broken in s6 2.11 to 2.13.2", directory.join("lock-fd").display());
        found.push(Found::problem(text, "remove it: futo-launch holds no two workers at once"));
    }
    let has_logger = sys::file::exists(&directory.join("log").join(layout::RUN));
    if has_logger && let Some(path) = snapshot.log_path() {
        let place = directory.join("log");
        let text =
            format!("{}: its logger gets nothing, output goes to '{}'", place.display(), path.display());
        found.push(Found::note(text, "--log - hands the output to the logger"));
    }
    found
}

/// What a spec leaves to the directory in which it is read: options whose relative paths surprise.
pub(super) fn relative_paths(spec: &Spec) -> Vec<Found> {
    let mut found = Vec::new();
    let mut judge = |option: &str, path: &Path| {
        if path.is_relative() {
            let text = format!("--{option} '{}': counts from the service directory", path.display());
            found.push(Found::note(text, "write the whole path"));
        }
    };
    if let Some(crate::config::settings::LogTarget::File(path)) = &spec.log {
        judge("log", path);
    }
    if let Some(path) = &spec.state_dir {
        judge("state-dir", path);
    }
    if let Some(path) = &spec.chdir {
        judge("chdir", path);
    }
    found
}

/// Whether this process may look with the rights of the service's user.
pub(super) fn may_see_as_user(snapshot: &Snapshot) -> bool {
    let Some(plan) = &snapshot.plan else { return true };
    Machine.is_root() || plan.identity.uid == nix::unistd::geteuid()
}
