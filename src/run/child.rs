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

/// The worker, a command, or a helper. A child started by [`Child::start`] leads its own process group.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    ended: Option<Ending>,
}

/// The exit code a shell would report.
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

    /// A copy of the launcher, in the launcher's group.
    pub(super) fn of(pid: Pid) -> Self {
        Child { pid, ended: None }
    }

    /// How it ended, if [`Child::reap`] has reaped it.
    pub(super) fn ended(&self) -> Option<Ending> {
        self.ended
    }

    /// Reaps every process that has ended: this one, and orphans inherited as subreaper or PID 1.
    pub(super) fn reap(&mut self) {
        while let Some((pid, ending)) = next_ended() {
            if pid == self.pid.as_raw() {
                self.ended = Some(ending);
            }
        }
    }

    /// Signals only the process itself.
    pub(super) fn signal(&self, signal: i32) {
        if self.ended.is_none() {
            sys::process::signal(self.pid, signal);
        }
    }

    /// Signals the whole group. Its number cannot have been reused: the kernel keeps it while the group has a member
    /// (including an unreaped leader), and otherwise [`Child::group_is_empty`] was checked in the same iteration.
    pub(super) fn signal_group(&self, signal: i32) {
        sys::process::signal_group(self.pid, signal);
    }

    /// Whether the group is empty, with its leader reaped.
    pub(super) fn group_is_empty(&self) -> bool {
        self.ended.is_some() && group::is_empty(self.pid)
    }

    /// The remaining processes of the group. Reads the state of every process.
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
        SpawnError::Child(Step::Group, errno) => Finding::refused("create a process group", errno.into()),
        SpawnError::Child(Step::DeathSignal, errno) => {
            Finding::refused("arm the parent-death signal", errno.into())
        }
        SpawnError::Child(Step::Limits, errno) => Finding::refused("set ulimits", errno.into()),
        SpawnError::Child(Step::Output, errno) => Finding::refused("set stdout and stderr", errno.into()),
        SpawnError::Clone(errno) => Finding::refused("start a process", errno.into()),
    }
}
