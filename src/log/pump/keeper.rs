//! The half of a pump that waits. It holds the pipe, the lock and the journal, and starts a writer whenever there is
//! none; a writer whose keeper is gone becomes one itself. Only KILL of both at once stops a pump.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use super::journal::Journal;
use super::state::StateFile;
use super::target::Target;
use super::writer::{Inputs, Left, Writer};
use crate::config::spec::LogRules;
use crate::sys;
use crate::sys::pipe::Pipe;

/// A writer that cannot start is not retried immediately.
const PAUSE: Duration = Duration::from_millis(20);

/// What a pump is and has.
#[derive(Debug)]
pub(super) struct Station {
    /// The service's name.
    pub(super) name: String,
    /// The log, absolute.
    pub(super) path: PathBuf,
    pub(super) rules: LogRules,
    /// The worker's pipe, to be read.
    pub(super) pipe: OwnedFd,
    pub(super) staging: Pipe,
    pub(super) journal: Journal,
    pub(super) state: Option<StateFile>,
}

/// Keeps a writer running until the end of the pipe; returns an exit code.
pub(super) fn keep(station: &Station) -> i32 {
    loop {
        let keeper = getpid();
        match sys::fork::copy(|| write(station, keeper)) {
            Err(_) => sys::clock::pause(PAUSE),
            Ok(writer) => match waitpid(writer, None) {
                Ok(WaitStatus::Exited(_, 0)) => return 0,
                Ok(WaitStatus::Signaled(..)) => {}
                _ => sys::clock::pause(PAUSE),
            },
        }
    }
}

fn write(station: &Station, keeper: Pid) -> i32 {
    let process = sys::process::open_process(keeper).ok();
    if getppid() != keeper {
        return keep(station);
    }
    let Ok(target) = Target::new(&station.path, station.rules) else { return 1 };
    let inputs = Inputs {
        pipe: station.pipe.as_fd(),
        staging: &station.staging,
        journal: &station.journal,
        state: station.state.as_ref(),
        rules: station.rules,
        name: &station.name,
    };
    let Ok(writer) = Writer::new(inputs, target, process) else { return 1 };
    match writer.run() {
        Left::End => 0,
        Left::KeeperGone => keep(station),
    }
}

impl Station {
    /// The descriptors that a pump needs.
    pub(super) fn descriptors(&self) -> Vec<i32> {
        let state = self.state.iter().map(StateFile::number);
        [&self.pipe, &self.staging.read, &self.staging.write]
            .into_iter()
            .map(AsRawFd::as_raw_fd)
            .chain(state)
            .collect()
    }
}
