//! The one place where the launcher sleeps: one poll on signals, a timer and, while resting, inotify.
//! No wake-up without a reason.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::signals::Signals;
use crate::sys::clock::BootTime;

/// Signals and timer.
#[derive(Debug)]
pub struct Waiter {
    signals: Signals,
    timer: TimerFd,
    armed: Option<BootTime>,
}

impl Waiter {
    /// Begins to take signals.
    pub fn new() -> std::io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Waiter {
            signals: Signals::listen()?,
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?,
            armed: None,
        })
    }

    /// The one that is there, or a new one.
    pub fn in_place(place: &mut Option<Waiter>) -> std::io::Result<&mut Waiter> {
        match place {
            Some(waiter) => Ok(waiter),
            None => Ok(place.insert(Waiter::new()?)),
        }
    }

    /// The signals that have come, without sleeping.
    pub fn pending(&mut self) -> Vec<Signal> {
        self.signals.pending()
    }

    /// Sleeps until a signal comes, `deadline` passes or `also` is readable; gives the signals.
    pub fn wait(
        &mut self,
        deadline: Option<BootTime>,
        also: Option<BorrowedFd<'_>>,
    ) -> Result<Vec<Signal>, Errno> {
        if deadline.is_some_and(|deadline| deadline <= BootTime::now()) {
            return Ok(self.signals.pending());
        }
        if deadline != self.armed {
            self.arm(deadline)?;
        }
        let mut watched = vec![
            PollFd::new(self.signals.descriptor(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        watched.extend(also.map(|also| PollFd::new(also, PollFlags::POLLIN)));
        match poll(&mut watched, PollTimeout::NONE) {
            // a stop and a continue also interrupt
            Ok(_) | Err(Errno::EINTR) => Ok(self.signals.pending()),
            Err(errno) => Err(errno),
        }
    }

    fn arm(&mut self, deadline: Option<BootTime>) -> Result<(), Errno> {
        match deadline {
            Some(at) => self
                .timer
                .set(Expiration::OneShot(at.since_boot().into()), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?,
            None => self.timer.unset()?,
        }
        self.armed = deadline;
        Ok(())
    }
}
