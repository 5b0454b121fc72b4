//! A child process and its process group.

use nix::unistd::Pid;

use crate::error::Finding;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::ready::environment::Environment;
use crate::ready::{ReadyError, program};
use crate::sys;
use crate::sys::group::{self, Left};
use crate::sys::process::{Ending, next_ended};
use crate::sys::spawn::{Launch, SpawnError, Step, spawn};

/// The worker, a command beside it, or a helper. What [`Child::start`] starts leads a process group of its own.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    ended: Option<Ending>,
}

/// The code that a shell would report.
pub(super) fn exit_of(ending: Ending) -> Exit {
    match ending {
        Ending::Exited(code) => Exit::of_worker(code),
        Ending::Killed(signal) => Exit::killed_by(signal),
    }
}

impl Child {
    pub(super) fn start(launch: &Launch<'_>) -> Result<Self, SpawnError> {
        spawn(launch).map(|pid| Child { pid, ended: None })
    }

    /// A copy of the launcher, which stays in its group.
    pub(super) fn of(pid: Pid) -> Self {
        Child { pid, ended: None }
    }

    /// How it ended, as far as [`Child::reap`] has seen.
    pub(super) fn ended(&self) -> Option<Ending> {
        self.ended
    }

    /// Takes the status of every process that has ended, this one's and those of orphans that came to
    /// us as subreaper or PID 1.
    pub(super) fn reap(&mut self) {
        while let Some((pid, ending)) = next_ended() {
            if pid == self.pid.as_raw() {
                self.ended = Some(ending);
            }
        }
    }

    /// Signals the worker's own process.
    pub(super) fn signal(&self, signal: i32) {
        if self.ended.is_none() {
            sys::process::signal(self.pid, signal);
        }
    }

    /// Signals the whole group. Its number cannot have passed to others: while it has a member (the
    /// leader counts until it is reaped) the kernel keeps it, and [`Child::group_is_empty`] was
    /// asked in the same turn otherwise.
    pub(super) fn signal_group(&self, signal: i32) {
        sys::process::signal_group(self.pid, signal);
    }

    /// Whether nothing of the group is left, not even the leader's status.
    pub(super) fn group_is_empty(&self) -> bool {
        self.ended.is_some() && group::is_empty(self.pid)
    }

    /// What is left of the group. Reads the state of every process.
    pub(super) fn left_of_group(&self) -> Left {
        match self.ended {
            Some(_) => group::left_of(self.pid),
            None => Left::Processes,
        }
    }
}

/// A finding for a worker that did not start.
pub(super) fn not_started(error: SpawnError, plan: &Plan, environment: &Environment) -> Finding {
    match error {
        SpawnError::Child(Step::Execute, errno) => program::explain_failure(plan, environment, errno).into(),
        SpawnError::Child(Step::Directory, errno) => {
            ReadyError::Directory(plan.chdir.clone().unwrap_or_default(), errno).into()
        }
        SpawnError::Child(Step::Group, errno) => Finding::refused("make a process group", errno.into()),
        SpawnError::Child(Step::DeathSignal, errno) => {
            Finding::refused("arm the parent-death signal", errno.into())
        }
        SpawnError::Child(Step::Limits, errno) => Finding::refused("set ulimits", errno.into()),
        SpawnError::Child(Step::Output, errno) => Finding::refused("set stdout and stderr", errno.into()),
        SpawnError::Clone(errno) => Finding::refused("start a process", errno.into()),
    }
}
