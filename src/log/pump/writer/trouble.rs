//! A log that cannot be written: waiting until it can be, or dropping lines.

use std::os::fd::AsFd;
use std::time::Duration;

use super::wait::Seen;
use super::{Left, Writer};
use crate::config::settings::OnFull;
use crate::log::pump::cut::Position;
use crate::log::pump::journal::{Head, Trouble};
use crate::log::pump::target::Refused;
use crate::report::Level;
use crate::sys::clock::BootTime;
use crate::sys::pipe;

/// Between two attempts on a log that cannot be written.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After the end of the pipe.
const GIVES_UP_AFTER: Duration = Duration::from_secs(10);
/// This long after the last refusal, dropping is over.
const OVER_AFTER: Duration = Duration::from_secs(1);

impl Writer<'_> {
    /// The log cannot be written: waits for some time, or drops what is due.
    pub(super) fn refused(&mut self, refused: &Refused) -> Option<Left> {
        let full = self.inputs.rules.full;
        if self.inputs.journal.set_trouble(Trouble::Reported) != Trouble::Reported {
            let path = self.target.path().display();
            let consequence = match full {
                OnFull::Block => "the worker waits until it can be",
                OnFull::Drop => "lines are dropped until it can be",
            };
            self.reporter.warn(&format!("unable to write log '{path}': {}; {consequence}", refused.0));
        }
        match full {
            OnFull::Drop => {
                self.refused_at = Some(BootTime::now());
                self.drop_batch();
                self.note_state(Some(&refused.0));
                None
            }
            OnFull::Block => {
                self.note_state(Some(&refused.0));
                if self.has_end() && self.is_hopeless() {
                    return Some(self.give_up(&refused.0));
                }
                let seen = self.pause_for(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                (seen == Seen::KeeperGone).then_some(Left::KeeperGone)
            }
        }
    }

    /// The same for its lock: nothing of the log is touched.
    pub(super) fn barred(&mut self, refused: &Refused) -> Option<Left> {
        if self.inputs.rules.full == OnFull::Drop && !self.is_pending {
            let _ = self.stage();
        }
        self.refused(refused)
    }

    /// Whether the log could not be written for so long that nobody waits for it, and nobody can write to the pipe.
    pub(super) fn is_hopeless(&mut self) -> bool {
        let now = BootTime::now();
        now.since(*self.hopeless_since.get_or_insert(now)) >= GIVES_UP_AFTER
    }

    /// Nobody waits for what is left, and a pump that waits for ever would be joined by one of each restart.
    pub(super) fn give_up(&mut self, why: &str) -> Left {
        let count = |pipe| pipe::waiting(pipe).unwrap_or(0);
        let lost = count(self.inputs.pipe) + count(self.inputs.staging.read.as_fd());
        let path = self.target.path().display();
        self.reporter.warn(&format!(
            "gave up on log '{path}' after the worker's end: {why}; up to {lost} bytes of its output are lost"
        ));
        self.note_state(Some(&format!("{why}; its pump gave up: up to {lost} bytes of output are lost")));
        // this stays noted
        self.inputs.journal.set_trouble(Trouble::None);
        Left::End
    }

    /// The end: what cannot be written any more is no trouble.
    pub(super) fn end(&mut self) {
        if self.inputs.journal.set_trouble(Trouble::None) == Trouble::Reported {
            self.note_state(None);
        }
        if let Some(state) = self.inputs.state {
            state.withdraw(self.inputs.journal.number());
        }
    }

    /// The log is written.
    pub(super) fn is_over(&mut self) {
        self.pause = FIRST_PAUSE;
        self.hopeless_since = None;
        // a volume that is nearly full takes small portions and refuses large ones
        let is_settled = self.refused_at.is_none_or(|at| BootTime::now().since(at) > OVER_AFTER);
        if self.inputs.rules.full == OnFull::Drop && !is_settled {
            return;
        }
        self.refused_at = None;
        let trouble = self.inputs.journal.set_trouble(Trouble::None);
        if trouble == Trouble::Reported {
            let dropped = match self.inputs.journal.dropped() {
                0 => String::new(),
                count => format!("; {count} lines have been dropped"),
            };
            let path = self.target.path().display();
            let text = format!("log '{path}' is written again{dropped}");
            self.reporter.say(Level::Info, crate::report::Audience::Everyone, &text);
        }
        if trouble != Trouble::None {
            self.note_state(None);
        }
    }

    fn note_state(&self, trouble: Option<&str>) {
        if let Some(state) = self.inputs.state {
            state.note(self.inputs.journal.take_unnoted(), trouble);
        }
    }

    /// Drops the batch that cannot be written, and removes the part of a chunk that is in the log.
    fn drop_batch(&mut self) {
        let staging = self.inputs.staging.read.as_fd();
        let length = pipe::peek(staging, &self.scratch, self.looked_at.bytes()).unwrap_or(0);
        let mut done = 0;
        if let Some(batch) = self.inputs.journal.batch() {
            done = usize::try_from(batch.done).unwrap_or(usize::MAX);
            if self.is_ours
                && let Ok(current) = self.target.current()
                && current.inode == batch.inode
            {
                current.truncate_to_line(batch.size);
            }
            if let Head::Dropped(lines) = batch.head {
                self.inputs.journal.owe(lines);
            }
        }
        let bytes = self.looked_at.bytes().get(..length).unwrap_or_default();
        if let Some(copies) = &mut self.copies {
            copies.leave_out(bytes);
        }
        let end = bytes.last().map_or(Position::LineStart, |last| Position::after(*last));
        let made = self.made.bytes().get(..self.made_length).unwrap_or_default();
        let dropped = match done {
            0 => bytes,
            done => made.get(done..).unwrap_or_default(),
        };
        let ends = memchr::memchr_iter(b'\n', dropped).count();
        self.inputs.journal.drop_lines(ends as u64 + u64::from(end == Position::MidLine));
        self.inputs.journal.set_end_of_dropped(end);
        // if this fails, it is tried again, and nothing of the batch is written
        let _ = self.finish_batch();
    }
}
