//! Whether a supervisor started the launcher, and from which directory.
//!
//! A supervisor starts `run` as its own child and restarts it when it ends. Only there is a rest of use: a
//! process under a shell gets none of the supervisor's signals, and a command that a server runs in its service
//! directory (s6-rc's oneshots) keeps somebody waiting. `supervise/` in the directory proves nothing of this.
//!
//! The parent's name is no secret and no proof either: whoever forges it is the parent of the process that
//! believes it, and gains a rest in place of an exit. Where /proc hides the parent, or it is outside of the PID
//! namespace (s6's flag-newpidns), there is no supervisor. A launch that goes well needs none of this and does
//! not look.

use std::io;
use std::path::{Path, PathBuf};

use super::draft::Place;
use crate::config::timing::TimingSpec;
use crate::error::Finding;
use crate::machine::Host;
use crate::service::{ServiceName, layout};

/// The programs that supervise one service directory each: s6's, runit's, daemontools'.
const SUPERVISORS: [&str; 3] = ["s6-supervise", "runsv", "supervise"];

/// How the launcher is related to a supervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Supervision {
    /// The parent restarts `run` of this directory.
    Supervised,
    /// The parent restarts that of another directory, this one, which the run script has left.
    Left(PathBuf),
    /// The shell of the run script, of this name, is between the supervisor and the launcher.
    UnderShell(String),
    /// No supervisor started the launcher.
    #[default]
    None,
}

impl Supervision {
    /// Finds out. Only root sees anything of a directory that has been left.
    pub fn find(place: Place, directory: &Path, host: &dyn Host) -> Self {
        let Some(parent) = host.ancestor(0) else { return Supervision::None };
        let is_live = place == Place::Service && host.has_supervise();
        match (is_supervisor(&parent), is_live) {
            (true, true) => Supervision::Supervised,
            (true, false) => match host.parent_directory() {
                Some(own) if own != directory => Supervision::Left(own),
                _ => Supervision::None,
            },
            // under the name of the script, if the kernel has started it
            (false, true) if parent == layout::RUN || parent.ends_with("sh") => match host.ancestor(1) {
                Some(above) if is_supervisor(&above) => Supervision::UnderShell(parent),
                _ => Supervision::None,
            },
            (false, _) => Supervision::None,
        }
    }

    /// A warning about a run script that changes more than it seems to.
    pub fn quirk(&self, directory: &Path) -> Option<Finding> {
        match self {
            Supervision::Left(service_dir) => Some(Finding::trouble(
                format!(
                    "the run script has left its service directory '{}' for '{}': name, config.env, log and \
                     record go by the latter, and what fails does not rest",
                    service_dir.display(),
                    directory.display()
                ),
                Some("in place of cd write --chdir DIR, which is the worker's directory only".to_string()),
            )),
            Supervision::UnderShell(program) => Some(Finding::trouble(
                format!(
                    "'{program}' stands between the supervisor and the launcher, which gets none of its signals"
                ),
                Some("write exec before futo-launch in the run script".to_string()),
            )),
            Supervision::Supervised | Supervision::None => None,
        }
    }
}

fn is_supervisor(name: &str) -> bool {
    SUPERVISORS.contains(&name)
}

/// Where the launcher was started. The directory of s6-rc's oneshot runner has a `run`, and is not that of the
/// oneshots which it runs.
pub(super) fn place(directory: &Path, host: &dyn Host) -> io::Result<Place> {
    Ok(match host.has_run()? && !directory.ends_with(layout::ONESHOT_RUNNER) {
        true => Place::Service,
        false => Place::Elsewhere,
    })
}

/// The warning about the run script, unless it is meant so: a service with `--name` is where it is on purpose, and
/// what does not loop may be a first step before the service proper.
pub(super) fn quirk_of_run_script(
    place: Place,
    directory: &Path,
    name: &Option<ServiceName>,
    timing: Option<&TimingSpec>,
    host: &dyn Host,
) -> Option<Finding> {
    let repeats = timing.is_some_and(TimingSpec::repeats);
    // a command at a shell, and a service where it belongs, are not looked at: that costs time
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
