//! From the volume to the scan directory, again and again: discover → desired → diff → apply → report.
//!
//! One engine, two front ends that discover: [`instances`] for `futo reconcile`, [`definitions`] for
//! `futo sync`. Each makes of what it finds the service directories that should be ([`desired`]);
//! [`scan`] and [`slot`] bring the scan directory there.

pub mod definitions;
pub mod delegate;
pub mod desired;
pub mod directory;
mod handed_over;
pub mod instances;
pub mod life;
mod predecessor;
pub mod report;
pub mod room;
pub mod scan;
pub mod slot;
pub mod watch;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nix::unistd::Gid;

use crate::error::{Finding, Problem};
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::Machine;
use crate::machine::accounts;
use crate::machine::ownership::is_roots;
pub use crate::trust::account;
use instances::config::DelegateTo;
use report::{Report, Row};
use scan::{Intent, ScanDirectory};
use slot::SlotError;

/// What the caller of a front end chose.
#[derive(Debug)]
pub struct Choice {
    /// Whether anything is changed.
    pub intent: Intent,
    /// Whether what has gone is taken out of the scan directory.
    pub prune: bool,
    /// Nothing is started, whatever it did before.
    pub no_start: bool,
    /// Who may control the services, if another than the front end's own choice.
    pub delegate: DelegateChoice,
    /// How long supervisors of what has gone are waited for.
    pub patience: Duration,
    /// The launcher as run scripts name it.
    pub launcher: String,
    /// What is published of users' definitions; as the last `futo sync` had it if nobody says.
    pub hardening: Option<Hardening>,
}

/// What the programs of definitions that non-root users can write may gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardening {
    /// What modes, owners and file capabilities give them, as sudo needs it.
    Off,
    /// Nothing: `--no-new-privs --cap-drop all`.
    On,
}

/// `--delegate`
#[derive(Clone, Debug, Default)]
pub struct DelegateChoice {
    /// To whom; as the front end has it if none is named.
    pub to: Option<DelegateTo>,
    /// Members may wait with s6-svwait too.
    pub wait: bool,
}

const LAUNCHER: &str = crate::service::launcher::NAME;

/// The launcher as run scripts name it: the one beside this program, else the first on PATH.
pub fn launcher() -> String {
    let environment = Machine.environment();
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let found = crate::service::launcher::find(path);
    found.and_then(|path| path.to_str().map(str::to_string)).unwrap_or_else(|| LAUNCHER.to_string())
}

/// Why no launcher is published.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Whoever can replace it has root run their program.
    #[error("the launcher '{0}', which root would execute, can be replaced by non-root users")]
    NotRoots(String),
    /// A supervisor's PATH may find anything.
    #[error("no {LAUNCHER} beside this program or on PATH")]
    Missing,
}

impl Problem for LauncherError {
    fn exit(&self) -> Exit {
        Exit::NOTHING_DONE
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "install futo and {LAUNCHER} in a directory that only root can write, /usr/local/bin for instance"
        ))
    }
}

/// Refuses to publish, for root, a launcher that somebody else can replace.
pub(crate) fn judge_launcher(launcher: &str) -> Result<(), LauncherError> {
    match Machine.is_root() {
        // a user's own supervisor: there are no rights to be gained
        false => Ok(()),
        true if !launcher.starts_with('/') => Err(LauncherError::Missing),
        true if !is_roots(Path::new(launcher)) => Err(LauncherError::NotRoots(launcher.to_string())),
        true => Ok(()),
    }
}

/// A group of /etc/group, by name or number.
fn group_named(name: &str) -> Option<Gid> {
    let number = name.parse().ok();
    number.or_else(|| accounts::group_named(&Machine.group().ok()?, name)).map(Gid::from_raw)
}

/// Tells s6-svscan of what is published, and says what it does not take up.
fn tell(scan: &ScanDirectory, patience: Duration, report: &mut Report) {
    let published = |row: &Row| row.change.and(row.service.clone());
    let names: Vec<String> = report.rows.iter().filter_map(published).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let missing = report.failures.take(scan.tell_of(&names, patience)).unwrap_or_default();
    for row in &mut report.rows {
        if let Some(name) = row.service.clone().filter(|name| missing.contains(name)) {
            row.fail(match scan.stranger_with_lock(&name) {
                Some(pid) => SlotError::LockedByStranger { name, pid },
                None => SlotError::NotTakenUp { name },
            });
        }
    }
    report.warnings.add_new(scan.troubles());
}

/// Takes out what this command made and nobody wants any more, a row each. A source that is not among
/// the `listed` ones tells of nothing that it has gone.
fn prune(
    scan: &ScanDirectory,
    wanted: &BTreeSet<String>,
    listed: &BTreeSet<String>,
    patience: Duration,
    report: &mut Report,
) {
    let others = report.failures.take(scan.others(wanted)).unwrap_or_default();
    let (gone, stays): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, source)| listed.contains(source));
    for source in stays.into_iter().map(|(_, source)| source).collect::<BTreeSet<_>>() {
        let text = format!("{source} could not be listed: what was made from it stays");
        report.warnings.push(Finding::trouble(text, None));
    }
    let gone: Vec<String> = gone.into_iter().map(|(name, _)| name).collect();
    if gone.is_empty() {
        return;
    }
    for (name, pruned) in scan.prune(&gone, patience, &mut report.failures) {
        let mut row = Row::new(name.clone());
        row.service = Some(name);
        match pruned {
            Ok(change) => {
                row.change = Some(change);
                row.action = report::change_word(change);
            }
            Err(error) => row.fail(error),
        }
        report.rows.push(row);
    }
}
