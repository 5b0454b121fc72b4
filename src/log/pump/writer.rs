//! The half of a pump that moves bytes. Nothing is taken out of the worker's pipe before it is in the log, or in a
//! second pipe and the journal, from which the next writer goes on if this one is killed.
//!
//! Where a line is passed on as it is, splice(2) moves it from the pipe to the log: the kernel takes out what it has
//! written and nothing else. Only near `--log-size` the bytes are looked at, to find the end of a line. Where lines
//! are changed or dropped, or the file system knows no splice, the bytes of a batch move to the second pipe first, are
//! looked at there, and are taken out when all that is made of them is in the log.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

use super::copies::Copies;
use super::cut::{Cut, Position, cut, looked_at_from};
use super::journal::{Batch, Head, Journal};
use super::lines::{stamped, time_of};
use super::state::StateFile;
use super::target::{Current, Refused, Target};
use crate::config::settings::OnFull;
use crate::config::spec::LogRules;
use crate::log::compress;
use crate::log::stamp::{self, stamp};
use crate::report::{Level, Reporter};
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::memory::Buffer;
use crate::sys::pipe::{self, CAPACITY, Pipe};

/// A portion of at least this much says that the worker writes as fast as it can.
const LARGE: usize = CAPACITY / 2;
/// So many smaller ones in a row are followed by a nap each: a worker that writes line by line costs a wake-up for
/// many lines.
const MOST_SMALL: u32 = 8;
/// The nap, in milliseconds; and how long is waited for more before the lock is released.
const NAP: u8 = 2;
/// Between two attempts on a log that cannot be written.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// So long after the last refusal lines are dropped no more.
const OVER_AFTER: Duration = Duration::from_secs(1);
/// What a batch can become: a stamp for every byte that is a line, and a head.
const LARGEST_OUTPUT: usize = CAPACITY * (1 + stamp::LONGEST) + 1024;

/// Why a writer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody can write to the pipe any more, and nothing is left in it.
    End,
    /// Its keeper is gone.
    KeeperGone,
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
    pub(super) rules: LogRules,
    pub(super) name: &'a str,
}

pub(super) struct Writer<'a> {
    inputs: Inputs<'a>,
    /// Readable when the keeper has ended.
    keeper: Option<OwnedFd>,
    target: Target,
    /// Empty but while something is looked at.
    scratch: Pipe,
    /// /dev/null
    nowhere: OwnedFd,
    looked_at: Buffer,
    made: Buffer,
    way: Way,
    /// Whether the second pipe holds a batch that is not finished; what is made of it, as far as it is known.
    is_pending: bool,
    made_length: usize,
    copies: Option<Copies>,
    reporter: Reporter,
    pause: Duration,
    /// When something was dropped last.
    refused_at: Option<BootTime>,
}

/// How bytes come to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Splice,
    Staging,
}

/// What a poll has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Bytes,
    End,
    KeeperGone,
    Nothing,
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
            copies: rules.tee.map(|tee| Copies::new(tee, inputs.name)),
            reporter: Reporter::named(inputs.name),
            pause: FIRST_PAUSE,
            refused_at: None,
            inputs,
        })
    }

    /// Moves bytes until there are none to come.
    pub(super) fn run(mut self) -> Left {
        if !self.is_pending {
            self.inputs.journal.clear();
        } else if let Some(left) = self.locked(Self::drain) {
            // what a writer that was killed had begun
            return left;
        }
        self.compress();
        loop {
            match self.wait(PollTimeout::NONE) {
                Seen::KeeperGone => return Left::KeeperGone,
                Seen::End => return Left::End,
                Seen::Nothing => {}
                Seen::Bytes => {
                    if let Some(left) = self.locked(Self::drain) {
                        return left;
                    }
                }
            }
        }
    }

    /// Only one pump of a log writes at a time. The lock is given up when the pipe is empty, so that a pump whose
    /// pipe is kept open by what a worker has left does not hold up the next one.
    fn locked(&mut self, action: impl FnOnce(&mut Self) -> Option<Left>) -> Option<Left> {
        let lock = self.inputs.state;
        lock.iter().for_each(|lock| lock.lock());
        let left = action(self);
        lock.iter().for_each(|lock| lock.unlock());
        self.looked_at.release();
        self.made.release();
        left
    }

    /// Until nothing has come for a while.
    fn drain(&mut self) -> Option<Left> {
        let mut small = 0_u32;
        loop {
            let moved = match self.step() {
                Ok(moved) => moved,
                Err(refused) => match self.refused(&refused) {
                    None => continue,
                    left => return left,
                },
            };
            if moved == 0 {
                return None;
            }
            self.is_over();
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
                Seen::End | Seen::Nothing => return None,
            }
        }
    }

    /// Waits for bytes, the end or the keeper's end.
    fn wait(&self, most: PollTimeout) -> Seen {
        let keeper = self.keeper.as_ref().map_or(self.inputs.pipe, AsFd::as_fd);
        let mut watched = [self.inputs.pipe, keeper].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        if !matches!(poll(&mut watched, most), Ok(1..)) {
            return Seen::Nothing;
        }
        let [pipe, keeper] = watched.map(|each| each.revents().unwrap_or(PollFlags::empty()));
        if self.keeper.is_some() && !keeper.is_empty() {
            return Seen::KeeperGone;
        }
        if pipe.contains(PollFlags::POLLIN) { Seen::Bytes } else { Seen::End }
    }

    /// Lets bytes gather.
    fn nap(&self) -> Seen {
        self.pause_for(Duration::from_millis(NAP.into()))
    }

    fn pause_for(&self, time: Duration) -> Seen {
        let mut watched: Vec<PollFd<'_>> =
            self.keeper.iter().map(|keeper| PollFd::new(keeper.as_fd(), PollFlags::POLLIN)).collect();
        match poll(&mut watched, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(_) => Seen::Nothing,
            Ok(_) => Seen::KeeperGone,
        }
    }

    /// Moves a portion; gives how much, 0 if nothing waits.
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
        let moved = match pipe::move_to(self.inputs.pipe, self.inputs.staging.write.as_fd(), CAPACITY) {
            Ok(moved) => moved,
            Err(Errno::EAGAIN) => 0,
            Err(errno) => return Err(errno.into()),
        };
        self.is_pending = true;
        self.write_batch()?;
        Ok(moved)
    }

    /// From the pipe to the log; none if the file system does not do it.
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
        if rules.gzip {
            compress::start(self.target.directory(), self.target.path(), rules.keep, &[], &self.reporter);
        }
    }

    /// Writes what is in the second pipe, goes on with what the journal says is begun, and takes it out.
    fn write_batch(&mut self) -> Result<(), Refused> {
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
    fn finish_batch(&mut self) -> Result<(), Refused> {
        let nothing = Batch { done: u64::MAX, ..Batch::default() };
        // killed in between, the next writer takes out what is left, and writes nothing
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

    /// Writes what is made of so many bytes that are looked at.
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
            let head = match batch.head {
                Head::None => String::new(),
                Head::Continued => format!("{stamp}[continued] "),
                Head::Dropped(lines) => {
                    report_of_dropped(lines, current.position_at(batch.size)?, batch.came, self.inputs.name)
                }
            };
            let before = batch.size + head.len() as u64;
            match cut(rest, before, rules.limit(), position) {
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
                    // what follows begins at the end of the file
                    is_begun = true;
                    batch.size = before + count as u64;
                    self.inputs.journal.record(&batch);
                }
            }
        }
    }

    /// Begins the journal of so many bytes that are looked at.
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
                    journal.set_within_dropped_line(false);
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

    /// The log cannot be written: waits a while, or drops what is due.
    fn refused(&mut self, refused: &Refused) -> Option<Left> {
        let full = self.inputs.rules.full;
        if !self.inputs.journal.set_trouble(true) {
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
                let seen = self.pause_for(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                (seen == Seen::KeeperGone).then_some(Left::KeeperGone)
            }
        }
    }

    /// The log is written.
    fn is_over(&mut self) {
        self.pause = FIRST_PAUSE;
        // a volume that is nearly full takes small portions and refuses large ones
        let is_settled = self.refused_at.is_none_or(|at| BootTime::now().since(at) > OVER_AFTER);
        if self.inputs.rules.full == OnFull::Drop && !is_settled {
            return;
        }
        self.refused_at = None;
        if self.inputs.journal.set_trouble(false) {
            let dropped = match self.inputs.journal.dropped() {
                0 => String::new(),
                count => format!("; {count} lines have been dropped"),
            };
            let path = self.target.path().display();
            let text = format!("log '{path}' is written again{dropped}");
            self.reporter.say(Level::Info, crate::report::Audience::Everyone, &text);
            self.note_state(None);
        }
    }

    fn note_state(&self, trouble: Option<&str>) {
        if let Some(state) = self.inputs.state {
            state.note(self.inputs.journal.dropped(), trouble);
        }
    }

    /// Drops the batch that cannot be written, and what of a chunk is in the log.
    fn drop_batch(&mut self) {
        let staging = self.inputs.staging.read.as_fd();
        let length = pipe::peek(staging, &self.scratch, self.looked_at.bytes()).unwrap_or(0);
        let mut done = 0;
        if let Some(batch) = self.inputs.journal.batch() {
            done = usize::try_from(batch.done).unwrap_or(usize::MAX);
            if let Ok(current) = self.target.current()
                && current.inode == batch.inode
            {
                current.truncate_to_line(batch.size);
            }
            if let Head::Dropped(lines) = batch.head {
                self.inputs.journal.owe(lines);
            }
        }
        let bytes = self.looked_at.bytes().get(..length).unwrap_or_default();
        let is_open = bytes.last().is_some_and(|last| *last != b'\n');
        let made = self.made.bytes().get(..self.made_length).unwrap_or_default();
        let dropped = match done {
            0 => bytes,
            done => made.get(done..).unwrap_or_default(),
        };
        let ends = memchr::memchr_iter(b'\n', dropped).count();
        self.inputs.journal.drop_lines(ends as u64 + u64::from(is_open));
        self.inputs.journal.set_within_dropped_line(is_open);
        // else it is tried again, and nothing of it is written
        let _ = self.finish_batch();
    }
}

/// The line of ours that stands in the log where lines are missing.
fn report_of_dropped(lines: u64, position: Position, came: u64, name: &str) -> String {
    // the line before them may have been begun
    let end = if position == Position::MidLine { "\n" } else { "" };
    format!("{end}{} {name}: warning: {lines} lines were dropped here\n", sys::clock::utc(time_of(came)))
}

/// Writes pieces one after the other from this place on, but for so many bytes that are there already.
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
