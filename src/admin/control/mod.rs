//! `futo start`, `stop`, `restart`, `reload`, `run-now`: sends an order to the supervisor and waits for its effect, as
//! recorded by the supervisor and the launcher.

mod desired_state;
mod outcome;
mod signals;
mod start_stop;
mod supervisor;
mod verb;

use std::time::Duration;

use nix::errno::Errno;

use super::options::{Command, CommandOption, Key, Operands, Words, value};
use super::progress::Progress;
use super::{CommandError, services};
use crate::config::value::Delay;
use crate::error::reason;
use crate::exit::Exit;
use crate::observe::Observer;
use crate::report::{Level, Reporter};
use crate::service::control::ControlError;
use crate::service::place::Service;
use crate::service::signal_permission::{self, CannotSignal};
use crate::service::supervised_directory::SupervisedDirectory;
use crate::sys::clock::BootTime;
use outcome::{Outcome, missed, reached};
use supervisor::Supervisor;
use verb::Verb;

const TIMEOUT: CommandOption = value(Key::Timeout, "DURATION", "how long to wait for the effect [10 s]");
const OPTIONS: &[CommandOption] = &[TIMEOUT, services::SCAN_DIR, services::FROM];
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
macro_rules! exits {
    () => {
        "Exits 0 on success, 1 if the effect does not occur within --timeout (the order remains in force), 111 \
         if no order could be sent."
    };
}
const EXITS: &str = exits!();
const EXITS_AND_BOOT: &str = concat!(
    "If futo reconcile has published the service, the desired state is recorded for the next boot, too.\n",
    exits!()
);

pub(super) const START: Command = Command {
    name: "start",
    operands: Operands::Services("NAME|DIR…"),
    help: "start a service and wait until it is up, and ready if it reports readiness",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Start, &words),
};

pub(super) const STOP: Command = Command {
    name: "stop",
    operands: Operands::Services("NAME|DIR…"),
    help: "stop a service and wait until it is down; it stays down until the next boot (see disable)",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Stop, &words),
};

pub(super) const RESTART: Command = Command {
    name: "restart",
    operands: Operands::Services("NAME|DIR…"),
    help: "restart a service and wait until it is up; start it if it is down",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Restart, &words),
};

pub(super) const RELOAD: Command = Command {
    name: "reload",
    operands: Operands::Services("NAME|DIR…"),
    help: "send HUP: a loop reopens its log and rereads config.env; other workers get the signal itself",
    more: EXITS,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Reload, &words),
};

pub(super) const RUN_NOW: Command = Command {
    name: "run-now",
    operands: Operands::Services("NAME|DIR…"),
    help: "make a loop run its worker now, or right after the current run",
    more: EXITS,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::RunNow, &words),
};

fn give(verb: Verb, words: &Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: verb.word(), what, remedy: None };
    let patience = match words.value(Key::Timeout) {
        None => USUAL_TIMEOUT,
        Some(given) => Delay::parse(&given.to_string_lossy())
            .map_err(|why| usage(format!("--timeout: {why}")))?
            .duration(),
    };
    let services = services::named(verb.word(), words)?;
    let observer = Observer::new(&services::locations(words).scan_dir);
    let mut worst = Exit::OK;
    let mut progress = Progress::new();
    let all = services.len();
    for (service, number) in services.into_iter().zip(1..) {
        progress.set(&format!("{} {} ({number} of {all})", verb.word(), service.name));
        worst = worst.max(give_one(verb, service, patience, &observer, &mut progress));
    }
    Ok(worst)
}

/// Gives the order and prints what came of it.
fn give_one(
    verb: Verb,
    service: Service,
    patience: Duration,
    observer: &Observer,
    progress: &mut Progress,
) -> Exit {
    let given = order(verb, &service, patience, observer);
    progress.clear();
    match given {
        Ok((lines, exit)) => {
            lines.iter().for_each(|line| services::print_line(&service.name, line));
            exit
        }
        Err((why, hint)) => {
            let text = format!("unable to {} '{}': {why}", verb.word(), service.name);
            Reporter::of_program("futo").say_at_shell(Level::Fatal, &text, hint);
            Exit::SYSTEM
        }
    }
}

/// Why no order could be given, and the remedy.
type Refusal = (String, Option<&'static str>);

/// Gives the order and waits for its effect; returns the lines to print.
fn order(
    verb: Verb,
    service: &Service,
    patience: Duration,
    observer: &Observer,
) -> Result<(Vec<String>, Exit), Refusal> {
    let reporter = Reporter::of_program("futo");
    let Some(live) = &service.live else {
        let remedy = "futo check reports why; futo sync, as root, publishes it";
        return Err(("it is not published".to_string(), Some(remedy)));
    };
    let live =
        SupervisedDirectory::open(observer.caller(), live).map_err(|error| (error.to_string(), None))?;
    // the supervisor would read the order and silently fail to carry it out
    if let Some(refusal) = cannot_signal(verb, service, observer) {
        return Err((refusal.to_string(), Some(signal_permission::REMEDY)));
    }
    // if possible noted while the service is down: then it does not write its state file itself
    let mut noted = match verb {
        Verb::Start | Verb::Restart => desired_state::note(verb, &live, &reporter),
        Verb::Stop | Verb::Reload | Verb::RunNow => None,
    };
    let until = BootTime::now().after(patience);
    let supervisor = Supervisor { service, live: &live, observer, until };
    let (text, exit) = match bring_about(verb, &supervisor).map_err(|error| in_words(&error))? {
        Outcome::Reached(text) => (text, Exit::OK),
        Outcome::Missed(text) => (text, Exit::FINDINGS),
    };
    if verb == Verb::Stop {
        noted = desired_state::note(verb, &live, &reporter);
    }
    Ok(([text].into_iter().chain(noted).collect(), exit))
}

/// Whether the supervisor would need a right that it lacks.
fn cannot_signal(verb: Verb, service: &Service, observer: &Observer) -> Option<CannotSignal> {
    match verb {
        Verb::Start => None,
        Verb::Stop | Verb::Restart | Verb::Reload | Verb::RunNow => {
            let snapshot = observer.observe(service.clone());
            snapshot.status().and_then(|status| CannotSignal::check(status.pid?))
        }
    }
}

/// Sends the order and waits for its effect.
fn bring_about(verb: Verb, supervisor: &Supervisor<'_>) -> Result<Outcome, ControlError> {
    // a missing permission is reported before anything else
    supervisor.probe()?;
    let before = supervisor.status()?;
    match (verb, before.pid) {
        (Verb::Start, Some(pid)) if before.wants_up => match start_stop::rest_of(supervisor, pid) {
            None => reached(format!("is already up (pid {pid})")),
            Some(reason) => missed(format!("is already up (pid {pid}), resting: {reason}")),
        },
        (Verb::Start, _) => start_stop::start(supervisor, &before, "started"),
        (Verb::Stop, None) if !before.wants_up => reached("is already down"),
        (Verb::Stop, _) => start_stop::stop(supervisor, &before),
        (Verb::Restart, None) => start_stop::start(supervisor, &before, "was down: started"),
        (Verb::Restart, Some(pid)) => start_stop::restart(supervisor, pid),
        (Verb::Reload, None) => missed("is down: there is nothing to reload"),
        (Verb::Reload, Some(pid)) => signals::reload(supervisor, pid),
        (Verb::RunNow, None) => missed("is down: start it first"),
        (Verb::RunNow, Some(_)) => signals::run_now(supervisor),
    }
}

/// Why no order could be given, and what to do about it.
fn in_words(error: &ControlError) -> Refusal {
    match error {
        ControlError::Refused(Errno::EACCES) => (
            reason(Errno::EACCES),
            Some("run this as root, or as a member of the group that owns supervise/control"),
        ),
        ControlError::NoSupervisor => (
            "no supervisor is running".to_string(),
            Some("run s6-svscanctl -a /run/service as root; runsvdir and svscan start one by themselves"),
        ),
        ControlError::Status(_) => {
            (error.to_string(), Some("futo supports the supervisors of s6, runit and daemontools"))
        }
        ControlError::NoFifo | ControlError::Refused(_) => (error.to_string(), None),
    }
}
