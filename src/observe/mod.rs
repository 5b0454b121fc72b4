//! What is known of a service at this moment: what s6-supervise writes down, our run record, the log. Reads
//! only, bounded, and as root follows no link of a user's.

mod log;
mod seat;
pub mod state;

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

pub use log::{LogSeen, last_lines};
pub use seat::{Machinery, as_under_supervisor, run_script_of, words_of};
pub use state::State;

use crate::error::reason_of;
use crate::plan::{LogPlan, Mode, Plan};
use crate::run::{RecordError, RunRecord, read_record};
use crate::service::place::{Live, Service};
use crate::service::supervision::{self, Death, MAX_TALLY, STATUS_LENGTH, Status};
use crate::service::{control, layout};

/// What a supervisor does for the service.
#[derive(Debug)]
pub enum Supervision {
    /// Its definition has not been published.
    NotPublished,
    /// It is published and no supervisor runs.
    None,
    /// What the supervisor wrote cannot be read.
    Unknown(String),
    /// As it wrote.
    Known(Status),
}

/// What a service is, at this moment.
#[derive(Debug)]
pub struct Seen {
    /// What it is and where.
    pub service: Service,
    /// The supervisor's part.
    pub supervision: Supervision,
    /// When and how its processes died, the oldest first.
    pub deaths: Vec<Death>,
    /// `down` is there: it is not started by itself.
    pub is_down_by_file: bool,
    /// It tells its readiness.
    pub tells_readiness: bool,
    /// The launcher's plan; none if its run script is not ours.
    pub plan: Option<Plan>,
    /// Our part.
    pub record: Option<RunRecord>,
    /// Its log, if there is one.
    pub log: Option<LogSeen>,
    /// What could not be read, and why.
    pub troubles: Vec<String>,
}

impl Seen {
    /// What can be seen of a service.
    pub fn of(service: Service, machinery: &Machinery) -> Self {
        let mut seen = Seen {
            service,
            supervision: Supervision::NotPublished,
            deaths: Vec::new(),
            is_down_by_file: false,
            tells_readiness: false,
            plan: None,
            record: None,
            log: None,
            troubles: Vec::new(),
        };
        let live = seen.look_at_supervisor(machinery);
        let supervisor = live.as_ref().and_then(Live::supervisor_uid);
        seen.plan = machinery.plan(&seen.service, supervisor, &mut seen.troubles);
        seen.read_record();
        seen.look_at_log(machinery);
        seen
    }

    fn look_at_supervisor(&mut self, machinery: &Machinery) -> Option<Live> {
        let path = self.service.live.as_ref()?;
        let live = match Live::open(machinery.is_root(), path) {
            Ok(live) => live,
            Err(error) => {
                self.supervision = Supervision::Unknown(error.to_string());
                return None;
            }
        };
        self.is_down_by_file = live.has(layout::DOWN);
        self.tells_readiness = live.has(layout::NOTIFICATION_FD);
        self.supervision = supervision_of(&live);
        if matches!(self.supervision, Supervision::Known(_)) {
            let tally = live.read_of_supervisor(layout::DEATH_TALLY, MAX_TALLY);
            let deaths = match tally {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(reason_of(&error)),
                Ok(bytes) => supervision::decode_tally(&bytes).map_err(|error| error.to_string()),
            };
            self.deaths = deaths.unwrap_or_else(|why| {
                self.trouble(format!(
                    "unable to read '{}/{}': {why}",
                    layout::SUPERVISE,
                    layout::DEATH_TALLY
                ));
                Vec::new()
            });
        }
        Some(live)
    }

    fn read_record(&mut self) {
        let Some(plan) = &self.plan else { return };
        let Some(directory) = &plan.state_dir else { return };
        let name = plan.name.as_str();
        let path = directory.join(format!("{name}.json"));
        let trouble = match read_record(directory, name) {
            Ok(None) | Err(RecordError::NoDirectory) => None,
            Ok(Some((_, owner))) if owner != 0 && owner != plan.identity.uid.as_raw() => {
                Some(format!("it belongs to uid {owner}, not to the service's user"))
            }
            Ok(Some((record, _))) => {
                self.record = Some(record);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = trouble {
            self.trouble(format!("unable to read run record '{}': {why}", path.display()));
        }
    }

    fn look_at_log(&mut self, machinery: &Machinery) {
        let Some(path) = self.log_path() else { return };
        match LogSeen::of(machinery.is_root(), path.clone()) {
            Ok(log) => self.log = log,
            Err(error) => {
                self.trouble(format!("unable to read log '{}': {}", path.display(), reason_of(&error)));
            }
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
        match &self.supervision {
            Supervision::Known(status) => Some(status),
            _ => None,
        }
    }

    /// Deaths since a time.
    pub fn deaths_since(&self, since: SystemTime) -> usize {
        self.deaths.iter().filter(|death| death.at >= since).count()
    }

    /// The record, if it speaks of the process that is up now.
    pub fn current_record(&self) -> Option<&RunRecord> {
        let status = self.status()?;
        let record = self.record.as_ref()?;
        let pid = status.pid?;
        // a shell that did not exec is the leader, not the launcher; stamps of the record have no fractions
        let changed = status.changed.checked_sub(std::time::Duration::from_secs(1))?;
        let is_younger =
            |stamp: Option<&String>| stamp.and_then(|stamp| time(stamp)).is_some_and(|at| at >= changed);
        let since = record.resting.as_ref().map(|resting| &resting.since);
        (record.pid == pid || is_younger(record.last_start.as_ref()) || is_younger(since)).then_some(record)
    }
}

/// A time of a record.
pub fn time(stamp: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(stamp).ok()
}

fn supervision_of(live: &Live) -> Supervision {
    let unreadable = |why: String| {
        Supervision::Unknown(format!("unable to read '{}/{}': {why}", layout::SUPERVISE, layout::STATUS))
    };
    match live.supervise() {
        Err(nix::errno::Errno::ENOENT) => return Supervision::None,
        Err(errno) => return unreadable(crate::error::reason(errno)),
        // who may not write there cannot tell, and reads what it last wrote
        Ok(supervise) => {
            if control::look(supervise) == Err(control::ControlError::NoSupervisor) {
                return Supervision::None;
            }
        }
    }
    match live.read_of_supervisor(layout::STATUS, STATUS_LENGTH) {
        Ok(bytes) => {
            Status::decode(&bytes).map_or_else(|error| unreadable(error.to_string()), Supervision::Known)
        }
        Err(error) => unreadable(reason_of(&error)),
    }
}
