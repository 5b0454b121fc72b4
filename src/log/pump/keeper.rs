//! The half of a pump that waits. It holds the pipe, the lock and the journal, and starts a writer whenever there is
//! none, and a copier if one is needed; a writer whose keeper is gone becomes one itself. Only KILL of both at once
//! stops a pump.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::WaitStatus;
use nix::unistd::{Pid, getpid, getppid};

use super::copier::Copier;
use super::copies::Queue;
use super::journal::{Journal, Trouble};
use super::state::StateFile;
use super::target::Target;
use super::writer::{Inputs, Left, Writer};
use crate::config::spec::LogRules;
use crate::error::reason;
use crate::report::Reporter;
use crate::sys;
use crate::sys::pipe::Pipe;

/// Before a writer that follows one without a success.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
    /// None while it cannot be opened.
    pub(super) state: RefCell<Option<StateFile>>,
    /// With `--log-tee`.
    pub(super) copies: Option<Queue>,
}

/// Keeps a writer running until the end of the pipe; returns an exit code.
pub(super) fn keep(station: &Station) -> i32 {
    let keeper = getpid();
    let mut copier = Copier::start(station.copies.as_ref());
    let mut pause = Duration::ZERO;
    loop {
        let held = station.state.take();
        station.state.replace(StateFile::renewed(held, &station.path));
        let portions = station.journal.portions();
        let ended = sys::fork::copy(|| write(station, keeper)).and_then(|writer| copier.wait_for(writer));
        match ended {
            Ok(WaitStatus::Exited(_, 0)) => {
                copier.finish();
                return 0;
            }
            Err(errno) => report_no_writer(station, errno),
            Ok(_) => {}
        }
        if station.journal.portions() != portions {
            pause = Duration::ZERO;
            continue;
        }
        sys::clock::pause(pause);
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }
}

fn write(station: &Station, keeper: Pid) -> i32 {
    let process = sys::process::open_process(keeper).ok();
    if getppid() != keeper {
        return keep(station);
    }
    let left = {
        let state = station.state.borrow();
        let directory = state.as_ref().and_then(|state| state.directory().try_clone().ok());
        let inputs = Inputs {
            pipe: station.pipe.as_fd(),
            staging: &station.staging,
            journal: &station.journal,
            state: state.as_ref(),
            copies: station.copies.as_ref(),
            rules: station.rules,
            name: &station.name,
        };
        match Writer::new(inputs, Target::new(&station.path, station.rules, directory), process) {
            Ok(writer) => writer.run(),
            Err(errno) => {
                report_no_writer(station, errno);
                return 1;
            }
        }
    };
    match left {
        Left::End => {
            if getppid() != keeper {
                // the copier has ended with it
                Copier::start(station.copies.as_ref()).finish();
            }
            0
        }
        Left::Renew => 2,
        Left::KeeperGone => keep(station),
    }
}

/// Once, until something is written.
fn report_no_writer(station: &Station, errno: Errno) {
    if station.journal.set_trouble(Trouble::Reported) != Trouble::Reported {
        let path = station.path.display();
        let text = format!("unable to write log '{path}': no process for it: {}; tried again", reason(errno));
        Reporter::named(&station.name).warn(&text);
    }
}

impl Station {
    /// The descriptors that a pump needs.
    pub(super) fn descriptors(&self) -> Vec<i32> {
        let state = self.state.borrow();
        [&self.pipe, &self.staging.read, &self.staging.write]
            .into_iter()
            .map(AsRawFd::as_raw_fd)
            .chain(state.iter().flat_map(StateFile::numbers))
            .chain(self.copies.iter().flat_map(Queue::numbers))
            .collect()
    }
}
