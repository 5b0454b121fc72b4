//! The half of a pump that moves bytes. Nothing is taken out of the worker's pipe before it is in the log, or in a
//! second pipe and the journal, from which the next writer continues if this one is killed.
//!
//! Where a line is passed on as it is, splice(2) moves it from the pipe to the log: the kernel takes out what it has
//! written and nothing else. Only near `--log-size` the bytes are looked at, to find the end of a line. Where lines
//! are changed or dropped, or the file system knows no splice, the bytes of a batch move to the second pipe first, are
//! looked at there, and are taken out when all that is made of them is in the log.

mod batch;
mod trouble;
mod turn;
mod wait;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::PollTimeout;
use nix::sys::stat::Mode;

use super::copies::{self, Copies, Queue};
use super::cut::{Cut, cut, looked_at_from};
use super::journal::Journal;
use super::state::StateFile;
use super::target::{Refused, Target};
use crate::config::settings::OnFull;
use crate::config::spec::LogRules;
use crate::log::compress;
use crate::log::stamp;
use crate::report::Reporter;
use crate::sys::clock::BootTime;
use crate::sys::memory::Buffer;
use crate::sys::pipe::{self, CAPACITY, Pipe};
use trouble::FIRST_PAUSE;
use turn::{Looked, Turn, UNLOCKED};
use wait::{NAP, Seen};

/// A portion of at least this much means that the worker writes as fast as it can.
const LARGE: usize = CAPACITY / 2;
/// After this many smaller ones in a row each is followed by a nap: a worker that writes line by line costs one
/// wake-up for many lines.
const MOST_SMALL: u32 = 8;
/// What a batch can become: a stamp for every byte that is a line, and a head.
const LARGEST_OUTPUT: usize = CAPACITY * (1 + stamp::LONGEST) + 1024;

/// Why a writer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody can write to the pipe any more, and nothing is left in it.
    End,
    /// Its keeper is gone.
    KeeperGone,
    /// The lock is another file by now, or the log's directory is another one.
    Renew,
}

/// What a writer is given.
pub(super) struct Inputs<'a> {
    /// The worker's pipe.
    pub(super) pipe: BorrowedFd<'a>,
    /// The second one.
    pub(super) staging: &'a Pipe,
    pub(super) journal: &'a Journal,
    /// The lock and the state of the pump, if it could be opened.
    pub(super) state: Option<&'a StateFile>,
    /// The way of the copies, with `--log-tee`.
    pub(super) copies: Option<&'a Queue>,
    pub(super) rules: LogRules,
    pub(super) name: &'a str,
}

pub(super) struct Writer<'a> {
    inputs: Inputs<'a>,
    /// Readable when the keeper has ended.
    keeper: Option<OwnedFd>,
    target: Target,
    /// Empty, except while bytes are examined.
    scratch: Pipe,
    /// /dev/null
    nowhere: OwnedFd,
    looked_at: Buffer,
    made: Buffer,
    way: Way,
    /// Whether the second pipe holds a batch that is not finished; what is made of it, as far as it is known.
    is_pending: bool,
    made_length: usize,
    copies: Option<Copies<'a>>,
    reporter: Reporter,
    pause: Duration,
    /// When something was dropped last.
    refused_at: Option<BootTime>,
    /// Since when it is known that the log cannot be written, and nobody can write to the pipe.
    hopeless_since: Option<BootTime>,
    turn: Turn,
    looked: Looked,
    /// Whether this pump may write to the log now.
    is_ours: bool,
}

/// How bytes get to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Splice,
    Staging,
}

impl<'a> Writer<'a> {
    pub(super) fn new(inputs: Inputs<'a>, target: Target, keeper: Option<OwnedFd>) -> Result<Self, Errno> {
        let rules = inputs.rules;
        let as_it_is = rules.stamp.is_none() && rules.tee.is_none() && rules.full == OnFull::Block;
        Ok(Writer {
            keeper,
            target,
            scratch: Pipe::new()?,
            nowhere: open("/dev/null", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?,
            looked_at: Buffer::map(NonZeroUsize::new(CAPACITY).ok_or(Errno::EINVAL)?)?,
            made: Buffer::map(NonZeroUsize::new(LARGEST_OUTPUT).ok_or(Errno::EINVAL)?)?,
            way: if as_it_is { Way::Splice } else { Way::Staging },
            is_pending: pipe::waiting(inputs.staging.read.as_fd())? > 0,
            made_length: 0,
            copies: rules.tee.zip(inputs.copies).map(|(tee, queue)| Copies::new(tee, inputs.name, queue)),
            reporter: Reporter::named(inputs.name),
            pause: FIRST_PAUSE,
            refused_at: None,
            hopeless_since: None,
            turn: Turn::Ours,
            looked: Looked::default(),
            is_ours: false,
            inputs,
        })
    }

    /// Moves bytes until no more can come.
    pub(super) fn run(mut self) -> Left {
        let left = self.work();
        if let Some(copies) = &mut self.copies {
            copies.finish(if left == Left::End { copies::PATIENCE } else { 0 });
        }
        if left == Left::End {
            self.end();
        }
        left
    }

    fn work(&mut self) -> Left {
        if self.is_pending {
            // what a killed writer had begun
            if let Some(left) = self.locked() {
                return left;
            }
        } else {
            self.inputs.journal.clear();
            // and the lock that it had
            drop(self.inputs.state.map(StateFile::try_lock));
        }
        self.compress();
        loop {
            match self.wait(PollTimeout::NONE) {
                Seen::KeeperGone => return Left::KeeperGone,
                Seen::End => return Left::End,
                Seen::Nothing => {}
                Seen::Room => self.copies.iter_mut().for_each(Copies::catch_up),
                Seen::Bytes => {
                    if let Some(left) = self.locked() {
                        return left;
                    }
                    if self.turn == Turn::Portion && self.pause_for(UNLOCKED) == Seen::KeeperGone {
                        return Left::KeeperGone;
                    }
                }
            }
        }
    }

    /// Until nothing has come for a while.
    fn drain(&mut self) -> Option<Left> {
        let mut small = 0_u32;
        loop {
            let moved = match self.step() {
                Ok(moved) => moved,
                Err(_) if self.is_displaced() => return Some(Left::Renew),
                Err(refused) => match self.refused(&refused) {
                    None => continue,
                    left => return left,
                },
            };
            if moved == 0 {
                return None;
            }
            self.inputs.journal.count_portion();
            self.is_over();
            if let ControlFlow::Break(left) = self.after_portion(moved) {
                return left;
            }
            small = if moved >= LARGE { 0 } else { small.saturating_add(1) };
            if small > MOST_SMALL {
                if self.nap() == Seen::KeeperGone {
                    return Some(Left::KeeperGone);
                }
                continue;
            }
            match self.wait(NAP.into()) {
                Seen::Bytes => {}
                Seen::KeeperGone => return Some(Left::KeeperGone),
                Seen::Room | Seen::End | Seen::Nothing => return None,
            }
        }
    }

    /// Moves a portion; returns its size, 0 if nothing waits.
    fn step(&mut self) -> Result<usize, Refused> {
        if self.is_pending {
            self.write_batch()?;
            return Ok(CAPACITY);
        }
        let waiting = pipe::waiting(self.inputs.pipe)?;
        if waiting == 0 {
            return Ok(0);
        }
        if self.way == Way::Splice {
            match self.splice(waiting)? {
                Some(moved) => return Ok(moved),
                None => self.way = Way::Staging,
            }
        }
        let moved = self.stage()?;
        self.write_batch()?;
        Ok(moved)
    }

    /// Moves what waits to the second pipe.
    fn stage(&mut self) -> Result<usize, Errno> {
        let moved = match pipe::move_to(self.inputs.pipe, self.inputs.staging.write.as_fd(), CAPACITY) {
            Err(Errno::EAGAIN) => 0,
            moved => moved?,
        };
        self.is_pending = true;
        Ok(moved)
    }

    /// Moves bytes from the pipe to the log; returns None if the file system does not support it.
    fn splice(&mut self, waiting: usize) -> Result<Option<usize>, Refused> {
        let limit = self.inputs.rules.limit();
        let current = self.target.current()?;
        let most = match current.size.saturating_add(waiting as u64) <= looked_at_from(limit) {
            true => waiting,
            false => {
                let bytes = self.looked_at.bytes();
                let length = match pipe::peek(self.inputs.pipe, &self.scratch, bytes) {
                    Err(Errno::EINVAL) => return Ok(None),
                    result => result?,
                };
                let bytes = bytes.get(..length).unwrap_or_default();
                match cut(bytes, current.size, limit, current.position()?) {
                    Cut::Write(length) => length,
                    Cut::Rotate => {
                        self.rotate()?;
                        return self.splice(waiting);
                    }
                }
            }
        };
        match pipe::move_to_file(self.inputs.pipe, current.file, current.size, most) {
            Ok(moved) => Ok(Some(moved)),
            Err(Errno::EAGAIN) => Ok(Some(0)),
            Err(Errno::EINVAL) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn rotate(&mut self) -> Result<(), Refused> {
        self.target.rotate()?;
        self.compress();
        Ok(())
    }

    fn compress(&self) {
        let rules = self.inputs.rules;
        if let (true, Ok(directory)) = (rules.gzip, self.target.directory()) {
            compress::start(directory, self.target.path(), rules.keep, &[], &self.reporter);
        }
    }
}
