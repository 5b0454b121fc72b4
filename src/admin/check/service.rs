//! All that is looked at of one service.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::found::Found;
use super::{run_file, user};
use crate::config::spec::Spec;
use crate::config::value::Delay;
use crate::error::{Findings, reason_of};
use crate::observe::state::{State, judge};
use crate::observe::{Machinery, Seen, Supervision, run_script_of, words_of};
use crate::plan::{Host, Machine, trust};
use crate::service::layout;
use crate::{cli, sys};

/// What s6-overlay waits for at most before it kills, unless told otherwise.
const OVERLAYS_GRACE: Delay = Delay::from_secs(3);

pub(super) fn look(seen: &Seen, machinery: &Machinery) -> Vec<Found> {
    let mut found = Vec::new();
    // what is being worked on comes first
    let Some(directory) = seen.service.definition.as_ref().or(seen.service.live.as_ref()) else {
        return found;
    };
    match run_script_of(machinery.is_root(), directory) {
        Err((path, error)) => {
            let text = format!("unable to read '{}': {}", path.display(), reason_of(&error));
            found.push(match error.kind() {
                std::io::ErrorKind::PermissionDenied => Found::unseen(text, "ask as root"),
                _ => Found::problem(text, "a service directory holds an executable file 'run'"),
            });
        }
        Ok((path, script)) => {
            found.extend(mode(&path));
            found.extend(run_file::look(&path.display().to_string(), &script, machinery.starts_as_root()));
            if let Ok(words) = words_of(&script) {
                found.extend(user::look(seen, directory, words.clone(), machinery));
                found.extend(grace(words, &seen.service.name));
            }
        }
    }
    found.extend(writers(seen, machinery));
    found.extend(files(seen, directory));
    found.extend(now(seen));
    found.extend(seen.troubles.iter().map(|trouble| {
        match trouble.ends_with("permission denied") && !machinery.is_root() {
            true => Found::unseen(trouble, "ask as root"),
            false => Found::problem(trouble, "see docs/troubleshooting.md"),
        }
    }));
    found
}

fn mode(path: &Path) -> Option<Found> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let place = path.display();
    (mode & 0o111 == 0).then(|| {
        let text =
            format!("{place}: is not executable (mode {:04o}): s6 tries it each second", mode & 0o7777);
        Found::problem(text, &format!("chmod +x {place}"))
    })
}

/// A grace that the container's end cuts short.
fn grace(words: Vec<std::ffi::OsString>, name: &str) -> Option<Found> {
    let overlay = Path::new("/run/s6/container_environment");
    let is_overlay = sys::file::exists(overlay) || sys::file::exists(Path::new("/package/admin/s6-overlay"));
    if !is_overlay {
        return None;
    }
    let set = sys::file::open_regular(&overlay.join("S6_SERVICES_GRACETIME"), OFlag::O_NOFOLLOW)
        .and_then(|file| sys::file::read_at_most(file, 64));
    let milliseconds = set.map(|bytes| format!("{}ms", String::from_utf8_lossy(&bytes).trim()));
    let theirs =
        milliseconds.ok().and_then(|text| Delay::parse_or_zero(&text).ok()).unwrap_or(OVERLAYS_GRACE);
    let mut findings = Findings::default();
    let request = cli::parse(words, &mut findings);
    let given = request.given.iter().rfind(|given| given.flag.long == "grace")?;
    let ours = Delay::parse_or_zero(&given.value.to_string_lossy()).ok()?;
    (ours > theirs).then(|| {
        let text = format!("--grace {ours}: at the container's end s6-overlay kills '{name}' after {theirs}");
        Found::problem(text, "set S6_SERVICES_GRACETIME, in milliseconds, in the container's environment")
    })
}

/// Who may write what root executes may become root.
fn writers(seen: &Seen, machinery: &Machinery) -> Vec<Found> {
    let Some(live) = &seen.service.live else { return Vec::new() };
    if !machinery.starts_as_root() {
        return Vec::new();
    }
    [layout::RUN, "finish", "log/run"]
        .into_iter()
        .map(|name| live.join(name))
        .filter(|path| path.exists() && !trust::is_roots(path))
        .map(|path| {
            let text = format!(
                "{}: others than root can write it, and root executes it: they can become root",
                path.display()
            );
            Found::problem(text, "publish it with futo sync, or make it and every directory above it root's")
        })
        .collect()
}

/// Files of the service directory that do not do what they seem to.
fn files(seen: &Seen, directory: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    if sys::file::exists(&directory.join("lock-fd")) {
        let text = format!("{}: is broken in s6 2.11 to 2.13.2", directory.join("lock-fd").display());
        found.push(Found::problem(text, "remove it: futo-launch holds no two workers at once"));
    }
    let has_logger = sys::file::exists(&directory.join("log").join(layout::RUN));
    if has_logger && let Some(path) = seen.log_path() {
        let place = directory.join("log");
        let text =
            format!("{}: its logger gets nothing, output goes to '{}'", place.display(), path.display());
        found.push(Found::note(text, "--log - hands the output to the logger"));
    }
    found
}

/// What is wrong at this moment.
fn now(seen: &Seen) -> Vec<Found> {
    let name = &seen.service.name;
    let mut found = Vec::new();
    let (state, why) = judge(seen, sys::clock::wall_now());
    let why = why.unwrap_or_default();
    match state {
        State::NotPublished => {
            found.push(Found::problem(
                "is not published: no supervisor knows of it",
                "futo sync publishes it, as root",
            ));
        }
        State::Unsupervised => {
            found.push(Found::problem("is published, and no supervisor runs", "s6-svscanctl -a, as root"));
        }
        State::Crashing => {
            let hint = format!(
                "the reason is in its log: futo logs {name}; once in the foreground: futo try {name}"
            );
            found.push(Found::problem(format!("is crashing: {why}"), &hint));
        }
        State::Failing => {
            let hint = format!("its process is up, its worker fails: futo logs {name}, futo try {name}");
            found.push(Found::problem(format!("is failing: {why}"), &hint));
        }
        State::Resting => {
            let hint = format!("mend that, and it goes on by itself; or futo run-now {name}");
            found.push(Found::problem(format!("is resting: {why}"), &hint));
        }
        State::CannotStart => {
            found.push(Found::problem(
                format!("cannot be started: {why}"),
                "s6-supervise reports the system's reason on s6-svscan's stderr",
            ));
        }
        State::Overdue => {
            let hint =
                format!("its log may have the reason: futo logs {name}; futo restart {name} starts it over");
            found.push(Found::problem(format!("is overdue: {why}"), &hint));
        }
        State::NotReady => {
            let hint = format!("its log may have the reason: futo logs {name}");
            found.push(Found::problem(format!("is not ready: {why}"), &hint));
        }
        State::GaveUp => {
            found.push(Found::problem(
                format!("is down, and nobody wants it so: {why}"),
                &format!("futo start {name}"),
            ));
        }
        State::Unknown => {
            let hint = "root may read it, and members of the group that it has been delegated to";
            found.push(Found::unseen(why, hint));
        }
        State::Restarting
        | State::Starting
        | State::Paused
        | State::Gated
        | State::Running
        | State::Waiting
        | State::Done
        | State::Up
        | State::Down => {}
    }
    found.extend(older_launcher(seen));
    if let Supervision::Known(status) = &seen.supervision
        && status.is_paused
    {
        found.push(Found::problem("is paused (SIGSTOP)", &format!("s6-svc -c, or futo restart {name}")));
    }
    found
}

/// A launcher whose binary has been replaced runs on until its service is restarted.
fn older_launcher(seen: &Seen) -> Option<Found> {
    let pid = seen.status()?.pid?;
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let replaced = program.to_string_lossy().strip_suffix(" (deleted)").map(String::from)?;
    replaced.ends_with("/futo-launch").then(|| {
        let text = format!("pid {pid} is an older launcher: '{replaced}' has been replaced since");
        Found::note(text, &format!("futo restart {}", seen.service.name))
    })
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
pub(super) fn may_see_as_user(seen: &Seen) -> bool {
    let Some(plan) = &seen.plan else { return true };
    Machine.is_root() || plan.identity.uid == nix::unistd::geteuid()
}
