//! What a killed writer leaves to the next one: how far it has come, in memory that both share.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use nix::errno::Errno;

use super::cut::Position;
use crate::sys::memory::SharedWords;

/// Two places for a batch; the first word selects the valid one.
const CURRENT: usize = 0;
const PLACES: [usize; 2] = [8, 24];
/// Lines that were dropped and are not reported in the log yet; and all of them.
const OWED: usize = 1;
const DROPPED: usize = 2;
/// The trouble that is not over.
const TROUBLE: usize = 3;
/// Whether the beginning of the line that comes next was dropped.
const WITHIN: usize = 4;
/// The number of the pump.
const NUMBER: usize = 5;
/// How many portions have been moved.
const PORTIONS: usize = 6;
/// Dropped lines that are not in the state file yet.
const UNNOTED: usize = 7;

/// What stands before the bytes of a batch that come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing.
    #[default]
    None,
    /// The mark of a line that a rotation has cut.
    Continued,
    /// The report of this many dropped lines.
    Dropped(u64),
}

/// What has kept the log from being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing, or it is over.
    None,
    /// It has been reported.
    Reported,
    /// A pump before this one has noted it.
    Inherited,
}

/// The bytes that have been taken out of the pipe and are to be written to the log. What is made of them follows
/// from this and from themselves, so that any writer makes the same of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// When they came, in nanoseconds since 1970.
    pub(super) came: u64,
    /// Where the log was before them.
    pub(super) position: Position,
    /// This many bytes of the output made of them are in the log.
    pub(super) done: u64,
    /// What stands before the next.
    pub(super) head: Head,
    /// The file that gets the next: its number, and its size before.
    pub(super) inode: u64,
    pub(super) size: u64,
}

/// The journal of a pump.
#[derive(Debug)]
pub(super) struct Journal(SharedWords);

impl Journal {
    pub(super) fn new() -> Result<Self, Errno> {
        SharedWords::map().map(Journal)
    }

    /// Records a batch: a writer that is killed meanwhile leaves the previous one.
    pub(super) fn record(&self, batch: &Batch) {
        let current = self.0.word(CURRENT).load(Acquire);
        let place = if current == 1 { 1 } else { 0 };
        let (head, count) = match batch.head {
            Head::None => (0, 0),
            Head::Continued => (1, 0),
            Head::Dropped(lines) => (2, lines),
        };
        let position = u64::from(batch.position == Position::MidLine);
        let words = [batch.came, position, batch.done, head, count, batch.inode, batch.size];
        for (word, value) in words.into_iter().enumerate() {
            self.0.word(place_of(place) + word).store(value, Relaxed);
        }
        self.0.word(CURRENT).store(place + 1, Release);
    }

    /// The batch that is not finished.
    pub(super) fn batch(&self) -> Option<Batch> {
        let place = self.0.word(CURRENT).load(Acquire).checked_sub(1)?;
        let word = |number: usize| self.0.word(place_of(place) + number).load(Relaxed);
        Some(Batch {
            came: word(0),
            position: if word(1) == 1 { Position::MidLine } else { Position::LineStart },
            done: word(2),
            head: match word(3) {
                0 => Head::None,
                1 => Head::Continued,
                _ => Head::Dropped(word(4)),
            },
            inode: word(5),
            size: word(6),
        })
    }

    /// The batch is finished.
    pub(super) fn clear(&self) {
        self.0.word(CURRENT).store(0, Release);
    }

    /// Lines were dropped.
    pub(super) fn drop_lines(&self, count: u64) {
        self.0.word(OWED).fetch_add(count, Relaxed);
        self.0.word(DROPPED).fetch_add(count, Relaxed);
        self.0.word(UNNOTED).fetch_add(count, Relaxed);
    }

    /// Dropped lines that the log does not report yet: from now on the caller does.
    pub(super) fn take_owed(&self) -> u64 {
        self.0.word(OWED).swap(0, Relaxed)
    }

    /// They could not be reported.
    pub(super) fn owe(&self, count: u64) {
        self.0.word(OWED).fetch_add(count, Relaxed);
    }

    /// Dropped lines that the state file does not have yet: the caller notes them.
    pub(super) fn take_unnoted(&self) -> u64 {
        self.0.word(UNNOTED).swap(0, Relaxed)
    }

    /// All lines that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.0.word(DROPPED).load(Relaxed)
    }

    /// Whether the beginning of the line that comes next was dropped.
    pub(super) fn is_within_dropped_line(&self) -> bool {
        self.0.word(WITHIN).load(Relaxed) == 1
    }

    /// Sets where the bytes that were dropped end.
    pub(super) fn set_end_of_dropped(&self, position: Position) {
        self.0.word(WITHIN).store(u64::from(position == Position::MidLine), Relaxed);
    }

    /// Sets what the trouble is; returns what it was.
    pub(super) fn set_trouble(&self, trouble: Trouble) -> Trouble {
        match self.0.word(TROUBLE).swap(trouble as u64, Relaxed) {
            0 => Trouble::None,
            1 => Trouble::Reported,
            _ => Trouble::Inherited,
        }
    }

    /// The number of the pump, by which others know it.
    pub(super) fn number(&self) -> u64 {
        self.0.word(NUMBER).load(Relaxed)
    }

    /// A pump begins.
    pub(super) fn set_number(&self, number: u64) {
        self.0.word(NUMBER).store(number, Relaxed);
    }

    /// A portion has been moved.
    pub(super) fn count_portion(&self) {
        self.0.word(PORTIONS).fetch_add(1, Relaxed);
    }

    /// How many have been.
    pub(super) fn portions(&self) -> u64 {
        self.0.word(PORTIONS).load(Relaxed)
    }
}

fn place_of(place: u64) -> usize {
    if place == 0 { PLACES[0] } else { PLACES[1] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_batch_that_was_recorded_last() {
        let journal = Journal::new().expect("memory");
        assert_eq!(journal.batch(), None);
        for done in 0..3 {
            let head = if done == 1 { Head::Continued } else { Head::Dropped(done) };
            let batch = Batch { came: 1, position: Position::MidLine, done, head, inode: 2, size: 3 };
            journal.record(&batch);
            assert_eq!(journal.batch(), Some(batch));
        }
        journal.clear();
        assert_eq!(journal.batch(), None);
    }
}
