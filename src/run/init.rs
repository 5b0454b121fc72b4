//! Exec mode as PID 1 of a container: the launcher stays as the parent, since no other process would reap orphans, and
//! PID 1 has no default action for TERM. It forwards every signal that can be caught to the worker's process group,
//! and exits with the worker's code.

use std::os::fd::AsFd;

use super::child::{Child, exit_of, not_started};
use super::outcome::Outcome;
use super::readiness::Readiness;
use crate::error::{Finding, Findings};
use crate::ready::readiness::Notification;
use crate::ready::{Ready, c_path, program};
use crate::report::Reporter;
use crate::sys::spawn::Launch;
use crate::wait::{Deadline, Waiter, handled};

/// Runs the worker once, and waits for it to end.
pub(crate) fn run_as_init(
    ready: Ready<'_>,
    waiter: &mut Waiter,
    reporter: &Reporter,
) -> Result<Outcome, Findings> {
    let plan = ready.plan;
    let candidates = program::candidates(plan, &ready.environment);
    let directory = plan.chdir.as_deref().map(c_path);
    let (arguments, environment) = (ready.arguments(), ready.environment.to_vector());
    // without --ready the worker inherits the descriptor, as with exec
    let _readiness = match plan.readiness.form {
        None => {
            ready.notification.iter().for_each(Notification::hand_on);
            None
        }
        Some(_) => {
            let (notification, timeout) = (ready.notification, ready.ready_timeout);
            let directory = directory.as_deref();
            Some(Readiness::begin(plan, notification, timeout, &environment, directory, reporter))
        }
    };
    let launched = Child::start(&Launch {
        candidates: &candidates,
        arguments: &arguments,
        environment: &environment,
        output: ready.log.descriptor(),
        join: ready.log.join(),
        directory: directory.as_deref(),
        umask: plan.umask,
        limits: &plan.limits.to_kernel(),
        handled: handled(),
        foreground: true,
    });
    let mut worker = launched.map_err(|error| not_started(error, plan, &ready.environment))?;
    let pump = ready.log.pump();
    loop {
        worker.reap();
        if let Some(ending) = worker.ended() {
            ready.log.settle_as_init();
            return Ok(Outcome::Left(exit_of(ending)));
        }
        // killed, it is started again: the worker would wait for ever
        let boot = pump.as_ref().and_then(|pump| pump.look_after(handled()));
        let life = pump.as_ref().filter(|_| boot.is_none()).map(|pump| pump.life());
        let life = life.as_ref().map(|life| life.as_fd());
        let signals = match waiter.wait(Deadline { boot, wall: None }, life) {
            Ok(signals) => signals,
            Err(errno) => {
                worker.signal_group(libc::SIGTERM);
                return Err(Finding::refused("wait", errno.into()).into());
            }
        };
        for signal in signals.into_iter().filter(|signal| *signal != libc::SIGCHLD) {
            worker.signal_group(signal);
        }
    }
}
