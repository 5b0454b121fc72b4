//! From the drop to the exit: attempt to run the worker, rest if only an edit helps, try again.

use crate::drop::Dropped;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::plan::{Mode, Place};
use crate::ready;
use crate::ready::readiness::Notification;
use crate::report::{Reporter, Topic};
use crate::rest::{self, Next, Rest, RunsAs};
use crate::run::{self, Gates, LoopLock, MayStart, Outcome, Stopped};
use crate::sys;
use crate::wait::Waiter;

/// State kept from one attempt to the next.
struct Kept {
    /// Used once per process: later the number may belong to another descriptor.
    notification: Option<Notification>,
    /// A single stream of signals: a TERM could be lost between two.
    waiter: Option<Waiter>,
    loop_lock: LoopLock,
    rest: Rest,
}

/// Runs the worker; under a supervisor, rests and attempts again. In exec mode it returns only if the program
/// could not be executed.
pub(crate) fn run(dropped: &Dropped, reporter: &mut Reporter) -> Exit {
    let plan = &dropped.plan;
    // before the launcher opens any descriptor
    let notification = match ready::settle_descriptors(plan) {
        Ok(notification) => notification,
        Err(findings) => return rest::until_run_changes(plan, RunsAs::User, &findings, reporter),
    };
    let mut kept = Kept { notification, waiter: None, loop_lock: LoopLock::default(), rest: Rest::default() };
    if plan.place == Place::Service && sys::signals::is_any_ignored() && kept.rest.supervisor(plan).is_some()
    {
        // at a shell the user asked for it (nohup); a service never did
        sys::signals::reset_ignored();
    }
    loop {
        let outcome = attempt(dropped, &mut kept, reporter);
        match kept.rest.after(outcome, plan, &mut kept.waiter, reporter) {
            Next::Attempt => {}
            Next::Leave(exit) => return exit,
        }
    }
}

/// One attempt: the user's files, the gates, then exec, one run as PID 1, or the loop.
fn attempt(dropped: &Dropped, kept: &mut Kept, reporter: &mut Reporter) -> Result<Outcome, Findings> {
    let plan = &dropped.plan;
    let Kept { notification, waiter, loop_lock, rest } = kept;
    let ready = ready::prepare(dropped, notification, reporter)?;
    match run::first_closed_gate(&ready, |gate| rest.patience(gate), waiter)? {
        Gates::Open => {}
        Gates::Closed(closed) => return Ok(Outcome::GateClosed(closed)),
        Gates::Stopped => return Ok(Outcome::Left(Exit::OK)),
        // in a loop it makes the run fail
        Gates::Undecided(_) if matches!(plan.mode, Mode::Loop(_)) => {}
        Gates::Undecided(finding) => return Err(finding.into()),
    }
    rest.end(&ready, reporter);
    reporter.trouble(Topic::Readiness, ready::readiness::unheard(plan));
    if matches!(plan.mode, Mode::Exec) {
        let Stopped = run::exec(ready, waiter.as_mut(), reporter)?;
        return Ok(Outcome::Left(Exit::OK));
    }
    let waiter =
        Waiter::in_place(waiter).map_err(|error| Finding::refused("set up signal handling", error))?;
    let Some(timing) = ready.timing.clone() else { return run::run_as_init(ready, waiter, reporter) };
    if let Some(supervisor) = rest.supervisor(plan) {
        waiter.watch_parent(supervisor);
        match loop_lock.take(plan, waiter, reporter)? {
            MayStart::Yes => {}
            MayStart::Stopped => return Ok(Outcome::Left(Exit::OK)),
        }
    }
    run::run_loop(ready, timing, rest.take_first_delay(), waiter, reporter)
}
