//! A batch in the second pipe: what is made of it is written, continuing from the journal, and it is taken out.

use std::os::fd::AsFd;
use std::time::UNIX_EPOCH;

use nix::errno::Errno;

use super::Writer;
use crate::log::pump::cut::{Cut, Position, cut};
use crate::log::pump::journal::{Batch, Head};
use crate::log::pump::lines::{stamped, time_of};
use crate::log::pump::target::{Current, Refused};
use crate::log::stamp::stamp;
use crate::sys;
use crate::sys::pipe::{self, CAPACITY};

impl Writer<'_> {
    /// Writes what is in the second pipe, continuing a batch that the journal has, and takes it out.
    pub(super) fn write_batch(&mut self) -> Result<(), Refused> {
        let staging = self.inputs.staging;
        let length = match pipe::peek(staging.read.as_fd(), &self.scratch, self.looked_at.bytes()) {
            Ok(length) => length,
            Err(Errno::EAGAIN) => 0,
            Err(errno) => return Err(errno.into()),
        };
        if length > 0 {
            self.write_made(length)?;
            if let Some(copies) = &mut self.copies {
                copies.pass(self.looked_at.bytes().get(..length).unwrap_or_default());
            }
        }
        self.finish_batch()
    }

    /// Takes a batch out that is in the log, or dropped.
    pub(super) fn finish_batch(&mut self) -> Result<(), Refused> {
        let nothing = Batch { done: u64::MAX, ..Batch::default() };
        // if this one is killed meanwhile, the next writer takes out what is left, and writes nothing
        self.inputs
            .journal
            .record(&self.inputs.journal.batch().map_or(nothing, |batch| Batch { done: u64::MAX, ..batch }));
        let staging = self.inputs.staging.read.as_fd();
        while pipe::waiting(staging)? > 0 {
            if pipe::move_to(staging, self.nowhere.as_fd(), CAPACITY).is_err() {
                nix::unistd::read(staging, self.looked_at.bytes())?;
            }
        }
        self.inputs.journal.clear();
        self.is_pending = false;
        Ok(())
    }

    /// Writes what is made of the first `length` bytes of `looked_at`.
    fn write_made(&mut self, length: usize) -> Result<(), Refused> {
        let rules = self.inputs.rules;
        let (mut batch, mut is_begun) = match self.inputs.journal.batch() {
            Some(batch) => (batch, true),
            None => (self.new_batch(length)?, false),
        };
        let stamp = stamp(rules.stamp, time_of(batch.came));
        let bytes = self.looked_at.bytes().get(..length).unwrap_or_default();
        let made_length = stamped(bytes, batch.position, stamp.as_bytes(), self.made.bytes());
        self.made_length = made_length;
        loop {
            let done = usize::try_from(batch.done).unwrap_or(usize::MAX);
            let made = self.made.bytes().get(..made_length).unwrap_or_default();
            let rest = made.get(done..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            let position = match done.checked_sub(1).and_then(|last| made.get(last)) {
                Some(last) => Position::after(*last),
                None => batch.position,
            };
            let current = self.target.current()?;
            let is_same = is_begun && batch.inode == current.inode && current.size >= batch.size;
            let written = if is_same { current.size - batch.size } else { 0 };
            if !is_same {
                batch.inode = current.inode;
                batch.size = current.size;
                self.inputs.journal.record(&batch);
            }
            let head = head_of(&batch, &current, &stamp, self.inputs.name)?;
            let head_length = head.len() as u64;
            // the head counts against the limit, not as content: a file that is empty is never rotated
            match cut(rest, batch.size, rules.limit().saturating_sub(head_length), position) {
                Cut::Rotate => {
                    if position == Position::MidLine && batch.head == Head::None && rules.stamp.is_some() {
                        batch.head = Head::Continued;
                    }
                    // of no file: what follows goes to one that is not there yet
                    batch.inode = 0;
                    is_begun = false;
                    self.inputs.journal.record(&batch);
                    self.rotate()?;
                }
                Cut::Write(count) => {
                    let chunk = rest.get(..count).unwrap_or_default();
                    write_from(&current, batch.size, written, &[head.as_bytes(), chunk])?;
                    batch.done += count as u64;
                    batch.head = Head::None;
                    // what follows starts at the end of the file
                    is_begun = true;
                    batch.size += head_length + count as u64;
                    self.inputs.journal.record(&batch);
                }
            }
        }
    }

    /// Starts the journal of the first `length` bytes of `looked_at`.
    fn new_batch(&mut self, length: usize) -> Result<Batch, Refused> {
        let journal = self.inputs.journal;
        let current = self.target.current()?;
        let now = sys::clock::wall_now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut batch = Batch {
            came: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            position: current.position()?,
            done: 0,
            head: Head::None,
            inode: current.inode,
            size: current.size,
        };
        let owed = journal.take_owed();
        if owed > 0 {
            batch.head = Head::Dropped(owed);
            batch.position = Position::LineStart;
        }
        if journal.is_within_dropped_line() {
            // its end is dropped too
            batch.position = Position::MidLine;
            let bytes = self.looked_at.bytes().get(..length).unwrap_or_default();
            match memchr::memchr(b'\n', bytes) {
                Some(end) => {
                    batch.done = end as u64 + 1;
                    journal.set_end_of_dropped(Position::LineStart);
                }
                None => {
                    batch.done = u64::MAX;
                    journal.owe(owed);
                }
            }
        }
        journal.record(&batch);
        Ok(batch)
    }
}

/// What stands in the log before the bytes that come next.
fn head_of(batch: &Batch, current: &Current<'_>, stamp: &str, name: &str) -> Result<String, Errno> {
    Ok(match batch.head {
        Head::None => String::new(),
        Head::Continued => format!("{stamp}[continued] "),
        Head::Dropped(lines) => report_of_dropped(lines, current.position_at(batch.size)?, batch.came, name),
    })
}

/// The launcher's line in the log where lines are missing.
fn report_of_dropped(lines: u64, position: Position, came: u64, name: &str) -> String {
    // the line before them may be incomplete
    let end = if position == Position::MidLine { "\n" } else { "" };
    format!("{end}{} {name}: warning: {lines} lines were dropped here\n", sys::clock::utc(time_of(came)))
}

/// Writes pieces one after the other from this offset on, without the first `written` bytes, which are there already.
fn write_from(current: &Current<'_>, mut at: u64, written: u64, pieces: &[&[u8]]) -> Result<(), Refused> {
    let mut skip = usize::try_from(written).unwrap_or(usize::MAX);
    for piece in pieces {
        let skipped = skip.min(piece.len());
        skip -= skipped;
        at += skipped as u64;
        let mut rest = piece.get(skipped..).unwrap_or_default();
        while !rest.is_empty() {
            let offset = i64::try_from(at).map_err(|_| Errno::EFBIG)?;
            match nix::sys::uio::pwrite(current.file, rest, offset) {
                Ok(0) => return Err(Errno::EIO.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    at += count as u64;
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Ok(())
}
