//! Whether a supervisor started the launcher, and from which directory.
//!
//! A supervisor starts `run` as its own child and restarts it when it exits. A rest is useful only there: a process
//! under a shell receives none of the supervisor's signals, and a command run by a server in its service directory
//! (s6-rc oneshots) keeps a client waiting. `supervise/` in the directory proves neither.
//!
//! The parent's name is not proof, but forging it gains nothing: only the parent can, and it gets a rest instead of an
//! exit. If /proc hides the parent, or it is outside the PID namespace (s6's flag-newpidns), there is no supervisor. A
//! successful launch does not need this check and skips it.

use std::io;
use std::path::{Path, PathBuf};

use super::draft::Place;
use crate::config::timing::TimingSpec;
use crate::error::Finding;
use crate::machine::Host;
use crate::service::{ServiceName, layout};

/// The programs that supervise a single service directory, in s6, runit and daemontools.
const SUPERVISORS: [&str; 3] = ["s6-supervise", "runsv", "supervise"];

/// How the launcher is related to a supervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Supervision {
    /// The parent restarts `run` of this directory.
    Supervised,
    /// The parent supervises this other directory, which the run script left.
    Left(PathBuf),
    /// The run script's shell, of this name, is between the supervisor and the launcher.
    UnderShell(String),
    /// No supervisor started the launcher.
    #[default]
    None,
}

impl Supervision {
    /// Determines the relation. Only root can see a directory that was left.
    pub fn find(place: Place, directory: &Path, host: &dyn Host) -> Self {
        let Some(parent) = host.ancestor(0) else { return Supervision::None };
        let is_live = place == Place::Service && host.has_supervise();
        match (is_supervisor(&parent), is_live) {
            (true, true) => Supervision::Supervised,
            (true, false) => match host.parent_directory() {
                Some(own) if own != directory => Supervision::Left(own),
                _ => Supervision::None,
            },
            // under the script's name, if the kernel started it
            (false, true) if parent == layout::RUN || parent.ends_with("sh") => match host.ancestor(1) {
                Some(above) if is_supervisor(&above) => Supervision::UnderShell(parent),
                _ => Supervision::None,
            },
            (false, _) => Supervision::None,
        }
    }

    /// A warning about a run script with side effects on the launcher.
    pub fn quirk(&self, directory: &Path) -> Option<Finding> {
        match self {
            Supervision::Left(service_dir) => Some(Finding::trouble(
                format!(
                    "the run script changed from its service directory '{}' to '{}': name, config.env, log and record \
                     follow the latter, and the service does not rest after a failure",
                    service_dir.display(),
                    directory.display()
                ),
                Some("instead of cd, use --chdir DIR, which applies to the worker only".to_string()),
            )),
            Supervision::UnderShell(program) => Some(Finding::trouble(
                format!(
                    "'{program}' is between the supervisor and the launcher, which receives none of its signals"
                ),
                Some("start futo-launch with exec in the run script".to_string()),
            )),
            Supervision::Supervised | Supervision::None => None,
        }
    }
}

fn is_supervisor(name: &str) -> bool {
    SUPERVISORS.contains(&name)
}

/// Where the launcher was started. The directory of s6-rc's oneshot runner contains `run`, but is not the service
/// directory of the oneshots it runs.
pub(super) fn place(directory: &Path, host: &dyn Host) -> io::Result<Place> {
    Ok(match host.has_run()? && !directory.ends_with(layout::ONESHOT_RUNNER) {
        true => Place::Service,
        false => Place::Elsewhere,
    })
}

/// The warning about the run script, unless it is intentional: with `--name` the directory is deliberate, and a launch
/// without a loop may be a step before the actual service.
pub(super) fn quirk_of_run_script(
    place: Place,
    directory: &Path,
    name: &Option<ServiceName>,
    timing: Option<&TimingSpec>,
    host: &dyn Host,
) -> Option<Finding> {
    let repeats = timing.is_some_and(TimingSpec::repeats);
    // commands at a shell, and services in their place, are not checked, to save time
    if !repeats && (place == Place::Service || !host.leads_session()) {
        return None;
    }
    let supervision = Supervision::find(place, directory, host);
    let is_meant = match supervision {
        Supervision::UnderShell(_) => !repeats,
        _ => name.is_some(),
    };
    supervision.quirk(directory).filter(|_| !is_meant)
}
