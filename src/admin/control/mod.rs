//! `futo start`, `stop`, `restart`, `reload`, `run-now`: an order for the supervisor, and what came of it. The
//! effect is read from what it writes down; nothing is done without a word.

mod effect;
mod wish;

use std::time::Duration;

use super::options::{Command, CommandOption, Words, value};
use super::{CommandError, services};
use crate::config::value::Delay;
use crate::exit::Exit;
use crate::observe::Observer;
use crate::report::{Level, Reporter};
use crate::service::control::ControlError;
use crate::service::place::Service;
use crate::service::signal_permission::{self, CannotSignal};
use crate::service::supervised_directory::SupervisedDirectory;
use effect::{Outcome, Verb};

const TIMEOUT: CommandOption = value("timeout", "DURATION", "how long to wait for the effect [10 s]");
const OPTIONS: &[CommandOption] = &[TIMEOUT, services::SCAN_DIR, services::FROM];
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
macro_rules! exits {
    () => {
        "Exits 0 when it is so, 1 if it is not within --timeout (the order stands), 111 if no order could be given."
    };
}
const EXITS: &str = exits!();
const EXITS_AND_BOOT: &str = concat!(
    "Of a service that futo reconcile starts as it was left it is noted for the next boot.\n",
    exits!()
);

pub(super) const START: Command = Command {
    name: "start",
    operands: "NAME|DIR…",
    help: "start a service that is down, and wait until it is up, and ready if it tells that",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Start, &words),
};

pub(super) const STOP: Command = Command {
    name: "stop",
    operands: "NAME|DIR…",
    help: "stop a service and wait until it is down; it stays so until the next boot (see disable)",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Stop, &words),
};

pub(super) const RESTART: Command = Command {
    name: "restart",
    operands: "NAME|DIR…",
    help: "end a service's process and wait until a new one is up; one that is down is started",
    more: EXITS_AND_BOOT,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Restart, &words),
};

pub(super) const RELOAD: Command = Command {
    name: "reload",
    operands: "NAME|DIR…",
    help: "HUP: a loop opens its log and reads config.env again; another worker gets the signal itself",
    more: EXITS,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::Reload, &words),
};

pub(super) const RUN_NOW: Command = Command {
    name: "run-now",
    operands: "NAME|DIR…",
    help: "let a loop run its worker now, or right after the run that is under way",
    more: EXITS,
    options: OPTIONS,
    launch_options: false,
    run: |words| give(Verb::RunNow, &words),
};

fn give(verb: Verb, words: &Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: verb.word(), what, remedy: None };
    let patience = match words.value(TIMEOUT.long) {
        None => USUAL_TIMEOUT,
        Some(given) => Delay::parse(&given.to_string_lossy())
            .map_err(|why| usage(format!("--timeout: {why}")))?
            .duration(),
    };
    let services = services::named(verb.word(), words)?;
    let observer = Observer::new(&services::places(words).scan_dir);
    let mut worst = Exit::OK;
    for service in services {
        worst = worst.max(give_one(verb, service, patience, &observer));
    }
    Ok(worst)
}

fn give_one(verb: Verb, service: Service, patience: Duration, observer: &Observer) -> Exit {
    let reporter = Reporter::of_program("futo");
    let name = service.name.clone();
    let verb_word = verb.word();
    let refuse = |why: &str, hint: Option<&str>| {
        reporter.say_at_shell(Level::Fatal, &format!("unable to {verb_word} '{name}': {why}"), hint);
        Exit::SYSTEM
    };
    let Some(live) = &service.live else {
        return refuse("it is not published", Some("futo check says why; root publishes it"));
    };
    let live = match SupervisedDirectory::open(observer.caller(), live) {
        Ok(live) => live,
        Err(error) => return refuse(&error.to_string(), None),
    };
    // the supervisor would take the order and silently fail to carry it out
    let deaf = match verb {
        Verb::Start => None,
        Verb::Stop | Verb::Restart | Verb::Reload | Verb::RunNow => {
            let snapshot = observer.observe(service.clone());
            snapshot.status().and_then(|status| CannotSignal::check(status.pid?))
        }
    };
    if let Some(deaf) = deaf {
        return refuse(&deaf.to_string(), Some(signal_permission::REMEDY));
    }
    // noted while the service is down, where it can be: then it does not write its state itself
    let mut wish = match verb {
        Verb::Start | Verb::Restart => wish::note(verb, &live, &reporter),
        Verb::Stop | Verb::Reload | Verb::RunNow => None,
    };
    match effect::bring_about(verb, service, &live, patience, observer) {
        Ok(Outcome { said, is_so }) => {
            if verb == Verb::Stop {
                wish = wish::note(verb, &live, &reporter);
            }
            for said in [said].into_iter().chain(wish) {
                services::say(&name, &said);
            }
            if is_so { Exit::OK } else { Exit::FINDINGS }
        }
        Err(ControlError::Refused(nix::errno::Errno::EACCES)) => {
            let why = "permission denied";
            refuse(
                why,
                Some("root may, and members of the group that its supervise/control has been given to"),
            )
        }
        Err(ControlError::NoSupervisor) => refuse(
            "no supervisor runs",
            Some(
                "s6-svscan takes it up: s6-svscanctl -a /run/service, as root; runsvdir and svscan do by themselves",
            ),
        ),
        Err(error @ ControlError::Status(_)) => {
            refuse(&error.to_string(), Some("futo knows the supervisors of s6, runit and daemontools"))
        }
        Err(error) => refuse(&error.to_string(), None),
    }
}
