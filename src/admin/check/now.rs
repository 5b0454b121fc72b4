//! What is wrong with a service at this moment, as far as its supervisor and its record tell.

use std::path::{Component, Path, PathBuf};

use super::found::{Found, Weight};
use super::service::{Scene, UNREADABLE};
use crate::boot::definitions;
use crate::error::Finding;
use crate::observe::state::{State, judge};
use crate::observe::{Observer, Owner, Snapshot};
use crate::record::RestingKind;
use crate::service::control::{self, ControlError};
use crate::service::executable::{self, DirectoryKind};
use crate::service::place::Locations;
use crate::service::signal_permission::{self, CannotSignal};
use crate::service::supervision::Suite;
use crate::shell_quote::operand;
use crate::shell_quote::shell_word;
use crate::sys;

/// A definition that is not published: what futo sync has against it, else the command that publishes it.
fn not_published(snapshot: &Snapshot, scene: &Scene<'_>) -> Vec<Found> {
    let unknown = "is not published: no supervisor knows of it";
    let Some(path) = snapshot.service.definition.as_deref().and_then(absolute) else {
        return vec![Found::problem(unknown, "futo sync publishes it")];
    };
    let is_refusal = |finding: &&Finding| finding.text.starts_with("not ours: ");
    let refused: Vec<Found> = definitions::judge(&path)
        .iter()
        .flat_map(|row| row.failures.iter().chain(row.warnings.iter().filter(is_refusal)))
        .map(|finding| Found {
            text: format!("is not published, and futo sync refuses it: {}", finding.text),
            ..Found::from(finding)
        })
        .collect();
    if !refused.is_empty() {
        return refused;
    }
    let as_root = if scene.observer.is_root() { "" } else { ", as root" };
    let hint = format!("{} publishes it{as_root}", sync_command(&path, scene.scan_dir));
    vec![Found::problem(unknown, &hint)]
}

/// The command that publishes this definition there.
fn sync_command(definition: &Path, scan_dir: &Path) -> String {
    let usual = Locations::default();
    let mut command = "futo sync".to_string();
    let source = definition.parent().unwrap_or(Path::new("/"));
    if !usual.definitions.iter().any(|each| each == source) {
        command += &format!(" --from {}", shell_word(&source.to_string_lossy()));
    }
    if scan_dir != usual.scan_dir {
        command += &format!(" --scan-dir {}", shell_word(&scan_dir.to_string_lossy()));
    }
    command
}

/// As sync takes it: from the root on, without `..`.
fn absolute(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    match path.components().any(|part| part == Component::ParentDir) {
        true => std::fs::canonicalize(path).ok(),
        false => Some(path),
    }
}

/// Where the reason can be read, and how it can be seen once more, as far as either works here.
fn where_to_look(snapshot: &Snapshot, observer: &Observer) -> String {
    let operand = operand(&snapshot.service.name);
    let log = match (snapshot.log_path(), &snapshot.plan) {
        (Some(_), _) => format!("the reason is in its log: futo logs {operand}"),
        (None, Some(_)) => {
            "its output goes to the supervisor's own: docker logs, or the catch-all log".to_string()
        }
        (None, None) => {
            "what its run script writes is on s6-svscan's stderr: docker logs, or the catch-all log"
                .to_string()
        }
    };
    let directory = snapshot.service.definition.as_ref().or(snapshot.service.live.as_ref());
    let script = directory.and_then(|directory| observer.trust().script(directory).ok());
    match script.is_some_and(|script| script.words().is_ok()) {
        true => format!("{log}; once in the foreground: futo try {operand}"),
        false => log,
    }
}

/// What is wrong at this moment.
pub(super) fn look(snapshot: &Snapshot, scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observer, scan_dir, .. } = *scene;
    let operand = operand(&snapshot.service.name);
    let mut found = Vec::new();
    let (state, why) = judge(snapshot, sys::clock::wall_now());
    let why = why.unwrap_or_default();
    let suite = snapshot.status().map_or(Suite::S6, |status| status.suite);
    match state {
        State::NotPublished => {
            found.extend(not_published(snapshot, scene));
        }
        State::Unsupervised => {
            let (what, hint) = unsupervised(scan_dir);
            found.push(Found::problem(format!("is published, and {what}"), &hint));
        }
        State::Crashing => {
            let hint = where_to_look(snapshot, observer);
            found.push(Found::problem(format!("is crashing: {why}"), &hint));
        }
        State::Failing => {
            let hint = format!("its process is up, its worker fails; {}", where_to_look(snapshot, observer));
            found.push(Found::problem(format!("is failing: {why}"), &hint));
        }
        State::Resting => {
            // what is outside its own files is not watched
            let hint = match snapshot.current_record().and_then(|record| record.resting.as_ref()) {
                Some(resting) if resting.kind == RestingKind::MaxFailures => {
                    format!("fix it, then futo run-now {operand}")
                }
                _ => format!("correct that, and it starts by itself; or futo run-now {operand}"),
            };
            found.push(Found::problem(format!("is resting: {why}"), &hint));
        }
        // what keeps it from starting has been named with its remedy, if it can be seen
        State::CannotStart if is_named(snapshot, observer) => {}
        State::CannotStart => {
            found.push(Found::problem(
                format!("cannot be started: {why}"),
                &format!(
                    "{} reports the system's reason on {}'s stderr",
                    suite.supervisor(),
                    suite.scanner()
                ),
            ));
        }
        State::Overdue => {
            let hint =
                format!("{}; futo restart {operand} starts it over", where_to_look(snapshot, observer));
            found.push(Found::problem(format!("is overdue: {why}"), &hint));
        }
        State::NotReady => {
            let hint = where_to_look(snapshot, observer);
            found.push(Found::problem(format!("is not ready: {why}"), &hint));
        }
        State::GaveUp => {
            found.push(Found::problem(
                format!("is down, but not intentionally: {why}"),
                &format!("futo start {operand}"),
            ));
        }
        // what another user may not see may be right all the same
        State::Unknown if !observer.is_root() && why.contains("permission denied") => {
            let hint = "root may read it, and members of the group that it has been delegated to";
            found.push(Found::unseen(why, hint));
        }
        State::Unknown if snapshot.status().is_some_and(|status| !status.suite.keeps_tally()) => {
            let hint = format!("if it dies again and again: {}", where_to_look(snapshot, observer));
            found.push(Found::problem(why, &hint));
        }
        State::Unknown => found.push(Found::problem(why, UNREADABLE)),
        State::Paused => {
            found.push(Found::problem(
                "is paused (SIGSTOP)",
                &format!("{}, or futo restart {operand}", suite.continues_by()),
            ));
        }
        State::Restarting
        | State::Starting
        | State::Gated
        | State::Running
        | State::Waiting
        | State::Done
        | State::Up
        | State::Down => {}
    }
    if snapshot.owner == Owner::Other && state != State::Crashing {
        // whether it should be up is not known
        found.iter_mut().filter(|found| found.is_problem()).for_each(|found| found.weight = Weight::Note);
    }
    found.extend(older_launcher(snapshot));
    found.extend(deaf_supervisor(snapshot));
    found
}

/// What is missing: its supervisor alone, or the one that starts supervisors.
fn unsupervised(scan_dir: &Path) -> (String, String) {
    let shown = shell_word(&scan_dir.to_string_lossy());
    // who may not write there cannot tell
    match control::probe_scanner(scan_dir) {
        Err(ControlError::NoSupervisor) => (
            format!("no s6-svscan runs on '{}'", scan_dir.display()),
            format!("restart the container; elsewhere start it: s6-svscan {shown}, or runsvdir {shown}"),
        ),
        _ => ("no supervisor runs".to_string(), format!("s6-svscanctl -a {shown}, as root")),
    }
}

fn is_named(snapshot: &Snapshot, observer: &Observer) -> bool {
    let live = snapshot.service.live.as_ref();
    live.is_some_and(|live| {
        !executable::obstacles(live, DirectoryKind::Published, observer.privileges()).is_empty()
    })
}

/// A launcher whose binary has been replaced runs on until its service is restarted.
fn older_launcher(snapshot: &Snapshot) -> Option<Found> {
    let pid = snapshot.status()?.pid?;
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let replaced = program.to_string_lossy().strip_suffix(" (deleted)").map(String::from)?;
    replaced.ends_with("/futo-launch").then(|| {
        let text = format!("pid {pid} is an older launcher: '{replaced}' has been replaced since");
        Found::note(text, &format!("futo restart {}", operand(&snapshot.service.name)))
    })
}

/// A supervisor that takes orders and cannot carry them out.
fn deaf_supervisor(snapshot: &Snapshot) -> Option<Found> {
    let deaf = CannotSignal::check(snapshot.status()?.pid?)?;
    Some(Found::problem(format!("stop, restart and reload do nothing: {deaf}"), signal_permission::REMEDY))
}
