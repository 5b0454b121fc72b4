//! Ready → the worker, directly or in a loop; and what becomes of a launch that cannot go on.

mod bounded;
mod cycle;
mod ending;
mod exec;
mod gates;
mod hook;
mod init;
mod lock;
mod loop_lock;
mod one_run;
mod pacer;
mod readiness;
mod sd_notify;
mod worker;

pub use gates::Closed;

use std::time::Duration;

use gates::Gates;
use loop_lock::{LoopLock, MayBegin};

use crate::drop::Dropped;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::plan::{Mode, Place};
use crate::ready;
use crate::ready::environment::Signature;
use crate::ready::readiness::Notification;
use crate::record::Resting;
use crate::report::{Level, Reporter};
use crate::rest::{self, Rest, Rights};
use crate::sys;
use crate::wait::Waiter;

/// How an attempt at running the worker ended.
#[derive(Debug)]
pub enum Ended {
    /// The launcher leaves.
    Left(Exit),
    /// Something must be mended first.
    Broken(Findings),
    /// A gate is closed.
    Gate(Closed),
    /// The loop has come to its end: done, or too many failures.
    Over {
        /// Why.
        resting: Resting,
        /// Of the files that the variables were read from.
        signature: Signature,
        /// After which another run would have followed.
        delay: Duration,
    },
}

/// What a launcher keeps through rests and new attempts.
#[derive(Default)]
struct Life {
    /// One stream of signals: between two, a TERM would be lost.
    waiter: Option<Waiter>,
    lock: LoopLock,
}

/// Runs the worker; rests and starts afresh under a supervisor. In exec mode it returns only if the
/// program could not be executed.
pub fn run(dropped: &Dropped, reporter: &mut Reporter) -> Exit {
    let plan = &dropped.plan;
    // before anything of ours is open
    let mut notification = match ready::settle_descriptors(plan) {
        Ok(notification) => notification,
        Err(findings) => return rest::until_run_changes(plan, Rights::Dropped, &findings, reporter),
    };
    let mut rest = Rest::default();
    if plan.place == Place::Service && sys::signals::is_any_ignored() && rest.supervisor(plan).is_some() {
        // at a shell somebody has asked for that (nohup); for a service nobody has
        sys::signals::reset_ignored();
    }
    let mut life = Life::default();
    loop {
        let ended = attempt(dropped, &mut notification, &mut rest, &mut life, reporter);
        match rest.after(ended, plan, &mut life.waiter, reporter) {
            rest::Then::StartAfresh => {}
            rest::Then::Leave(exit) => return exit,
        }
    }
}

/// One run in place of this process, outside a supervisor: nothing rests, nobody is told of readiness. Returns
/// only if the program could not be executed.
pub fn run_in_foreground(dropped: &Dropped, reporter: &mut Reporter) -> Exit {
    if let Err(errno) = sys::fd::close_all_but(&[]) {
        reporter.finding(Level::Fatal, &ready::ReadyError::Close(errno).into());
        return Exit::SYSTEM;
    }
    let ended = match ready::prepare(dropped, &mut None, reporter) {
        Ok(ready) => exec::exec(ready, None, reporter),
        Err(findings) => Ended::Broken(findings),
    };
    match ended {
        Ended::Left(exit) => exit,
        Ended::Broken(findings) => {
            reporter.findings(Level::Fatal, &findings);
            findings.exit()
        }
        // a loop's and a gate's, neither of which is here
        Ended::Over { .. } | Ended::Gate(_) => Exit::SYSTEM,
    }
}

fn attempt(
    dropped: &Dropped,
    notification: &mut Option<Notification>,
    rest: &mut Rest,
    life: &mut Life,
    reporter: &mut Reporter,
) -> Ended {
    let plan = &dropped.plan;
    let ready = match ready::prepare(dropped, notification, reporter) {
        Ok(ready) => ready,
        Err(findings) => return Ended::Broken(findings),
    };
    match gates::look(&ready, &mut life.waiter) {
        Ok(Gates::Open) => {}
        Ok(Gates::Closed(closed)) => return Ended::Gate(closed),
        Ok(Gates::Stopped) => return Ended::Left(Exit::OK),
        Err(finding) => return Ended::Broken(finding.into()),
    }
    rest.is_over(&ready, reporter);
    reporter.trouble("readiness", ready::readiness::unheard(plan));
    if matches!(plan.mode, Mode::Exec) {
        return exec::exec(ready, life.waiter.as_mut(), reporter);
    }
    let waiter = match Waiter::in_place(&mut life.waiter) {
        Ok(waiter) => waiter,
        Err(error) => return Ended::Broken(Finding::refused("take signals", error).into()),
    };
    let Some(timing) = ready.timing.clone() else { return init::run_as_init(ready, waiter, reporter) };
    if let Some(supervisor) = rest.supervisor(plan) {
        waiter.watch_parent(supervisor);
        match life.lock.take(plan, waiter, reporter) {
            Ok(MayBegin::Yes) => {}
            Ok(MayBegin::Stopped) => return Ended::Left(Exit::OK),
            Err(finding) => return Ended::Broken(finding.into()),
        }
    }
    cycle::run_loop(ready, timing, rest.take_first_delay(), waiter, reporter)
}

/// `60 s`, `1m 30s`, to the millisecond below two minutes.
fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}
