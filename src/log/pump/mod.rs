//! The pump: a process between the worker and its log, where the worker cannot write to the file itself (`--log-live`,
//! `--log-stamp`, `--log-tee`, `--log-full drop`).
//!
//! stdout and stderr of the worker are one pipe. A pump is a pair of copies of the launcher: a keeper, which only
//! waits, and a writer, which moves bytes. Killed, either is replaced by the other, and what is in the pipe is not
//! lost. Each run writes to an end of its own, whose flags it can change without a change for others. Of a loop the
//! launcher holds the other end too: without a pump a worker waits, and never gets SIGPIPE.

mod copier;
mod copies;
mod cut;
mod journal;
mod keeper;
mod lines;
pub(crate) mod state;
mod target;
mod writer;

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::{Uid, getpid, pipe2};

use crate::config::spec::LogRules;
use crate::error::reason;
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::pipe::{self, Pipe};
use copies::Queue;
use journal::{Journal, Trouble};
use keeper::{Station, keep};
use state::{StateFile, Unopened};

/// A pump that is killed is started again at most so often.
const REVIVED_EVERY: Duration = Duration::from_secs(1);
/// How often to check whether the pump has written everything.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A pump and the way to it.
#[derive(Debug)]
pub struct Pump {
    /// For our own lines.
    own_lines: Rc<OwnedFd>,
    station: Station,
    /// Has no writer when keeper and writer have ended.
    life: RefCell<Rc<OwnedFd>>,
    started: Cell<BootTime>,
}

impl Pump {
    /// Starts a pump for this log, which can be opened. `handled` are the signals that this process handles.
    pub(in crate::log) fn start(
        name: &str,
        path: &Path,
        rules: LogRules,
        handled: &[i32],
    ) -> Result<Self, NoPump> {
        let state = StateFile::open(path)?;
        let Pipe { read, write } = Pipe::new()?;
        let station = Station {
            name: name.to_string(),
            path: path.to_path_buf(),
            rules,
            pipe: read,
            staging: Pipe::new()?,
            journal: Journal::new()?,
            state: RefCell::new(Some(state)),
            copies: rules.tee.map(|_| Queue::new()).transpose()?,
        };
        let life = RefCell::new(Rc::new(run(&station, handled)?));
        Ok(Pump { own_lines: Rc::new(write), station, life, started: Cell::new(BootTime::now()) })
    }

    /// Restarts it if both its processes have been killed: it continues where they stopped.
    pub(crate) fn revive(&self, handled: &[i32]) -> Result<(), Errno> {
        if !self.is_alive() {
            self.started.set(BootTime::now());
            self.life.replace(Rc::new(run(&self.station, handled)?));
        }
        Ok(())
    }

    /// The same before a sleep, but not too often; returns when it is due.
    pub(crate) fn look_after(&self, handled: &[i32]) -> Option<BootTime> {
        let due = || self.started.get().after(REVIVED_EVERY);
        if due() <= BootTime::now() {
            // what is wrong is reported before the next run
            let _ = self.revive(handled);
        }
        (!self.is_alive()).then(due)
    }

    /// Readable when both its processes have ended.
    pub(crate) fn life(&self) -> Rc<OwnedFd> {
        Rc::clone(&self.life.borrow())
    }

    /// The end of a run, to write to; without /proc it is the one of our own lines.
    pub(crate) fn end_for_run(&self) -> Rc<OwnedFd> {
        pipe::open_write_end(self.own_lines.as_fd()).map_or_else(|_| self.end_for_own_lines(), Rc::new)
    }

    /// The end of our own lines.
    pub(crate) fn end_for_own_lines(&self) -> Rc<OwnedFd> {
        Rc::clone(&self.own_lines)
    }

    /// Waits until all that has been written so far is in the log, at most this long.
    pub(crate) fn settle(&self, most: Duration) {
        self.settled_within(most, || self.is_written());
    }

    /// The same, and until it has been copied.
    pub(crate) fn settle_with_copies(&self, most: Duration) {
        let is_copied = || self.station.copies.as_ref().is_none_or(|queue| queue.waiting() == 0);
        self.settled_within(most, || self.is_written() && is_copied());
    }

    fn settled_within(&self, most: Duration, is_settled: impl Fn() -> bool) {
        let end = BootTime::now().after(most);
        while !is_settled() && BootTime::now() < end {
            sys::clock::pause(LOOK_EVERY);
        }
    }

    fn is_written(&self) -> bool {
        let is_empty = |pipe: &OwnedFd| !matches!(pipe::waiting(pipe.as_fd()), Ok(1..));
        is_empty(&self.station.pipe) && is_empty(&self.station.staging.read)
    }

    fn is_alive(&self) -> bool {
        let life = self.life();
        let mut watched = [PollFd::new(life.as_fd(), PollFlags::POLLIN)];
        !matches!(poll(&mut watched, 0_u8), Ok(1..))
    }
}

/// Why there is no pump.
#[derive(Debug, thiserror::Error)]
pub(in crate::log) enum NoPump {
    /// Its lock.
    #[error(transparent)]
    Lock(#[from] Unopened),
    /// The system refused.
    #[error("{}", reason(*.0))]
    Refused(#[from] Errno),
}

impl NoPump {
    /// What helps, for the log at this path.
    pub(in crate::log) fn remedy(&self, log: &Path, uid: Uid) -> Option<String> {
        match self {
            NoPump::Lock(Unopened::File { name, obstacle }) => {
                obstacle.remedy(&log.with_file_name(name), uid)
            }
            NoPump::Lock(Unopened::Directory(_)) | NoPump::Refused(_) => None,
        }
    }
}

/// Starts the two processes; returns the pipe that is closed when they end.
fn run(station: &Station, handled: &[i32]) -> Result<OwnedFd, Errno> {
    begin(station);
    let (life, alive) = pipe2(OFlag::O_CLOEXEC)?;
    sys::fork::orphan(handled, || {
        let mut kept = station.descriptors();
        kept.push(alive.as_raw_fd());
        let _ = nix::unistd::setsid();
        let _ = nix::unistd::chdir("/");
        sys::signals::ignore_all();
        let _ = sys::fd::close_all_but(&kept);
        let _ = sys::fd::stdin_from_null();
        if station.rules.tee.is_none() {
            let _ = nix::unistd::dup2_stdout(std::io::stdin());
        }
        sys::process::give_back_memory();
        keep(station)
    })?;
    Ok(life)
}

/// Takes precedence over the pumps of this log before it.
fn begin(station: &Station) {
    // a time and a process: no other has both
    let time = u64::try_from(BootTime::now().since_boot().as_nanos()).unwrap_or(u64::MAX);
    let number = time.rotate_left(20) ^ u64::from(getpid().as_raw().unsigned_abs());
    station.journal.set_number(number);
    if let Some(state) = station.state.borrow().as_ref() {
        state.claim(number);
        if state.noted().trouble.is_some() {
            station.journal.set_trouble(Trouble::Inherited);
        }
    }
}
