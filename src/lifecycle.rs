//! From the drop to the exit: attempt to run the worker, rest if only an edit helps, try again.

use nix::unistd::Pid;

use crate::config::value::Gate;
use crate::drop::Dropped;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::plan::{Mode, Place, Plan};
use crate::ready;
use crate::ready::readiness::Notification;
use crate::report::{Reporter, Topic};
use crate::rest::{self, Next, Rest, RunsAs};
use crate::run::{self, Before, BeforeEnd, Gates, LoopLock, MayStart, Outcome, Stopped};
use crate::sys;
use crate::wait::Waiter;

/// State kept from one attempt to the next.
struct Kept {
    /// Used once per process: later the number may belong to another descriptor.
    notification: Option<Notification>,
    /// A single stream of signals: a TERM could be lost between two.
    waiter: Option<Waiter>,
    loop_lock: LoopLock,
    before: Before,
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
    let mut kept = Kept {
        notification,
        waiter: None,
        loop_lock: LoopLock::default(),
        before: Before::default(),
        rest: Rest::default(),
    };
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

/// One attempt: the user's files, the gates, the commands of `--before`, then exec, one run as PID 1, or the loop.
fn attempt(dropped: &Dropped, kept: &mut Kept, reporter: &mut Reporter) -> Result<Outcome, Findings> {
    let plan = &dropped.plan;
    let Kept { notification, waiter, loop_lock, before, rest } = kept;
    let ready = ready::prepare(dropped, notification, reporter)?;
    match run::first_closed_gate(&ready, |gate| rest.patience(gate), waiter)? {
        Gates::Open => {}
        Gates::Closed(closed) => return Ok(Outcome::GateClosed(closed)),
        Gates::Stopped => return Ok(Outcome::Left(Exit::OK)),
        // in a loop it makes the run fail, unless something has to come before the loop
        Gates::Undecided(_) if matches!(plan.mode, Mode::Loop(_)) && !waits_for_something(plan) => {}
        Gates::Undecided(finding) => return Err(finding.into()),
    }
    let supervisor = rest.supervisor(plan);
    // a loop that was left by a killed supervisor must have ended before anything of this one runs
    if let (Mode::Loop(_), Some(supervisor)) = (&plan.mode, supervisor)
        && let MayStart::Stopped = take_loop_lock(plan, loop_lock, supervisor, waiter, reporter)?
    {
        return Ok(Outcome::Left(Exit::OK));
    }
    match before.run(&ready, supervisor, waiter, reporter)? {
        // a command may have written config.env
        BeforeEnd::Succeeded if !ready.environment.signature().is_current() => return Ok(Outcome::Outdated),
        BeforeEnd::HaveSucceeded | BeforeEnd::Succeeded => {}
        BeforeEnd::Stopped(exit) => return Ok(Outcome::Left(exit)),
        BeforeEnd::Failed(failure) => return Ok(Outcome::BeforeFailed(failure)),
    }
    rest.end(&ready, reporter);
    reporter.trouble(Topic::Readiness, ready::readiness::unheard(plan));
    if matches!(plan.mode, Mode::Exec) {
        let Stopped = run::exec(ready, waiter.as_mut(), reporter)?;
        return Ok(Outcome::Left(Exit::OK));
    }
    let waiter = Waiter::in_place(waiter).map_err(no_signals)?;
    match ready.timing.clone() {
        Some(timing) => run::run_loop(ready, timing, rest.take_first_delay(), waiter, reporter),
        None => run::run_as_init(ready, waiter, reporter),
    }
}

/// Whether a gate or a command has to precede even the first run of a loop.
fn waits_for_something(plan: &Plan) -> bool {
    !plan.before.is_empty() || plan.gates.iter().any(Gate::is_waited_for)
}

fn take_loop_lock(
    plan: &Plan,
    loop_lock: &mut LoopLock,
    supervisor: Pid,
    waiter: &mut Option<Waiter>,
    reporter: &mut Reporter,
) -> Result<MayStart, Finding> {
    let waiter = Waiter::in_place(waiter).map_err(no_signals)?;
    waiter.watch_parent(supervisor);
    loop_lock.take(plan, waiter, reporter)
}

fn no_signals(error: std::io::Error) -> Finding {
    Finding::refused("set up signal handling", error)
}
