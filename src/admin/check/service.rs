//! All checks of one service.

use std::path::Path;

use super::as_user::{LauncherLine, check_as_user};
use super::executed::{Executed, leads_to};
use super::finding::CheckFinding;
use super::grace::check_grace;
use super::run_file::{check_foreign_text, check_text};
use super::scene::{Scene, UNREADABLE, hint_of_denied};
use super::state::check_state;
use crate::error::Problem;
use crate::machine::ownership::is_root_owned;
use crate::observe::{Owner, Snapshot};
use crate::service::executable::{self, DirectoryKind, Obstacle};
use crate::service::layout;
use crate::service::script_outline::{self, Outline};
use crate::shell_quote::operand;
use crate::sys;
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;
use crate::trust::Script;

/// All findings about a service.
pub(super) fn check_service(snapshot: &Snapshot, scene: Scene<'_>) -> Vec<CheckFinding> {
    let observer = scene.observer;
    let denied = hint_of_denied(observer.caller());
    // the definition, which people edit, comes first
    let Some(directory) = snapshot.service.definition.as_ref().or(snapshot.service.live.as_ref()) else {
        return Vec::new();
    };
    let mut found = match observer.trust().script(directory) {
        Ok(script) => check_script(snapshot, &script, directory, scene),
        Err(error) => vec![match (error.is_denied(), error.hint()) {
            (true, _) => CheckFinding::unseen(error.to_string(), denied),
            (false, Some(hint)) => CheckFinding::problem(error.to_string(), &hint),
            (false, None) => {
                CheckFinding::problem(error.to_string(), "a service directory needs an executable file 'run'")
            }
        }],
    };
    found.extend(check_writers(snapshot, scene));
    found.extend(check_files(snapshot, directory));
    found.extend(check_state(snapshot, scene));
    found.extend(snapshot.troubles.iter().map(|trouble| match trouble.is_permission_denied() {
        true => CheckFinding::unseen(&trouble.text, denied),
        false => CheckFinding::problem(&trouble.text, UNREADABLE),
    }));
    found
}

fn check_script(
    snapshot: &Snapshot,
    script: &Script,
    directory: &Path,
    scene: Scene<'_>,
) -> Vec<CheckFinding> {
    // users must not learn through an interpreter line what root can read
    let mut found = match script.act(|| check_execution(snapshot, script, directory, scene)) {
        Ok(Execution { found, is_hopeless: true }) => return found,
        Ok(Execution { found, is_hopeless: false }) => found,
        Err(error) => vec![CheckFinding::problem(error.to_string(), UNREADABLE)],
    };
    let place = script.path.display().to_string();
    let starter = scene.observer.privileges().starter;
    if snapshot.owner == Owner::Other {
        found.extend(check_foreign_text(&place, &script.bytes, starter));
        return found;
    }
    found.extend(check_text(&place, &script.bytes, starter, Executed::of(snapshot, &script.bytes)));
    let outline = script_outline::read(&script.bytes);
    let words = match (script.words(), &outline) {
        (Ok(words), _) => words,
        (Err(_), Some(Outline { launcher: Ok(command), .. })) => command.words.clone(),
        _ => return found,
    };
    // in another directory the plan would be another
    if outline.as_ref().is_none_or(|outline| outline.changes_directory.is_none()) {
        let line = LauncherLine { script, words: words.clone(), before: outline };
        found.extend(check_as_user(snapshot, directory, line, scene.observer));
    }
    found.extend(check_grace(words, &snapshot.service.name));
    found
}

/// What keeps the supervisor from executing the files of a service.
#[derive(Default)]
struct Execution {
    found: Vec<CheckFinding>,
    /// Nothing can execute the run script: its content does not matter.
    is_hopeless: bool,
}

fn check_execution(snapshot: &Snapshot, script: &Script, directory: &Path, scene: Scene<'_>) -> Execution {
    let mut execution = Execution::default();
    let mut add = |obstacle: Obstacle, executed: Executed| {
        let is_first_line = obstacle.is_first_line_of(&script.path);
        let found = executed.weigh(obstacle);
        execution.is_hopeless |= is_first_line && found.is_problem();
        execution.found.push(found);
    };
    let is_linked = snapshot.service.live.as_ref().is_some_and(|live| leads_to(live, directory));
    if !is_linked {
        for path in executable::scripts(directory) {
            let executed = how_executed(snapshot, &path, scene);
            for obstacle in
                executable::obstacles_of(&path, DirectoryKind::Definition, scene.observer.privileges())
            {
                add(obstacle, executed);
            }
        }
    }
    match &snapshot.service.live {
        Some(live) => {
            let live = if is_linked { directory } else { live };
            executable::obstacles(live, DirectoryKind::Published, scene.observer.privileges())
                .into_iter()
                .for_each(|obstacle| add(obstacle, Executed::AsIs));
        }
        None => execution.found.extend(check_volumes(scene.scan_dir, directory)),
    }
    execution
}

/// A scan directory where nothing can be executed, and a definition that only a copy makes executable.
fn check_volumes(scan_dir: &Path, directory: &Path) -> Vec<CheckFinding> {
    let mut found = Vec::new();
    if executable::is_on_noexec(scan_dir) {
        found.push(CheckFinding::from(executable::noexec(scan_dir)));
    }
    if executable::is_on_noexec(directory) {
        let text = format!(
            "{}: is on a volume that is mounted noexec: if a hook links it, the service cannot start",
            directory.display()
        );
        found.push(CheckFinding::note(text, "futo sync writes a run script of its own and is not affected"));
    }
    found
}

/// Whether a script of a definition is executed as it is.
fn how_executed(snapshot: &Snapshot, path: &Path, scene: Scene<'_>) -> Executed {
    const MOST: usize = 64 << 10;
    let read = nofollow::open_regular_for(scene.observer.caller(), path)
        .and_then(|file| sys::file::read_at_most(file, MOST));
    Executed::of(snapshot, &read.unwrap_or_default())
}

/// Anyone who can write what root executes can become root.
fn check_writers(snapshot: &Snapshot, scene: Scene<'_>) -> Vec<CheckFinding> {
    let Some(live) = &snapshot.service.live else { return Vec::new() };
    if scene.observer.privileges().starter == Privilege::User {
        return Vec::new();
    }
    [layout::RUN, layout::FINISH, layout::LOG_RUN]
        .into_iter()
        .map(|name| live.join(name))
        .filter(|path| path.exists() && !is_root_owned(path))
        .map(|path| {
            let text = format!(
                "{}: is writable by non-root users, and root executes it: they can become root",
                path.display()
            );
            CheckFinding::problem(
                text,
                "publish it with futo sync, or make it and every directory above it root-owned",
            )
        })
        .collect()
}

/// Files of the service directory that are not effective.
fn check_files(snapshot: &Snapshot, directory: &Path) -> Vec<CheckFinding> {
    let mut found = Vec::new();
    let kept = directory.join(layout::RUN_BEFORE);
    if sys::file::exists(&kept) {
        let text = format!("{}: is the run file before futo convert", kept.display());
        let hint =
            format!("remove it, or put it back: futo convert --undo {}", operand(&snapshot.service.name));
        found.push(CheckFinding::note(text, &hint));
    }
    if sys::file::exists(&directory.join("lock-fd")) {
        let text = format!("{}: is broken in s6 2.11 to 2.13.2", directory.join("lock-fd").display());
        found.push(CheckFinding::problem(text, "remove it: futo-launch never runs two workers at once"));
    }
    let has_logger = sys::file::exists(&directory.join("log").join(layout::RUN));
    if has_logger && let Some(path) = snapshot.log_path() {
        let place = directory.join("log");
        let text = format!(
            "{}: its logger receives nothing, because output goes to '{}'",
            place.display(),
            path.display()
        );
        found.push(CheckFinding::note(text, "--log - sends the output to the logger"));
    }
    found
}
