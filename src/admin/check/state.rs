//! What is wrong with a service at this moment, by its supervisor, its processes and its run record.

use std::path::{Component, Path, PathBuf};

use super::finding::{CheckFinding, Weight};
use super::scene::{Scene, UNREADABLE};
use crate::boot::definitions;
use crate::observe::{Observer, Owner, Reason, ServiceState, Snapshot, judge};
use crate::record::RestingKind;
use crate::service::control::{self, ControlError};
use crate::service::executable::{self, DirectoryKind};
use crate::service::launcher;
use crate::service::place::Locations;
use crate::service::signal_permission::{self, CannotSignal};
use crate::service::supervision::Suite;
use crate::shell_quote::operand;
use crate::shell_quote::shell_word;
use crate::sys;
use crate::sys::privilege::Privilege;

/// A definition that is not published: why futo sync refuses it, else the command that publishes it.
fn not_published(snapshot: &Snapshot, scene: Scene<'_>) -> Vec<CheckFinding> {
    let unknown = "is not published: no supervisor knows of it";
    let Some(path) = snapshot.service.definition.as_deref().and_then(absolute) else {
        return vec![CheckFinding::problem(unknown, "futo sync publishes it")];
    };
    let refused: Vec<CheckFinding> = definitions::judge(&path)
        .iter()
        .flat_map(|row| row.failures.iter().chain(row.refusals.iter()))
        .map(|finding| CheckFinding {
            text: format!("is not published, and futo sync refuses it: {}", finding.text),
            ..CheckFinding::from(finding)
        })
        .collect();
    if !refused.is_empty() {
        return refused;
    }
    let as_root = if scene.observer.caller().is_root() { "" } else { ", as root" };
    let hint = format!("{} publishes it{as_root}", sync_command(&path, scene.scan_dir));
    vec![CheckFinding::problem(unknown, &hint)]
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

/// As sync takes it: absolute, without `..`.
fn absolute(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    match path.components().any(|part| part == Component::ParentDir) {
        true => std::fs::canonicalize(path).ok(),
        false => Some(path),
    }
}

/// Where to read the reason, and how to reproduce it.
fn where_to_look(snapshot: &Snapshot, observer: &Observer) -> String {
    let operand = operand(&snapshot.service.name);
    let log = match (snapshot.log_path(), &snapshot.plan) {
        (Some(_), _) => format!("the reason is in its log: futo logs {operand}"),
        (None, Some(_)) => {
            "it writes to the supervisor's output: see docker logs, or the catch-all log".to_string()
        }
        (None, None) => {
            "its run script writes to s6-svscan's stderr: see docker logs, or the catch-all log".to_string()
        }
    };
    let directory = snapshot.service.definition.as_ref().or(snapshot.service.live.as_ref());
    let script = directory.and_then(|directory| observer.trust().script(directory).ok());
    match script.is_some_and(|script| script.words().is_ok()) {
        true => format!("{log}; to run it once in the foreground: futo try {operand}"),
        false => log,
    }
}

/// What is wrong with a service at this moment.
pub(super) fn check_state(snapshot: &Snapshot, scene: Scene<'_>) -> Vec<CheckFinding> {
    let (state, why) = judge(snapshot, sys::clock::wall_now());
    let why = why.unwrap_or_else(|| Reason::from(""));
    let mut found = problems_in(state, &why, snapshot, scene);
    if snapshot.owner == Owner::Other && state != ServiceState::Crashing {
        // whether it should be up is not known
        found.iter_mut().filter(|found| found.is_problem()).for_each(|found| found.weight = Weight::Note);
    }
    found.extend(outdated_launcher(snapshot));
    found.extend(powerless_supervisor(snapshot));
    found
}

fn problems_in(
    state: ServiceState,
    why: &Reason,
    snapshot: &Snapshot,
    scene: Scene<'_>,
) -> Vec<CheckFinding> {
    let operand = operand(&snapshot.service.name);
    let suite = snapshot.status().map_or(Suite::S6, |status| status.suite);
    let where_to_look = || where_to_look(snapshot, scene.observer);
    let (text, hint) = match state {
        ServiceState::NotPublished => return not_published(snapshot, scene),
        ServiceState::Unsupervised => unsupervised(scene.scan_dir),
        ServiceState::Unknown => return vec![unknown(why, snapshot, scene.observer)],
        ServiceState::Crashing => (format!("is crashing: {why}"), where_to_look()),
        ServiceState::Failing => {
            let hint = format!("its process is up, but its worker fails; {}", where_to_look());
            (format!("is failing: {why}"), hint)
        }
        ServiceState::Resting => (format!("is resting: {why}"), end_of_rest(snapshot, &operand)),
        // what keeps it from starting has been reported with its remedy, if it can be seen
        ServiceState::CannotStart if has_obstacles(snapshot, scene.observer) => return Vec::new(),
        ServiceState::CannotStart => {
            let (supervisor, scanner) = (suite.supervisor(), suite.scanner());
            let hint = format!("{supervisor} writes the system's reason to {scanner}'s stderr");
            (format!("cannot be started: {why}"), hint)
        }
        ServiceState::Overdue => {
            let hint = format!("{}; to restart it: futo restart {operand}", where_to_look());
            (format!("is overdue: {why}"), hint)
        }
        ServiceState::NotReady => (format!("is not ready: {why}"), where_to_look()),
        ServiceState::GaveUp => {
            (format!("is down, but not intentionally: {why}"), format!("futo start {operand}"))
        }
        ServiceState::Paused => {
            let hint = format!("{}, or futo restart {operand}", suite.continues_by());
            ("is paused (SIGSTOP)".to_string(), hint)
        }
        ServiceState::Restarting
        | ServiceState::Starting
        | ServiceState::Gated
        | ServiceState::Running
        | ServiceState::Waiting
        | ServiceState::Done
        | ServiceState::Up
        | ServiceState::Down => return Vec::new(),
    };
    vec![CheckFinding::problem(text, &hint)]
}

/// How to end a rest; only the service's own files are watched.
fn end_of_rest(snapshot: &Snapshot, operand: &str) -> String {
    match snapshot.current_record().and_then(|record| record.resting.as_ref()) {
        Some(resting) if resting.kind == RestingKind::MaxFailures => {
            format!("fix it, then run: futo run-now {operand}")
        }
        _ => format!("fix that and it starts by itself, or run: futo run-now {operand}"),
    }
}

fn unknown(why: &Reason, snapshot: &Snapshot, observer: &Observer) -> CheckFinding {
    let text = why.text.as_str();
    if observer.caller() == Privilege::User && why.is_permission_denied() {
        // what cannot be read here may well be correct
        let hint = "run this as root, or as a member of the group that it is delegated to";
        return CheckFinding::unseen(text, hint);
    }
    match snapshot.status().is_some_and(|status| !status.suite.keeps_tally()) {
        true => {
            let hint = format!("if it keeps dying: {}", where_to_look(snapshot, observer));
            CheckFinding::problem(text, &hint)
        }
        false => CheckFinding::problem(text, UNREADABLE),
    }
}

/// What is missing, and how to get it: its supervisor alone, or the scanner that starts supervisors.
fn unsupervised(scan_dir: &Path) -> (String, String) {
    let shown = shell_word(&scan_dir.to_string_lossy());
    // without write permission this cannot be known
    match control::probe_scanner(scan_dir) {
        Err(ControlError::NoSupervisor) => (
            format!("is published, but no s6-svscan is running on '{}'", scan_dir.display()),
            format!("restart the container; elsewhere, start s6-svscan {shown} or runsvdir {shown}"),
        ),
        _ => (
            "is published, but no supervisor is running".to_string(),
            format!("run as root: s6-svscanctl -a {shown}"),
        ),
    }
}

/// Whether its files show why it cannot be started.
fn has_obstacles(snapshot: &Snapshot, observer: &Observer) -> bool {
    let live = snapshot.service.live.as_ref();
    live.is_some_and(|live| {
        !executable::obstacles(live, DirectoryKind::Published, observer.privileges()).is_empty()
    })
}

/// A launcher whose binary has been replaced runs on until its service is restarted.
fn outdated_launcher(snapshot: &Snapshot) -> Option<CheckFinding> {
    let pid = snapshot.status()?.pid?;
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let replaced = program.to_string_lossy().strip_suffix(" (deleted)").map(String::from)?;
    launcher::is_launcher(&replaced).then(|| {
        let text = format!("pid {pid} runs an older launcher: '{replaced}' has since been replaced");
        CheckFinding::note(text, &format!("futo restart {}", operand(&snapshot.service.name)))
    })
}

/// A supervisor that reads orders and cannot carry them out.
fn powerless_supervisor(snapshot: &Snapshot) -> Option<CheckFinding> {
    let refusal = CannotSignal::check(snapshot.status()?.pid?)?;
    Some(CheckFinding::problem(
        format!("stop, restart and reload have no effect: {refusal}"),
        signal_permission::REMEDY,
    ))
}
