//! Sleeping until something ends a rest.

use std::time::Duration;

use nix::errno::Errno;

use super::watch::{Changed, Watch};
use crate::sys::clock::BootTime;
use crate::sys::process::reap_orphans;
use crate::sys::settle::Settling;
use crate::wait::{Deadline, Waiter, is_stop};

/// How often is looked where a change may go unreported.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What ended a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// A signal asks for the end.
    Stop,
    /// The supervisor has gone: it cannot be stopped any more, and another launcher is started.
    Orphaned,
    /// The time to look again has come.
    ToLookAgain,
    /// HUP, ALRM, or a change.
    By(Changed),
    /// The system refuses to wait.
    Refused(Errno),
}

/// Sleeps until a stop, a request to try again, or a change of at least this weight.
pub(super) fn sleep(
    watch: &mut Watch,
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
        let look_at = watch.unwatched().map(|_| BootTime::now().after(LOOK_EVERY));
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
            return Woken::ToLookAgain;
        }
    }
}
