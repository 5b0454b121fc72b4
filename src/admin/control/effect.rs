//! An order, and waiting for what it brings about.

use std::time::Duration;

use nix::errno::Errno;

use crate::observe::{Observer, Process, Snapshot};
use crate::record::RestingKind;
use crate::service::control::{self, ControlError, Order};
use crate::service::executable::{self, Obstacle};
use crate::service::layout;
use crate::service::place::Service;
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::supervision::{Cause, Status, StatusError, Suite};
use crate::sys::clock::BootTime;

/// How often is looked.
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// A process that lives for this long has not died at once.
const SETTLES: Duration = Duration::from_millis(250);
/// daemontools' supervise sleeps for a second after each start before it reads an order or notices a death.
const SETTLES_UNDER_DAEMONTOOLS: Duration = Duration::from_millis(1250);

/// A run that takes no longer is waited for.
const SHORT_RUN: Duration = Duration::from_secs(1);

/// A launcher that is to rest or to run has recorded that by then.
const SETTLES_RECORD_WITHIN: Duration = Duration::from_secs(5);

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Start,
    Stop,
    Restart,
    Reload,
    RunNow,
}

impl Verb {
    pub(super) fn word(self) -> &'static str {
        match self {
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
            Verb::Reload => "reload",
            Verb::RunNow => "run-now",
        }
    }
}

/// What came of it, in words, and whether it is what was wanted.
pub(super) struct Outcome {
    pub(super) said: String,
    pub(super) is_so: bool,
}

impl Outcome {
    fn so(said: impl Into<String>) -> Result<Self, ControlError> {
        Ok(Outcome { said: said.into(), is_so: true })
    }

    fn not_so(said: impl Into<String>) -> Result<Self, ControlError> {
        Ok(Outcome { said: said.into(), is_so: false })
    }
}

/// Gives the order and waits.
pub(super) fn bring_about(
    verb: Verb,
    service: Service,
    live: &SupervisedDirectory,
    patience: Duration,
    observer: &Observer,
) -> Result<Outcome, ControlError> {
    let directory = service.live.clone().unwrap_or_default();
    let obstacle = || executable::obstacle_of_run(&directory, observer.privileges());
    let snapshot = || observer.observe(service.clone());
    let until = BootTime::now().after(patience);
    let supervisor = Supervisor { live, until, obstacle: &obstacle, snapshot: &snapshot };
    // who may not give the order is told so before anything else
    control::probe(live.supervise().map_err(refused)?)?;
    let before = supervisor.status()?;
    match (verb, before.pid) {
        (Verb::Start, Some(pid)) if before.wants_up => match rest_of(&supervisor, pid) {
            None => Outcome::so(format!("is up already (pid {pid})")),
            Some(reason) => Outcome::not_so(format!("is up already (pid {pid}), resting: {reason}")),
        },
        (Verb::Start, _) => start(&supervisor, &before, "started"),
        (Verb::Stop, None) if !before.wants_up => Outcome::so("is down already"),
        (Verb::Stop, _) => stop(&supervisor, &before),
        (Verb::Restart, None) => start(&supervisor, &before, "was down: started"),
        (Verb::Restart, Some(pid)) => restart(&supervisor, pid),
        (Verb::Reload, None) => Outcome::not_so("is down: there is nothing to reload"),
        (Verb::Reload, Some(pid)) => {
            if let Some(why) = stands_before_launcher(pid, &snapshot()) {
                return Outcome::not_so(format!("{why}: HUP would end it, nothing was sent"));
            }
            supervisor.order(Order::Hangup)?;
            match supervisor.stays(pid)? {
                true => Outcome::so(format!("HUP sent to pid {pid}")),
                false => Outcome::not_so(format!("HUP sent to pid {pid}, and it has ended by that")),
            }
        }
        (Verb::RunNow, None) => Outcome::not_so("is down: start it first"),
        (Verb::RunNow, Some(_)) => run_now(&supervisor),
    }
}

/// The supervisor of one service.
struct Supervisor<'a> {
    live: &'a SupervisedDirectory,
    until: BootTime,
    /// Why its run script cannot be executed.
    obstacle: &'a dyn Fn() -> Option<Obstacle>,
    /// All that can be seen of the service.
    snapshot: &'a dyn Fn() -> Snapshot,
}

impl Supervisor<'_> {
    fn order(&self, order: Order) -> Result<(), ControlError> {
        let suite = self.status()?.suite;
        control::send(self.live.supervise().map_err(refused)?, suite, order)
    }

    fn status(&self) -> Result<Status, ControlError> {
        Status::read(self.live.supervise().map_err(refused)?).map_err(|error| match error {
            StatusError::Read(error) => refused(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))),
            StatusError::Malformed(why) => ControlError::Status(why),
        })
    }

    /// Looks until `wanted` holds of the status, or time is up; gives the last status.
    fn wait(&self, wanted: impl Fn(&Status) -> bool) -> Result<(Status, bool), ControlError> {
        loop {
            let status = self.status()?;
            if wanted(&status) {
                return Ok((status, true));
            }
            if BootTime::now() >= self.until {
                return Ok((status, false));
            }
            std::thread::sleep(LOOKS_EVERY);
        }
    }

    /// Whether this process lives on for a moment.
    fn stays(&self, pid: i32) -> Result<bool, ControlError> {
        let until = BootTime::now().after(match self.status()?.suite {
            Suite::S6 | Suite::Runit => SETTLES,
            Suite::Daemontools => SETTLES_UNDER_DAEMONTOOLS,
        });
        while BootTime::now() < until {
            if self.status()?.pid != Some(pid) {
                return Ok(false);
            }
            std::thread::sleep(LOOKS_EVERY);
        }
        Ok(true)
    }
}

fn refused(errno: Errno) -> ControlError {
    match errno {
        Errno::ENOENT => ControlError::NoSupervisor,
        errno => ControlError::Refused(errno),
    }
}

fn start(supervisor: &Supervisor<'_>, before: &Status, verb: &str) -> Result<Outcome, ControlError> {
    supervisor.order(Order::Up)?;
    let obstacle = (supervisor.obstacle)();
    // s6-supervise tries at once, and then only every 10 or 60 s; the others every second
    let give_up = BootTime::now().after(SHORT_RUN);
    let (status, _) = supervisor.wait(|status| {
        let is_hopeless = obstacle.is_some() && BootTime::now() >= give_up;
        status.pid.is_some() || status.changed > before.changed || is_hopeless
    })?;
    if let (None, Some(obstacle)) = (status.pid, obstacle) {
        return Outcome::not_so(format!("cannot be started: {}", obstacle.in_short()));
    }
    came_up(supervisor, status, verb)
}

/// Waits for readiness where the service tells it, and whether the new process dies at once.
fn came_up(supervisor: &Supervisor<'_>, status: Status, verb: &str) -> Result<Outcome, ControlError> {
    let Some(pid) = status.pid else {
        return Outcome::not_so(match status.changed {
            // s6 has tried and made no process: there was no end of one
            _ if status.wants_up && status.ready_changed.is_some_and(|end| end <= status.changed) => {
                "is not up yet: the supervisor's own log has the reason".to_string()
            }
            _ if status.wants_up => format!("{verb}, and it ended at once{}", with(status.cause)),
            _ => format!("is still down{}", with(status.cause)),
        });
    };
    if !supervisor.stays(pid)? {
        let cause = supervisor.status()?.cause;
        return Outcome::not_so(format!("{verb} (pid {pid}), and it ended at once{}", with(cause)));
    }
    if let Some(reason) = rest_of(supervisor, pid) {
        return Outcome::not_so(format!("{verb} (pid {pid}), resting: {reason}"));
    }
    if !supervisor.live.has(layout::NOTIFICATION_FD) {
        return Outcome::so(format!("{verb} (pid {pid})"));
    }
    // only s6 listens for it
    if status.is_ready.is_none() {
        return Outcome::so(format!("{verb} (pid {pid})"));
    }
    let (status, _) = supervisor.wait(|status| status.is_ready == Some(true) || status.pid != Some(pid))?;
    match (status.pid == Some(pid), status.is_ready == Some(true)) {
        (true, true) => Outcome::so(format!("{verb} and ready (pid {pid})")),
        (true, false) => Outcome::not_so(format!("{verb} (pid {pid}), and it has not said that it is ready")),
        (false, _) => Outcome::not_so(format!("{verb} (pid {pid}), and it ended{}", with(status.cause))),
    }
}

/// Why the launcher that is this process, or that it has started, rests, if it does. A process is not yet a worker.
fn rest_of(supervisor: &Supervisor<'_>, pid: i32) -> Option<String> {
    let until = supervisor.until.min(BootTime::now().after(SETTLES_RECORD_WITHIN));
    loop {
        let snapshot = (supervisor.snapshot)();
        if snapshot.status().and_then(|status| status.pid) != Some(pid) {
            return None;
        }
        match (snapshot.current_record(), snapshot.plan.is_some()) {
            (Some(record), _) => {
                let resting = record.resting.as_ref()?;
                return match resting.kind {
                    RestingKind::Configuration | RestingKind::Program | RestingKind::MaxFailures => {
                        Some(resting.reason.clone())
                    }
                    RestingKind::Done | RestingKind::Gate => None,
                };
            }
            // the worker in the launcher's place, or another program
            (None, _) if snapshot.launcher.is_none() && snapshot.process != Process::InRunScript => {
                return None;
            }
            (None, false) => return None,
            // a launcher that may not write the record rests all the same
            (None, true) if BootTime::now() >= until => return snapshot.launcher.and(snapshot.findings),
            (None, true) => {}
        }
        std::thread::sleep(LOOKS_EVERY);
    }
}

/// How it ended, where the supervisor writes that.
fn with(cause: Option<Cause>) -> String {
    cause.map_or(String::new(), |cause| format!(": {cause}"))
}

fn in_parentheses(cause: Option<Cause>) -> String {
    cause.map_or(String::new(), |cause| format!(" ({cause})"))
}

fn stop(supervisor: &Supervisor<'_>, before: &Status) -> Result<Outcome, ControlError> {
    supervisor.order(Order::Down)?;
    let (status, is_down) =
        supervisor.wait(|status| status.pid.is_none() && !status.is_finishing && !status.wants_up)?;
    match (is_down, status.pid) {
        // one that had no process has not ended now
        (true, _) if before.pid.is_none() => Outcome::so("stopped"),
        (true, _) => Outcome::so(format!("stopped{}", in_parentheses(status.cause))),
        (false, Some(pid)) => Outcome::not_so(format!("was asked to stop, and pid {pid} still runs")),
        (false, None) => Outcome::not_so("was asked to stop, and its finish script still runs"),
    }
}

fn restart(supervisor: &Supervisor<'_>, pid: i32) -> Result<Outcome, ControlError> {
    // that ends this life; a service that was to be down stays down without the other
    supervisor.order(Order::Up)?;
    supervisor.order(Order::Restart)?;
    let (status, is_new) = supervisor.wait(|status| status.pid.is_some_and(|new| new != pid))?;
    match (is_new, status.pid) {
        (true, _) => came_up(supervisor, status, "restarted"),
        (false, Some(pid)) => Outcome::not_so(format!("was asked to end, and pid {pid} still runs")),
        (false, None) => {
            Outcome::not_so(format!("has ended{}, and is not up again", in_parentheses(status.cause)))
        }
    }
}

/// A shell that has started the launcher and not replaced itself by it gets the signal that is meant for it.
fn stands_before_launcher(pid: i32, snapshot: &Snapshot) -> Option<String> {
    let launcher = snapshot.launcher.as_ref().filter(|launcher| launcher.pid != pid)?;
    Some(format!(
        "pid {pid} is what its run script has started futo-launch (pid {}) from, without exec",
        launcher.pid
    ))
}

fn run_now(supervisor: &Supervisor<'_>) -> Result<Outcome, ControlError> {
    let before = (supervisor.snapshot)();
    let pid = before.status().and_then(|status| status.pid).unwrap_or_default();
    if let Some(why) = stands_before_launcher(pid, &before) {
        return Outcome::not_so(format!("{why}: ALRM would end it, nothing was sent"));
    }
    let record = before.current_record();
    let resting = record.is_some_and(|record| record.resting.is_some());
    let is_loop = before.launcher.is_some() && before.is_loop();
    if !is_loop && !resting {
        return Outcome::not_so("is no loop: ALRM would end its worker, nothing was sent");
    }
    let is_running =
        !resting && record.is_some_and(|record| record.last_start.is_some() && record.last_end.is_none());
    supervisor.order(Order::Alarm)?;
    if is_running {
        return Outcome::so("a run is under way; one more follows it at once");
    }
    let runs = record.map_or(0, |record| record.runs);
    let mut short = None;
    loop {
        let now = (supervisor.snapshot)();
        let is_over = BootTime::now() >= supervisor.until;
        match now.current_record() {
            Some(record) if record.runs > runs => {
                let (end, number) = (record.last_end.as_ref(), record.runs);
                match (end, record.last_status) {
                    (Some(_), Some(status)) => {
                        return Outcome::so(format!("run {number} has ended with status {status}"));
                    }
                    _ if BootTime::now() >= *short.get_or_insert(BootTime::now().after(SHORT_RUN)) => {
                        return Outcome::so(format!("run {number} has begun"));
                    }
                    _ => {}
                }
            }
            Some(record) if is_over => {
                return Outcome::not_so(match (&record.resting, &record.waiting_for_lock) {
                    (Some(resting), _) => format!("still rests: {}", resting.reason),
                    (None, Some(lock)) => {
                        format!("ALRM was sent, and the run is waiting for the lock '{}'", lock.path)
                    }
                    (None, None) => "ALRM was sent, and no run has begun".to_string(),
                });
            }
            None if is_over => {
                let why = now.record_doubt.unwrap_or_else(|| "its launcher has ended".into());
                return Outcome::not_so(format!("ALRM was sent, and nothing shows what came of it: {why}"));
            }
            _ => {}
        }
        std::thread::sleep(LOOKS_EVERY);
    }
}
