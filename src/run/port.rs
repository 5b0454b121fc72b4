//! `--wait-for tcp:`: a helper tries to connect, while this process sleeps until that has ended or a signal arrives. A
//! lookup of a name may take long, and has no descriptor to wait on.

use std::io::Read;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::child::Child;
use crate::config::value::Endpoint;
use crate::error::Finding;
use crate::ready::port::{PortError, try_connect};
use crate::sys;
use crate::sys::clock::{BootTime, pause};
use crate::sys::process::Ending;
use crate::wait::{Deadline, Waiter, handled, is_stop};

/// The pause between two attempts, doubled each time up to the maximum.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The time limit of the first attempt, after which the service is reported to wait,
const FIRST_LIMIT: Duration = Duration::from_secs(5);
/// and that of every other attempt: several DNS servers may be down.
const LIMIT: Duration = Duration::from_secs(30);
/// A helper starts no attempt later than this, so that a different reason is reported soon.
const ROUND: Duration = Duration::from_secs(10);

/// How long to try before the result is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// One attempt.
    Once,
    /// Attempts for some seconds, since it is already known that the port is closed.
    Round,
}

/// The result for a port.
pub(super) enum Looked {
    /// It accepts connections.
    Open,
    /// It does not; the reason, unless a signal ended the attempts.
    Closed(Option<String>),
    /// A stop arrived.
    Stopped,
}

/// Tries to connect in a helper; a stop ends that at once, and so do HUP and ALRM.
pub(super) fn look(endpoint: &Endpoint, patience: Patience, waiter: &mut Waiter) -> Result<Looked, Finding> {
    let refused = |errno: nix::errno::Errno| Finding::refused("start a process", errno.into());
    // a read never waits: nothing that was left behind can hold the other end
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(refused)?;
    let started = sys::fork::helper(handled(), || match attempts(endpoint, patience) {
        Ok(()) => 0,
        Err(error) => {
            // short enough for a pipe to take it as a whole
            let _ = nix::unistd::write(&write, error.to_string().as_bytes());
            1
        }
    });
    let mut helper = Child::of(started.map_err(refused)?);
    loop {
        helper.reap();
        match helper.ended() {
            Some(Ending::Exited(0)) => return Ok(Looked::Open),
            Some(_) => {
                let mut reason = String::new();
                // it ends with "would block", as this process holds the other end too
                let _ = std::fs::File::from(read).read_to_string(&mut reason);
                return Ok(Looked::Closed((!reason.is_empty()).then_some(reason)));
            }
            None => {}
        }
        let signals =
            waiter.wait(Deadline::default(), None).map_err(|errno| Finding::refused("wait", errno.into()))?;
        for signal in signals {
            match signal {
                signal if is_stop(signal) => {
                    helper.signal(libc::SIGKILL);
                    return Ok(Looked::Stopped);
                }
                libc::SIGHUP | libc::SIGALRM => helper.signal(libc::SIGKILL),
                _ => {}
            }
        }
        // the rest that follows ends this launcher
        if waiter.has_lost_parent() {
            helper.signal(libc::SIGKILL);
        }
    }
}

fn attempts(endpoint: &Endpoint, patience: Patience) -> Result<(), PortError> {
    let (limit, round) = match patience {
        Patience::Once => (FIRST_LIMIT, Duration::ZERO),
        Patience::Round => (LIMIT, ROUND),
    };
    let last_start = BootTime::now().after(round);
    let mut next_pause = FIRST_PAUSE;
    loop {
        let result = try_connect(endpoint, BootTime::now().after(limit));
        if result.is_ok() || BootTime::now().after(next_pause) > last_start {
            return result;
        }
        pause(next_pause);
        next_pause = (next_pause * 2).min(MAX_PAUSE);
    }
}
