//! The only place where the launcher sleeps: a single poll on signals, timers and, while resting, inotify. It never
//! wakes up without a reason.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Pid, getppid};

use super::signals::{PARENT_HAS_ENDED, Signals};
use crate::sys::clock::{self, BootTime};

/// When to wake up; whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    /// On BOOTTIME.
    pub boot: Option<BootTime>,
    /// On the wall clock. Setting the clock also ends the sleep.
    pub wall: Option<SystemTime>,
}

/// The pending signals, and the timers of the deadlines.
#[derive(Debug)]
pub struct Waiter {
    signals: Signals,
    timer: TimerFd,
    armed: Option<BootTime>,
    /// Created for a deadline on the wall clock: only schedules need it.
    wall: Option<WallTimer>,
    /// The supervisor, if the launcher must not outlive it.
    parent: Option<Pid>,
}

/// Whether a deadline on the wall clock was armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    /// It does.
    Yes,
    /// The clock was set before that: the due time may have changed.
    AfterASetting,
}

#[derive(Debug)]
struct WallTimer {
    timer: TimerFd,
    armed: Option<SystemTime>,
}

impl Waiter {
    /// Starts to handle signals.
    pub fn new() -> std::io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Waiter {
            signals: Signals::listen()?,
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?,
            armed: None,
            wall: None,
            parent: None,
        })
    }

    /// The existing one, or a new one.
    pub fn in_place(place: &mut Option<Waiter>) -> std::io::Result<&mut Waiter> {
        match place {
            Some(waiter) => Ok(waiter),
            None => Ok(place.insert(Waiter::new()?)),
        }
    }

    /// Also wakes up when `parent` ends. Must be called as the user: a change of ids would disarm it.
    pub fn watch_parent(&mut self, parent: Pid) {
        // this cannot fail; `has_lost_parent` does not depend on it
        let _ = nix::sys::prctl::set_pdeathsig(PARENT_HAS_ENDED);
        self.parent = Some(parent);
    }

    /// The opposite, for a program that replaces this process, which would get the signal.
    pub fn leave_parent(&mut self) {
        if self.parent.take().is_some() {
            let _ = nix::sys::prctl::set_pdeathsig(None);
        }
    }

    /// Whether the watched parent has ended.
    pub fn has_lost_parent(&self) -> bool {
        self.parent.is_some_and(|parent| getppid() != parent)
    }

    /// The pending signals, without sleeping.
    pub fn pending(&mut self) -> Vec<i32> {
        self.signals.pending()
    }

    /// Sleeps until a signal arrives, the deadline passes, the wall clock is set with a deadline on it, or `also` is
    /// readable; returns the signals.
    pub fn wait(&mut self, deadline: Deadline, also: Option<BorrowedFd<'_>>) -> Result<Vec<i32>, Errno> {
        let also = also.map(|also| PollFd::new(also, PollFlags::POLLIN));
        self.wait_for_any(deadline, also.as_slice())
    }

    /// The same; any of `also` ends the sleep when its requested events occur.
    pub fn wait_for_any(&mut self, deadline: Deadline, also: &[PollFd<'_>]) -> Result<Vec<i32>, Errno> {
        let Deadline { boot, wall } = deadline;
        if boot.is_some_and(|at| at <= BootTime::now()) || wall.is_some_and(|at| at <= clock::wall_now()) {
            return Ok(self.signals.pending());
        }
        if boot != self.armed {
            self.arm(boot)?;
        }
        if self.arm_wall(wall)? == Armed::AfterASetting {
            return Ok(self.signals.pending());
        }
        let mut watched = vec![
            PollFd::new(self.signals.descriptor(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        watched.extend(self.wall.as_ref().map(|wall| PollFd::new(wall.timer.as_fd(), PollFlags::POLLIN)));
        watched.extend_from_slice(also);
        let polled = poll(&mut watched, PollTimeout::NONE);
        if let Some(wall) = &mut self.wall {
            wall.take_setting();
        }
        match polled {
            // stopping and continuing the process also interrupts
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

    fn arm_wall(&mut self, deadline: Option<SystemTime>) -> Result<Armed, Errno> {
        match (deadline, &mut self.wall) {
            (None, None) => Ok(Armed::Yes),
            (None, Some(wall)) => wall.arm(None),
            (Some(at), Some(wall)) => wall.arm(Some(at)),
            (Some(at), place) => {
                let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
                let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
                place.insert(WallTimer { timer, armed: None }).arm(Some(at))
            }
        }
    }
}

impl WallTimer {
    fn arm(&mut self, deadline: Option<SystemTime>) -> Result<Armed, Errno> {
        if self.armed == deadline {
            return Ok(Armed::Yes);
        }
        let set = match deadline {
            Some(at) => {
                let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                // zero would disarm it
                let since = since.max(Duration::from_nanos(1));
                let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
                self.timer.set(Expiration::OneShot(since.into()), flags)
            }
            None => self.timer.unset(),
        };
        // setting the clock is reported once, by a read or here
        let (armed, answer) = match set {
            Ok(()) => (deadline, Armed::Yes),
            Err(Errno::ECANCELED) => (None, Armed::AfterASetting),
            Err(errno) => return Err(errno),
        };
        self.armed = armed;
        Ok(answer)
    }

    /// Setting the clock is reported once, by a read; the timer stays armed on the new clock.
    fn take_setting(&mut self) {
        let mut count = [0; 8];
        if nix::unistd::read(&self.timer, &mut count).is_ok() {
            // the timer has expired
            self.armed = None;
        }
    }
}
