//! The helper that probes for readiness: a copy of the launcher that notifies the supervisor once, and exits. It ends
//! on readiness, after `--ready-timeout`, or with the process it was started for.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::pipe2;

use super::probe::{ProbeContext, ProbeResult, probe, timeout};
use super::readiness::Notification;
use crate::config::value::Check;
use crate::report::Reporter;
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::process::open_process;

/// The pause between probes, doubled each time up to the maximum.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The task of the helper.
pub struct ReadyWatch<'a> {
    /// The notification to send.
    pub notification: &'a Notification,
    /// The condition that makes the service ready.
    pub check: &'a Check,
    /// The environment of the check's commands.
    pub context: ProbeContext<'a>,
    /// The time limit, if any.
    pub timeout: Option<Duration>,
    /// Reports a timeout.
    pub reporter: &'a Reporter,
    /// Signals that this process handles.
    pub handled: &'a [i32],
}

/// The helper of a loop, which exits when this is dropped.
#[derive(Debug)]
pub struct LoopHelper(#[expect(dead_code, reason = "its end is seen at the other end")] OwnedFd);

/// The helper of exec mode, which waits for the program to be executed.
#[derive(Debug)]
pub struct ExecHelper(OwnedFd);

impl ExecHelper {
    /// Ends the helper, since the program could not be executed.
    pub fn dismiss(self) {
        sys::signals::survive_writes();
        let _ = nix::unistd::write(&self.0, b"x");
    }
}

impl ReadyWatch<'_> {
    /// Starts the helper of a loop, as a child.
    pub fn in_loop(&self) -> Result<LoopHelper, Errno> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        let ours = write.as_raw_fd();
        sys::fork::helper(self.handled, || {
            // its own copy would keep the pipe open, and hide its end
            sys::fd::close_inherited(ours);
            self.probe_until(&read)
        })?;
        Ok(LoopHelper(write))
    }

    /// Starts the helper before an exec, but not as a child of this process: the program must not have an unknown
    /// child.
    pub fn before_exec(&self) -> Result<ExecHelper, Errno> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        let ours = write.as_raw_fd();
        // the pid, and the process behind this descriptor, survive an exec
        let process = open_process(nix::unistd::getpid())?;
        sys::fork::orphan(self.handled, || {
            sys::fd::close_inherited(ours);
            // the exec closes the other end
            let mut word = [0];
            match nix::unistd::read(&read, &mut word) {
                Ok(0) => self.probe_until(&process),
                _ => 0,
            }
        })?;
        Ok(ExecHelper(write))
    }

    /// Probes until `end` is readable.
    fn probe_until(&self, end: &OwnedFd) -> i32 {
        let started = BootTime::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match probe(self.check, &self.context, end.as_fd()) {
                ProbeResult::Met => {
                    self.notification.send();
                    return 0;
                }
                ProbeResult::Ended => return 0,
                ProbeResult::NotMet => {}
            }
            let left = match self.timeout {
                None => pause,
                Some(most) => most.saturating_sub(BootTime::now().since(started)),
            };
            if left.is_zero() {
                let waited = self.timeout.unwrap_or_default().as_secs_f64();
                self.reporter.warn(&format!("not ready after {waited} s: waited until {}", self.check));
                return 1;
            }
            let mut watched = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
            match poll(&mut watched, timeout(pause.min(left))) {
                Ok(0) | Err(Errno::EINTR) => {}
                _ => return 0,
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}
