//! What the loop sleeps on: signals, timers, and readiness messages from the worker.

use std::os::fd::AsFd;
use std::rc::Rc;

use nix::poll::{PollFd, PollFlags};

use crate::error::Finding;
use crate::log::{Log, Pump};
use crate::run::readiness::Readiness;
use crate::sys::clock::BootTime;
use crate::wait::{Deadline, Waiter, handled};

/// The launcher's one poll, as the loop uses it.
pub(super) struct LoopWaiter<'a> {
    waiter: &'a mut Waiter,
    readiness: Readiness<'a>,
    /// Started again when it is killed.
    pump: Option<Rc<Pump>>,
    /// ALRM during a run or its hook: one more run immediately.
    run_requested: bool,
}

impl<'a> LoopWaiter<'a> {
    pub(super) fn new(waiter: &'a mut Waiter, readiness: Readiness<'a>) -> Self {
        LoopWaiter { waiter, readiness, pump: None, run_requested: false }
    }

    /// Looks after the pump of this log, if it has one.
    pub(super) fn look_after(&mut self, log: &Log) {
        self.pump = log.pump();
    }

    /// Sleeps until a signal arrives or the deadline passes; returns the signals.
    pub(super) fn wait_until(&mut self, deadline: Option<BootTime>) -> Result<Vec<i32>, Finding> {
        self.wait(Deadline { boot: deadline, wall: None })
    }

    /// The same, with a deadline on either clock.
    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<Vec<i32>, Finding> {
        let due = self.pump.as_ref().and_then(|pump| pump.look_after(handled()));
        let boot = deadline.boot.into_iter().chain(due).min();
        let life = self.pump.as_ref().filter(|_| due.is_none()).map(|pump| pump.life());
        let also: Vec<PollFd<'_>> = [self.readiness.descriptor(), life.as_ref().map(AsFd::as_fd)]
            .into_iter()
            .flatten()
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        let signals = self.waiter.wait_for_any(Deadline { boot, ..deadline }, &also);
        self.readiness.listen();
        signals.map_err(|errno| Finding::refused("wait", errno.into()))
    }

    /// Whether the supervisor that started this loop has ended. The loop can then no longer be stopped, and the next
    /// supervisor starts another.
    pub(super) fn has_lost_supervisor(&self) -> bool {
        self.waiter.has_lost_parent()
    }

    /// A run has succeeded, which may report readiness.
    pub(super) fn report_success(&mut self) {
        self.readiness.succeeded();
    }

    /// Requests another run immediately.
    pub(super) fn request_run(&mut self) {
        self.run_requested = true;
    }

    /// Whether another run is requested.
    pub(super) fn is_run_requested(&self) -> bool {
        self.run_requested
    }

    /// The same; clears the request.
    pub(super) fn take_run_request(&mut self) -> bool {
        std::mem::take(&mut self.run_requested)
    }
}
