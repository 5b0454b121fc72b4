//! Taking turns with other pumps of the log: what an earlier worker has left behind keeps its pump. One of them writes
//! at a time. The lock is given up when the pipe is empty; the newest pump has precedence, and an older one that has
//! written what came before gives the lock up after each portion.

use std::ops::ControlFlow;
use std::time::Duration;

use nix::errno::Errno;

use super::wait::Seen;
use super::{Left, Writer};
use crate::log::pump::state::StateFile;
use crate::log::pump::target::Refused;
use crate::sys::clock::BootTime;
use crate::sys::lock::{FileLock, Tried};
use crate::sys::pipe;

/// Between two attempts on a lock that another pump holds.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How long an older pump leaves the lock to others after a portion.
pub(super) const UNLOCKED: Duration = Duration::from_millis(20);
/// How often a pump that writes without a pause looks whether there is a newer one, and whether its lock is still
/// where others look for it.
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// How often a pump looks whether the directory of the log is still the same.
const LOOKS_AT_DIRECTORY_EVERY: Duration = Duration::from_secs(1);

/// Why a writer does not have the lock.
enum Barred {
    /// It ends.
    Left(Left),
    /// The lock cannot be opened.
    Refused(Refused),
}

/// How long the lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Until nothing comes any more.
    Ours,
    /// Until so many bytes are written, which came before a newer pump was seen.
    Until(usize),
    /// For one portion.
    Portion,
}

/// When was looked last.
#[derive(Debug, Default)]
pub(super) struct Looked {
    around: Option<BootTime>,
    at_directory: Option<BootTime>,
}

impl Writer<'_> {
    /// Takes the lock and writes what there is.
    pub(super) fn locked(&mut self) -> Option<Left> {
        let left = match self.acquire() {
            Ok(lock) => {
                self.is_ours = true;
                let left = self.drain();
                self.is_ours = false;
                drop(lock);
                left
            }
            Err(Barred::Left(left)) => Some(left),
            Err(Barred::Refused(refused)) => self.barred(&refused),
        };
        self.looked_at.release();
        self.made.release();
        left
    }

    /// Waits for the lock. On a volume without locks there is none.
    fn acquire(&mut self) -> Result<Option<FileLock>, Barred> {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(state) = self.inputs.state else { return Err(self.other_lock()) };
            if self.is_directory_replaced() {
                return Err(Barred::Left(Left::Renew));
            }
            let tried = state.try_lock();
            if !state.is_named() {
                return Err(self.other_lock());
            }
            self.looked.around = Some(BootTime::now());
            match tried {
                Ok(Tried::Ours(lock)) => return Ok(Some(lock)),
                Ok(Tried::Others(_)) => {}
                Err(errno @ (Errno::EMFILE | Errno::ENFILE)) => return Err(Barred::Refused(errno.into())),
                Err(_) => return Ok(None),
            }
            if self.has_end() {
                // another one may be writing without a pause
                state.claim(self.inputs.journal.number());
                if self.is_hopeless() {
                    return Err(Barred::Left(self.give_up("another pump holds its lock")));
                }
            }
            if self.pause_for(pause) == Seen::KeeperGone {
                return Err(Barred::Left(Left::KeeperGone));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The lock is not what others find by its name: the keeper opens that, and holds it for the next writer.
    fn other_lock(&self) -> Barred {
        match StateFile::open(self.target.path()) {
            Ok(_) => Barred::Left(Left::Renew),
            Err(why) => Barred::Refused(Refused(why.to_string())),
        }
    }

    /// Whether the log's path leads to another directory by now, or can be made to.
    fn is_directory_replaced(&mut self) -> bool {
        let (Some(state), now) = (self.inputs.state, BootTime::now()) else { return false };
        let is_recent = |at| now.since(at) < LOOKS_AT_DIRECTORY_EVERY;
        if self.looked.at_directory.is_some_and(is_recent) {
            return false;
        }
        self.looked.at_directory = Some(now);
        let path = self.target.path();
        !state.is_in_place(path) && StateFile::open(path).is_ok()
    }

    /// The same after a refusal, and whether the lock was replaced.
    pub(super) fn is_displaced(&mut self) -> bool {
        self.looked.at_directory = None;
        if self.is_directory_replaced() {
            return true;
        }
        // a part of a batch is in the log already: that is written under this lock
        let is_named = self.inputs.state.is_none_or(StateFile::is_named);
        !is_named && !self.is_pending && StateFile::open(self.target.path()).is_ok()
    }

    /// A portion of so many bytes is written: goes on, or ends the turn.
    pub(super) fn after_portion(&mut self, moved: usize) -> ControlFlow<Option<Left>> {
        let Some(state) = self.inputs.state else { return ControlFlow::Continue(()) };
        if let Turn::Until(rest) = self.turn {
            let rest = rest.saturating_sub(moved);
            if rest > 0 {
                self.turn = Turn::Until(rest);
                return ControlFlow::Continue(());
            }
            self.turn = Turn::Portion;
            return ControlFlow::Break(None);
        }
        let now = BootTime::now();
        let is_recent = |at| now.since(at) < LOOKS_EVERY;
        if self.turn == Turn::Ours && self.looked.around.is_some_and(is_recent) {
            return ControlFlow::Continue(());
        }
        self.looked.around = Some(now);
        if !state.is_named() || self.is_directory_replaced() {
            return ControlFlow::Break(Some(Left::Renew));
        }
        let newest = state.claimed();
        if newest == 0 || newest == self.inputs.journal.number() {
            self.turn = Turn::Ours;
            return ControlFlow::Continue(());
        }
        match pipe::waiting(self.inputs.pipe) {
            Ok(waits @ 1..) if self.turn == Turn::Ours => {
                self.turn = Turn::Until(waits);
                ControlFlow::Continue(())
            }
            _ => {
                self.turn = Turn::Portion;
                ControlFlow::Break(None)
            }
        }
    }
}
