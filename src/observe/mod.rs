//! What is known of a service at this moment: what its supervisor writes down, our run record, the log. Reads
//! only, bounded, and as root follows no link of a user's.

mod judge;
mod launcher;
mod log;
mod planning;
pub mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use launcher::{Children, Launcher, Process};
pub use log::{LogSummary, last_lines};
pub use planning::{Observer, with_supervisor_environment};
pub use state::State;

use nix::errno::Errno;

use crate::error::{reason, reason_of};
use crate::plan::{LogPlan, Mode, Plan};
use crate::record;
use crate::record::RunRecord;
use crate::service::control::{self, ControlError};
use crate::service::executable::{self, Obstacle};
use crate::service::layout;
use crate::service::place::Service;
use crate::service::script_search::mentions_launcher;
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::supervision::{self, Death, Status, StatusError};
use crate::sys;
use crate::trust::account::AccountError;
use crate::trust::{Opener, Untrusted};
use planning::Planned;

/// What a supervisor does for the service.
#[derive(Debug)]
pub enum SupervisorState {
    /// Its definition has not been published.
    NotPublished,
    /// It is published and no supervisor runs.
    None,
    /// What the supervisor wrote cannot be read.
    Unknown(String),
    /// As it wrote.
    Known(Status),
}

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It has a definition of ours, or futo-launch runs it.
    Ours,
    /// Another program's, which only happens to be in the same scan directory.
    Other,
}

/// What a service is, at this moment.
#[derive(Debug)]
pub struct Snapshot {
    /// What it is and where.
    pub service: Service,
    /// Whose it is.
    pub owner: Owner,
    /// The supervisor's part.
    pub supervisor: SupervisorState,
    /// When and how its processes died, the oldest first. Only s6 records that.
    pub deaths: Vec<Death>,
    /// When anybody last gave its supervisor an order.
    pub last_order: Option<SystemTime>,
    /// When its supervisor was started; only looked for where it records no deaths.
    pub supervisor_since: Option<SystemTime>,
    /// The number of the signal that stops it.
    pub stop_signal: i32,
    /// `finish` is there, which under s6 can end the service for good.
    pub has_finish: bool,
    /// `down` is there: it is not started by itself.
    pub is_down_by_file: bool,
    /// It reports its readiness.
    pub reports_readiness: bool,
    /// Its process.
    pub process: Process,
    /// The launcher that is its process, or that its process has started.
    pub launcher: Option<Launcher>,
    /// Why that launcher cannot do what its words say; only looked for where nothing else says what it does.
    pub findings: Option<String>,
    /// The launcher's plan: of the one that runs, else by the run script. None if it is not a launcher's.
    pub plan: Option<Plan>,
    /// With whose ids that is opened which the plan names.
    pub(crate) opener: Option<Opener>,
    /// Our part.
    pub record: Option<RunRecord>,
    /// Whether it waits for the end of a former loop of its own.
    pub previous_loop: PreviousLoop,
    /// Why the record proves nothing about the launcher that runs.
    pub record_doubt: Option<String>,
    /// Its log, if there is one.
    pub log: Option<LogSummary>,
    /// Why its run script cannot be executed; only looked for where there is no process.
    pub obstacle: Option<Obstacle>,
    /// What could not be read, and why.
    pub troubles: Vec<String>,
}

/// What a loop waits for that waits for the lock of the service's loop: a former one, left behind by a supervisor
/// that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousLoop {
    /// It waits for no such thing.
    None,
    /// For a loop that lives.
    Running,
    /// For whoever holds its lock: no loop that is known.
    Gone,
}

impl PreviousLoop {
    fn of(record: &RunRecord) -> Self {
        match record.waiting_for_lock.as_ref().and_then(|lock| lock.former) {
            None => PreviousLoop::None,
            Some(former) if former.lives() => PreviousLoop::Running,
            Some(_) => PreviousLoop::Gone,
        }
    }
}

impl Snapshot {
    /// What can be seen of a service.
    pub fn of(service: Service, observer: &Observer) -> Self {
        let mut snapshot = Snapshot::without_files(service, observer);
        look_at_files(std::slice::from_mut(&mut snapshot), observer);
        snapshot
    }

    /// What can be seen of services: the ids of each user are taken on once.
    pub fn of_all(services: Vec<Service>, observer: &Observer) -> Vec<Self> {
        let mut all: Vec<Snapshot> =
            services.into_iter().map(|service| Snapshot::without_files(service, observer)).collect();
        look_at_files(&mut all, observer);
        all
    }

    fn without_files(service: Service, observer: &Observer) -> Self {
        let mut snapshot = Snapshot::unseen(service);
        let live = snapshot.look_at_supervisor(observer);
        let supervisor = live.as_ref().and_then(SupervisedDirectory::supervisor_uid);
        snapshot.look_at_plan(observer, supervisor);
        snapshot
    }

    /// Before anything has been looked at.
    pub(crate) fn unseen(service: Service) -> Self {
        Snapshot {
            owner: if service.definition.is_some() { Owner::Ours } else { Owner::Other },
            service,
            supervisor: SupervisorState::NotPublished,
            deaths: Vec::new(),
            last_order: None,
            supervisor_since: None,
            stop_signal: libc::SIGTERM,
            has_finish: false,
            is_down_by_file: false,
            reports_readiness: false,
            process: Process::None,
            launcher: None,
            findings: None,
            plan: None,
            opener: None,
            record: None,
            previous_loop: PreviousLoop::None,
            record_doubt: None,
            log: None,
            obstacle: None,
            troubles: Vec::new(),
        }
    }

    fn look_at_supervisor(&mut self, observer: &Observer) -> Option<SupervisedDirectory> {
        let Some(path) = self.service.live.clone() else {
            let definition = self.service.definition.as_ref();
            self.is_down_by_file = definition.is_some_and(|path| sys::file::exists(&path.join(layout::DOWN)));
            return None;
        };
        let live = match SupervisedDirectory::open(observer.is_root(), &path) {
            Ok(live) => live,
            Err(error) => {
                self.supervisor = SupervisorState::Unknown(error.to_string());
                return None;
            }
        };
        self.is_down_by_file = live.has(layout::DOWN);
        self.reports_readiness = live.has(layout::NOTIFICATION_FD);
        self.has_finish = live.has(layout::FINISH);
        self.stop_signal = live.stop_signal();
        // published by futo reconcile or futo sync
        if live.has(layout::WISH) || live.has(layout::CURRENT) {
            self.owner = Owner::Ours;
        }
        self.look_at_process(&live, observer);
        if let SupervisorState::Known(status) = self.supervisor {
            self.last_order = live.supervise().ok().and_then(control::last_order);
            match status.suite.keeps_tally() {
                true => self.read_tally(&live),
                false => self.supervisor_since = status.pid.and_then(supervisor_since),
            }
            if status.wants_up && (status.pid.is_none() || !status.suite.keeps_tally()) {
                self.obstacle = executable::obstacle_of_run(&path, observer.privileges());
            }
        }
        Some(live)
    }

    /// The supervisor's status and the process that it names, at one moment.
    fn look_at_process(&mut self, live: &SupervisedDirectory, observer: &Observer) {
        const TRIES: usize = 10;
        const BETWEEN: Duration = Duration::from_millis(20);
        for _ in 0..TRIES {
            self.supervisor = supervision_of(live);
            if matches!(self.supervisor, SupervisorState::Unknown(_)) && live.lacks_status() {
                // a supervisor that has just been started
                sys::clock::pause(BETWEEN);
                continue;
            }
            let Some(pid) = self.status().and_then(|status| status.pid) else {
                self.process = Process::None;
                self.launcher = None;
                return;
            };
            (self.process, self.launcher) = Process::look(pid, observer.trust());
            // it may have ended in between, and its number be another's
            let again = live.supervise().ok().and_then(|supervise| Status::read(supervise).ok());
            if self.process != Process::None && again.and_then(|status| status.pid) == Some(pid) {
                return;
            }
            sys::clock::pause(BETWEEN);
        }
    }

    fn read_tally(&mut self, live: &SupervisedDirectory) {
        let tally = live.supervise().map_err(|errno| StatusError::Read(errno.into()));
        let deaths = match tally.and_then(supervision::read_tally) {
            Err(error) if error.is_missing() => Ok(Vec::new()),
            tally => tally,
        };
        self.deaths = deaths.unwrap_or_else(|error| {
            self.trouble(format!("unable to read '{}/{}': {error}", layout::SUPERVISE, layout::DEATH_TALLY));
            Vec::new()
        });
    }

    /// The plan of the launcher that runs, and what it would rest for; else that of the run script.
    fn look_at_plan(&mut self, observer: &Observer, supervisor: Option<u32>) {
        let Some(directory) = self.service.live.as_ref().or(self.service.definition.as_ref()) else { return };
        if let Some(launcher) = &self.launcher {
            self.owner = Owner::Ours;
            match observer.plan_of(launcher, directory, supervisor) {
                Some(planned) => self.take(planned),
                None => self.record_doubt = Some(format!("pid {} has not the ids of one user", launcher.pid)),
            }
            return;
        }
        match observer.trust().script(directory) {
            Ok(script) => {
                // a script that is more than one plain command may still end in a launcher
                if mentions_launcher(&script.bytes) {
                    self.owner = Owner::Ours;
                }
                if let Some(planned) = observer.plan_of_script(&script, &self.service, directory, supervisor)
                {
                    self.take(planned);
                    self.findings = None;
                }
            }
            Err(error) => {
                // it may be ours
                if !error.is_missing() {
                    self.owner = Owner::Ours;
                }
                self.trouble(match &error {
                    Untrusted::Read(_, source) => {
                        format!("unable to read its run script: {}", reason_of(source))
                    }
                    Untrusted::Others(_) | Untrusted::NoUser(_) => error.to_string(),
                });
            }
        }
    }

    fn take(&mut self, planned: Planned) {
        let findings: Vec<&str> = planned.findings.iter().map(|finding| finding.text.as_str()).collect();
        self.findings = (!findings.is_empty()).then(|| findings.join("; "));
        self.opener = Some(planned.opener);
        self.plan = Some(planned.plan);
        self.plan.iter_mut().for_each(Plan::forget_worker);
        self.launcher.iter_mut().for_each(|launcher| launcher.words = Vec::new());
    }

    /// Record and log; with the ids that may open them, or why these cannot be taken on.
    fn look_at_files(&mut self, observer: &Observer, refused: Option<&AccountError>) {
        let Some(plan) = &self.plan else { return };
        match plan.state_dir.as_ref().map(|path| plan.directory.join(path)) {
            Some(directory) => {
                let record = match refused {
                    Some(error) => Err(error.to_string()),
                    None => record::read(&directory, plan.name.as_str()).map_err(|error| error.to_string()),
                };
                self.note_record(&directory, record);
            }
            None => {
                self.record_doubt = Some("there is no place for a run record: HOME is not set".to_string());
            }
        }
        let Some(path) = self.log_path() else { return };
        let log = match refused {
            Some(error) => Err(io::Error::other(error.to_string())),
            None => LogSummary::of(observer.is_root(), path.clone()),
        };
        match log {
            Ok(log) => self.log = log,
            Err(error) => {
                self.trouble(format!("unable to read log '{}': {}", path.display(), reason_of(&error)));
            }
        }
    }

    fn note_record(&mut self, directory: &Path, read: Result<Option<(RunRecord, u32)>, String>) {
        let Some(plan) = &self.plan else { return };
        let path = directory.join(format!("{}.json", plan.name));
        let shown = path.display();
        let read = match read {
            Ok(None) => Err(format!("run record '{shown}' is not there")),
            Ok(Some((_, owner))) if owner != 0 && owner != plan.identity.uid.as_raw() => Err(format!(
                "unable to read run record '{shown}': it belongs to uid {owner}, not to the service's user"
            )),
            Ok(Some((record, _))) => Ok(record),
            Err(error) => Err(format!("unable to read run record '{shown}': {error}")),
        };
        self.record_doubt = match read {
            Ok(record) => {
                self.previous_loop = PreviousLoop::of(&record);
                self.record = Some(record);
                None
            }
            Err(why) => {
                // a service that has never run has none
                if !why.ends_with("is not there") {
                    self.trouble(why.clone());
                }
                Some(why)
            }
        };
    }

    /// Doubts a record that another launcher wrote.
    fn doubt_record(&mut self) {
        let (Some(launcher), Some(record), Some(plan)) = (&self.launcher, &self.record, &self.plan) else {
            return;
        };
        let directory = plan.state_dir.as_ref().map(|path| plan.directory.join(path)).unwrap_or_default();
        let doubt = launcher.doubts(record, &directory.join(format!("{}.json", plan.name)));
        self.record_doubt = self.record_doubt.take().or(doubt);
    }

    /// Does something with the log, with the ids that may open it.
    pub fn attempt<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match &self.opener {
            Some(opener) => opener.attempt(action),
            None => Err(io::Error::other("nobody can tell with whose rights it may be read")),
        }
    }

    /// Where its output goes, if to a file.
    pub fn log_path(&self) -> Option<PathBuf> {
        match &self.plan.as_ref()?.log {
            LogPlan::File(path) => Some(self.plan.as_ref()?.directory.join(path)),
            LogPlan::Inherited => None,
        }
    }

    fn trouble(&mut self, trouble: String) {
        self.troubles.push(trouble);
    }

    /// Whether a launcher stays and runs its worker again and again.
    pub fn is_loop(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| matches!(plan.mode, Mode::Loop(_)))
    }

    /// What the supervisor wrote, if that is known.
    pub fn status(&self) -> Option<&Status> {
        match &self.supervisor {
            SupervisorState::Known(status) => Some(status),
            _ => None,
        }
    }

    /// Deaths since a time, where the supervisor records them.
    pub fn deaths_since(&self, since: SystemTime) -> Option<usize> {
        self.status().filter(|status| status.suite.keeps_tally())?;
        Some(self.deaths.iter().filter(|death| death.at >= since).count())
    }

    /// The record, if the launcher that runs now wrote it.
    pub fn current_record(&self) -> Option<&RunRecord> {
        let launcher = self.launcher.as_ref()?;
        self.record.as_ref().filter(|record| launcher.wrote(record))
    }
}

/// Records and logs, those of each user with its ids.
fn look_at_files(all: &mut [Snapshot], observer: &Observer) {
    let mut openers: Vec<Opener> = Vec::new();
    for opener in all.iter().filter_map(|snapshot| snapshot.opener.as_ref()) {
        if !openers.contains(opener) {
            openers.push(opener.clone());
        }
    }
    for opener in openers {
        let mut look = |refused: Option<&AccountError>| {
            let its = all.iter_mut().filter(|snapshot| snapshot.opener.as_ref() == Some(&opener));
            its.for_each(|snapshot| snapshot.look_at_files(observer, refused));
        };
        if let Err(error) = opener.act(|| look(None)) {
            look(Some(&error));
        }
    }
    // with root's ids again: whose directory a process has its user may not see
    all.iter_mut().for_each(Snapshot::doubt_record);
}

/// A time of a record.
pub fn time(stamp: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(stamp).ok()
}

/// When the supervisor of this process was started.
fn supervisor_since(pid: i32) -> Option<SystemTime> {
    let supervisor = sys::process::parent_of(pid).filter(|parent| *parent > 0)?;
    sys::clock::wall_now().checked_sub(sys::proc::stat(supervisor).ok()?.age())
}

fn supervision_of(live: &SupervisedDirectory) -> SupervisorState {
    let unreadable = |why: String| {
        SupervisorState::Unknown(format!("unable to read '{}/{}': {why}", layout::SUPERVISE, layout::STATUS))
    };
    let supervise = match live.supervise() {
        Err(Errno::ENOENT) => return SupervisorState::None,
        Err(errno) => return unreadable(reason(errno)),
        Ok(supervise) => supervise,
    };
    // who may not write there cannot tell, and reads what it last wrote
    if control::probe(supervise) == Err(ControlError::NoSupervisor) {
        return SupervisorState::None;
    }
    match Status::read(supervise) {
        Ok(status) => SupervisorState::Known(status),
        Err(error) => unreadable(error.to_string()),
    }
}
