//! Ready → the worker, directly or in a loop; and what becomes of a launch that cannot go on.

mod bounded;
mod cycle;
mod exec;
mod gates;
mod hook;
mod init;
mod lock;
mod one_run;
mod pacer;
mod readiness;
mod record;
mod sd_notify;
mod signals;
pub(crate) mod splay;
mod waiter;
mod worker;

pub use gates::Closed;
pub use record::{LockWait, Resting, RestingKind, RunRecord};
pub(crate) use record::{read as read_record, says_resting, write_resting};
pub use signals::Signals;
pub use waiter::{Deadline, Waiter};
pub(crate) use worker::reap_orphans;

use std::time::Duration;

use gates::Gates;

use crate::drop::Dropped;
use crate::error::Findings;
use crate::exit::Exit;
use crate::plan::Mode;
use crate::ready;
use crate::ready::environment::Signature;
use crate::ready::readiness::Notification;
use crate::report::{Level, Reporter};
use crate::rest;
use crate::sys;

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

/// Runs the worker; rests and starts afresh under a supervisor. In exec mode it returns only if the
/// program could not be executed.
pub fn run(dropped: &Dropped, reporter: &mut Reporter) -> Exit {
    let plan = &dropped.plan;
    // before anything of ours is open
    let mut notification = match ready::settle_descriptors(plan) {
        Ok(notification) => notification,
        Err(findings) => {
            return rest::until_run_changes(plan, rest::Rights::Dropped, &findings, reporter);
        }
    };
    let mut rest = rest::Rest::default();
    let mut waiter = None;
    loop {
        let ended = attempt(dropped, &mut notification, &mut rest, &mut waiter, reporter);
        match rest.after(ended, plan, &mut waiter, reporter) {
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
    rest: &mut rest::Rest,
    waiter: &mut Option<Waiter>,
    reporter: &mut Reporter,
) -> Ended {
    let ready = match ready::prepare(dropped, notification, reporter) {
        Ok(ready) => ready,
        Err(findings) => return Ended::Broken(findings),
    };
    match gates::look(&ready, waiter) {
        Ok(Gates::Open) => {}
        Ok(Gates::Closed(closed)) => return Ended::Gate(closed),
        Ok(Gates::Stopped) => return Ended::Left(Exit::OK),
        Err(finding) => return Ended::Broken(finding.into()),
    }
    rest.is_over(&ready, reporter);
    if matches!(dropped.plan.mode, Mode::Exec) {
        return exec::exec(ready, waiter.as_mut(), reporter);
    }
    // one stream of signals for as long as the launcher stays: between two, a TERM would be lost
    let waiter = match Waiter::in_place(waiter) {
        Ok(waiter) => waiter,
        Err(error) => return Ended::Broken(worker::system_refused("take signals", error).into()),
    };
    match ready.timing.clone() {
        Some(timing) => cycle::run_loop(ready, timing, rest.take_first_delay(), waiter, reporter),
        None => init::run_as_init(ready, waiter, reporter),
    }
}

/// `60 s`, `1m 30s`, to the millisecond below two minutes.
fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}
