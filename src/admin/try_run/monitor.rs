//! The leader of the worker's session. It stays root, so that the worker's user cannot signal it, and is the
//! worker's parent within the session: without one a worker could not be stopped with ^Z.

use std::os::fd::{AsFd, OwnedFd};

use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::unistd::{Pid, getpid, setpgid, setsid, tcsetpgrp};

use super::terminals::Terminals;
use crate::sys;
use crate::sys::terminal::{Change, next_change};

/// The signals that are passed on to the worker's group.
pub(super) const PASSED_ON: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGTSTP,
    Signal::SIGCONT,
];

/// Leads a session of its own, on this terminal if there is one, until the worker has ended; gives its exit code.
pub(super) fn lead(slave: Option<OwnedFd>, terminals: &Terminals, work: impl FnOnce() -> i32) -> i32 {
    let handled: SigSet = PASSED_ON.into_iter().chain([Signal::SIGCHLD]).collect();
    // TTOU would stop the process that sets the foreground group
    sys::signals::block_all();
    // if the process that passes signals on is killed, the worker gets a hangup
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGHUP);
    let own = setsid().and_then(|_| match &slave {
        Some(slave) => sys::terminal::take(slave.as_fd()).and_then(|()| terminals.replace_by(slave)),
        None => Ok(()),
    });
    if own.is_err() {
        return 1;
    }
    let foreground = |group: Pid| slave.iter().for_each(|slave| _ = tcsetpgrp(slave, group));
    let worker = sys::fork::copy(|| {
        sys::signals::block_all();
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        foreground(getpid());
        work()
    });
    let Ok(worker) = worker else { return 1 };
    // parent or child, whichever is first
    let _ = setpgid(worker, worker);
    foreground(worker);
    loop {
        match handled.wait() {
            Ok(Signal::SIGCHLD) => match next_change(worker) {
                Some(Change::Ended(code)) => return code,
                Some(Change::Stopped) => {
                    // the process that started this one notices, and stops too
                    let _ = kill(getpid(), Signal::SIGSTOP);
                    foreground(worker);
                    let _ = killpg(worker, Signal::SIGCONT);
                }
                None => {}
            },
            Ok(signal) => _ = killpg(worker, signal),
            Err(_) => {}
        }
    }
}
