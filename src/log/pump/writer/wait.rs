//! Waiting: for bytes, for the end of the pipe, for the keeper's end.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Writer;
use crate::log::pump::copies::Copies;

/// The nap, in milliseconds; and how long is waited for more before the lock is released.
pub(super) const NAP: u8 = 2;

/// What a poll has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Bytes,
    End,
    KeeperGone,
    /// For the report of lines that are missing in the copy.
    Room,
    Nothing,
}

impl Writer<'_> {
    /// Waits for bytes, the end, the keeper's end, or room for copies.
    pub(super) fn wait(&self, most: PollTimeout) -> Seen {
        let keeper = self.keeper.as_ref().map_or(self.inputs.pipe, AsFd::as_fd);
        let room = match self.copies.as_ref().and_then(Copies::awaited) {
            Some(queue) => PollFd::new(queue, PollFlags::POLLOUT),
            None => PollFd::new(self.inputs.pipe, PollFlags::empty()),
        };
        let [pipe, keeper] = [self.inputs.pipe, keeper].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let mut watched = [pipe, keeper, room];
        if !matches!(poll(&mut watched, most), Ok(1..)) {
            return Seen::Nothing;
        }
        let [pipe, keeper, room] = watched.map(|each| each.revents().unwrap_or(PollFlags::empty()));
        if self.keeper.is_some() && !keeper.is_empty() {
            return Seen::KeeperGone;
        }
        if pipe.contains(PollFlags::POLLIN) {
            return Seen::Bytes;
        }
        if room.contains(PollFlags::POLLOUT) { Seen::Room } else { Seen::End }
    }

    /// Whether nobody can write to the pipe any more; something may still be in it.
    pub(super) fn has_end(&self) -> bool {
        let mut watched = [PollFd::new(self.inputs.pipe, PollFlags::empty())];
        matches!(poll(&mut watched, PollTimeout::ZERO), Ok(1..))
    }

    /// Lets bytes gather.
    pub(super) fn nap(&self) -> Seen {
        self.pause_for(Duration::from_millis(NAP.into()))
    }

    pub(super) fn pause_for(&self, time: Duration) -> Seen {
        let mut watched: Vec<PollFd<'_>> =
            self.keeper.iter().map(|keeper| PollFd::new(keeper.as_fd(), PollFlags::POLLIN)).collect();
        match poll(&mut watched, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(_) => Seen::Nothing,
            Ok(_) => Seen::KeeperGone,
        }
    }
}
