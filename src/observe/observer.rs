//! Reads all that is known about services; what they share is read once.

use std::path::Path;

use nix::unistd::{Uid, geteuid};

use super::planning::{Planned, Planner};
use super::reason::Reason;
use super::snapshot::{Owner, Snapshot};
use super::{files, supervisor};
use crate::plan::Plan;
use crate::service::executable::Privileges;
use crate::service::layout;
use crate::service::place::Service;
use crate::service::script_search::mentions_launcher;
use crate::sys;
use crate::sys::privilege::Privilege;
use crate::trust::{Trust, Untrusted};

/// Observes services. Reads only, within bounds, and as root follows no user-owned link.
#[derive(Debug)]
pub struct Observer {
    privileges: Privileges,
    trust: Trust,
    planner: Planner,
    /// How much of the history of runs is read, in bytes.
    history: u64,
}

impl Observer {
    /// The owner of the scan directory runs the supervisors there.
    pub fn new(scan_dir: &Path) -> Self {
        let caller = geteuid();
        let starter = nix::sys::stat::stat(scan_dir).map_or(caller, |status| Uid::from_raw(status.st_uid));
        let privileges = Privileges { reader: Privilege::of(caller), starter: Privilege::of(starter) };
        let planner = Planner::new(privileges.reader, starter);
        Observer { privileges, trust: Trust::default(), planner, history: 0 }
    }

    /// Also reads so many bytes at the end of each history of runs.
    pub fn with_history(self, bytes: u64) -> Self {
        Observer { history: bytes, ..self }
    }

    /// The rights of this process.
    pub fn caller(&self) -> Privilege {
        self.privileges.reader
    }

    /// Who reads the files of a service, and who executes them.
    pub fn privileges(&self) -> Privileges {
        self.privileges
    }

    /// Decides who may have which plan.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What can be known about a service now.
    pub fn observe(&self, service: Service) -> Snapshot {
        let mut snapshot = self.without_files(service);
        files::read_all(std::slice::from_mut(&mut snapshot), self.caller(), self.history);
        snapshot
    }

    /// The same of several services: the ids of each user are assumed once.
    pub fn observe_all(&self, services: Vec<Service>) -> Vec<Snapshot> {
        let mut all: Vec<Snapshot> =
            services.into_iter().map(|service| self.without_files(service)).collect();
        files::read_all(&mut all, self.caller(), self.history);
        all
    }

    fn without_files(&self, service: Service) -> Snapshot {
        let mut snapshot = Snapshot::empty(service);
        let supervisor = match snapshot.service.live.clone() {
            Some(path) => supervisor::read(&mut snapshot, &path, self.privileges, &self.trust),
            None => None,
        };
        if let Some(definition) = &snapshot.service.definition {
            snapshot.is_disabled = sys::file::exists(&definition.join(layout::DOWN));
        }
        self.read_plan(&mut snapshot, supervisor);
        snapshot
    }

    /// The plan of the running launcher, with what is wrong with it; else that of the run script.
    fn read_plan(&self, snapshot: &mut Snapshot, supervisor: Option<u32>) {
        let service = &snapshot.service;
        let Some(directory) = service.live.as_ref().or(service.definition.as_ref()) else { return };
        if let Some(launcher) = &snapshot.launcher {
            snapshot.owner = Owner::Ours;
            match self.planner.of_process(launcher, directory, supervisor) {
                Some(planned) => take(snapshot, planned),
                None => {
                    let why = format!("pid {} does not have the ids of a single user", launcher.pid);
                    snapshot.record_doubt = Some(why.into());
                }
            }
            return;
        }
        match self.trust.script(directory) {
            Ok(script) => {
                // a script that is more than one plain command may still end in a launcher
                if mentions_launcher(&script.bytes) {
                    snapshot.owner = Owner::Ours;
                }
                if let Some(planned) = self.planner.of_script(&script, service, directory, supervisor) {
                    take(snapshot, planned);
                    snapshot.findings = None;
                }
            }
            Err(error) => {
                // it may be ours
                if !error.is_missing() {
                    snapshot.owner = Owner::Ours;
                }
                snapshot.troubles.push(match &error {
                    Untrusted::Read(_, source) => Reason::of_io("unable to read its run script", source),
                    Untrusted::Others(_) | Untrusted::NoUser(_) => error.to_string().into(),
                });
            }
        }
    }
}

/// Keeps a plan, without the worker's command line, which may contain a secret.
fn take(snapshot: &mut Snapshot, planned: Planned) {
    let findings: Vec<&str> = planned.findings.iter().map(|finding| finding.text.as_str()).collect();
    snapshot.findings = (!findings.is_empty()).then(|| findings.join("; "));
    snapshot.opener = Some(planned.opener);
    snapshot.plan = Some(planned.plan);
    snapshot.plan.iter_mut().for_each(Plan::forget_worker);
    snapshot.launcher.iter_mut().for_each(|launcher| launcher.words = Vec::new());
}
