//! Whether a supervisor started the launcher, and for which directory.
//!
//! A supervisor starts `run` as its own child, from its own working directory, and starts it again when it ends.
//! Only there is a rest of use: a process behind a shell gets no signal of the supervisor's, and that of a server
//! which merely stands in the directory (s6-rc's oneshot runner) keeps somebody waiting. `supervise/` in the
//! directory proves nothing of this.
//!
//! The parent's name is no secret and no proof either: whoever forges it is the parent of the process that
//! believes it, and gains a rest in place of an exit. Without /proc there is no supervisor to be seen.

use std::path::{Path, PathBuf};

use super::{Host, Place};
use crate::error::Finding;
use crate::service::layout;

/// The programs that supervise one service directory each: s6's, runit's, daemontools'.
const SUPERVISORS: [&str; 3] = ["s6-supervise", "runsv", "supervise"];
/// Runs commands for its clients from its own service's directory: s6-rc's oneshots, above all.
const SERVER_OF_COMMANDS: &str = "s6-sudod";

/// A process above the launcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its name, as the kernel keeps it: 15 bytes of the file that it executes.
    pub name: String,
    /// Its working directory without links; none if it cannot be seen (a non-root launcher below root).
    pub directory: Option<PathBuf>,
}

impl Ancestor {
    fn is_supervisor(&self) -> bool {
        SUPERVISORS.contains(&self.name.as_str())
    }

    /// runsv starts the logger of a service too, in `log/` below its own directory.
    fn may_supervise(&self, directory: &Path) -> bool {
        self.is_supervisor()
            && self
                .directory
                .as_ref()
                .is_none_or(|own| own == directory || own.join(layout::LOG) == directory)
    }
}

/// How the launcher is related to a supervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Supervision {
    /// The parent supervises this directory: it starts `run` again.
    Supervised,
    /// The parent supervises this directory, which the run script has left.
    Left(PathBuf),
    /// This process, a shell mostly, stands between the supervisor and the launcher.
    Behind(String),
    /// Started by anybody else.
    #[default]
    None,
}

impl Supervision {
    /// What a run file has done that changes more than it seems to.
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
            Supervision::Behind(program) => Some(Finding::trouble(
                format!(
                    "'{program}' stands between the supervisor and the launcher, which gets none of its signals"
                ),
                Some("write exec before futo-launch in the run script".to_string()),
            )),
            Supervision::Supervised | Supervision::None => None,
        }
    }
}

/// Where the launcher was started, and by whom. A server's directory is not that of the commands that it runs.
pub(super) fn find(directory: &Path, has_run: bool, host: &dyn Host) -> (Place, Supervision) {
    let place = if has_run { Place::Service } else { Place::Elsewhere };
    let Some(parent) = host.ancestor(0) else {
        return (place_without_supervisor(place, directory), Supervision::None);
    };
    if parent.is_supervisor() {
        let supervision = match parent.directory.clone() {
            _ if parent.may_supervise(directory) && place == Place::Service => Supervision::Supervised,
            Some(own) if own != directory => Supervision::Left(own),
            _ => Supervision::None,
        };
        return (place, supervision);
    }
    if parent.name == SERVER_OF_COMMANDS {
        return (Place::Elsewhere, Supervision::None);
    }
    let place = place_without_supervisor(place, directory);
    let supervision = match place {
        Place::Service if host.has_supervise() => match host.ancestor(1) {
            Some(above) if above.may_supervise(directory) => Supervision::Behind(parent.name),
            _ => Supervision::None,
        },
        _ => Supervision::None,
    };
    (place, supervision)
}

/// A oneshot that is a shell script has a shell for its parent.
fn place_without_supervisor(place: Place, directory: &Path) -> Place {
    match directory.ends_with(layout::ONESHOT_RUNNER) {
        true => Place::Elsewhere,
        false => place,
    }
}
