//! Sleeping until something ends a rest.

use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::change::Changed;
use super::watch::RestWatch;
use crate::error::Finding;
use crate::exit::Exit;
use crate::report::{Level, Reporter};
use crate::sys::clock::BootTime;
use crate::sys::process::reap_orphans;
use crate::sys::settle::Settling;
use crate::wait::{Deadline, Waiter, is_stop};

/// The polling interval where a change may go unreported.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// What ended a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// A stop signal.
    Stop,
    /// The supervisor is gone: this launcher can no longer be stopped, and the next supervisor starts another.
    Orphaned,
    /// A recheck is due.
    RecheckDue,
    /// HUP, ALRM, or a change.
    By(Changed),
    /// The system refused the wait.
    Refused(Errno),
}

/// The stream of signals, one of which reports the supervisor's end.
pub(super) fn waiter_in<'a>(
    place: &'a mut Option<Waiter>,
    supervisor: Option<Pid>,
    reporter: &Reporter,
) -> Option<&'a mut Waiter> {
    match Waiter::in_place(place) {
        Ok(waiter) => {
            if let Some(supervisor) = supervisor {
                waiter.watch_parent(supervisor);
            }
            Some(waiter)
        }
        Err(error) => {
            reporter.finding(Level::Fatal, &Finding::refused("set up signal handling", error));
            None
        }
    }
}

/// Ends a rest whose supervisor is gone.
pub(super) fn orphaned(reporter: &Reporter) -> Exit {
    reporter.warn("the supervisor is gone (was it killed?): exiting");
    Exit::OK
}

/// Ends a rest after a refusal by the system.
pub(super) fn unable_to_wait(errno: Errno, reporter: &Reporter) -> Exit {
    reporter.finding(Level::Fatal, &Finding::refused("wait while resting", errno.into()));
    Exit::SYSTEM
}

/// Sleeps until a stop, a request to try again, or at least this change.
pub(super) fn sleep(
    watch: &mut RestWatch,
    waiter: &mut Waiter,
    least: Changed,
    again: Option<BootTime>,
) -> Woken {
    let mut most = Changed::Nothing;
    let mut settling = Settling::default();
    loop {
        if waiter.has_lost_parent() {
            return Woken::Orphaned;
        }
        let look_at = watch.unwatched().map(|_| BootTime::now().after(POLL_INTERVAL));
        let boot = settling.due().into_iter().chain(again).chain(look_at).min();
        let signals = match waiter.wait_for_any(Deadline { boot, wall: None }, &watch.descriptors()) {
            Ok(signals) => signals,
            Err(errno) => return Woken::Refused(errno),
        };
        reap_orphans();
        for signal in signals {
            match signal {
                signal if is_stop(signal) => return Woken::Stop,
                libc::SIGHUP | libc::SIGALRM => return Woken::By(most.max(Changed::UsersFiles)),
                _ => {}
            }
        }
        let now = BootTime::now();
        let changed = watch.changed();
        if changed >= least {
            most = most.max(changed);
            settling.event(now);
        }
        if settling.is_over(now) {
            return Woken::By(most);
        }
        if again.is_some_and(|at| now >= at) {
            return Woken::RecheckDue;
        }
    }
}
