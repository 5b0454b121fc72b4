//! `--log-tee`: each line also goes to the inherited stdout, after it is in the log. The writer puts whole lines into a
//! pipe, the queue, and the copier takes them to stdout. Nothing here waits for a reader: lines for which the queue has
//! no room are left out, and a line of the copy reports how many.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::Ordering::Relaxed;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::pipe2;

use crate::config::settings::LogTee;
use crate::sys::clock;
use crate::sys::memory::SharedWords;
use crate::sys::pipe::{self, Pipe};

/// PIPE_BUF. A pipe takes this many bytes at once or not at all: lines are neither torn nor mixed with those of other
/// services, in the queue and at stdout.
pub(super) const PORTION: usize = 4096;
/// What the queue holds, where the system lets it: several batches, for a reader that is late.
const ROOM: i32 = 256 << 10;
/// How long the last lines wait for room, when there is nothing more for the log.
pub(super) const PATIENCE: u16 = 5000;

/// Lines on their way to stdout. Every write to it ends with a line.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) pipe: Pipe,
    /// The first word counts the lines that were left out and are not reported in the copy yet.
    left_out: SharedWords,
}

impl Queue {
    pub(super) fn new() -> Result<Self, Errno> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // refused to a user who has many large pipes
        let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(ROOM));
        Ok(Queue { pipe: Pipe { read, write }, left_out: SharedWords::map()? })
    }

    pub(super) fn numbers(&self) -> [RawFd; 2] {
        [self.pipe.read.as_raw_fd(), self.pipe.write.as_raw_fd()]
    }

    /// How many bytes are not at stdout yet.
    pub(super) fn waiting(&self) -> usize {
        pipe::waiting(self.pipe.read.as_fd()).unwrap_or(0)
    }

    fn left_out(&self) -> u64 {
        self.left_out.word(0).load(Relaxed)
    }

    fn leave_out(&self, lines: u64) {
        self.left_out.word(0).fetch_add(lines, Relaxed);
    }

    fn have_reported(&self, lines: u64) {
        self.left_out.word(0).fetch_sub(lines, Relaxed);
    }
}

/// The writer's way to the queue.
pub(super) struct Copies<'a> {
    queue: &'a Queue,
    tee: LogTee,
    name: &'a str,
    /// The line that is due, with its prefix, as far as it has arrived.
    line: Vec<u8>,
    /// Whether a piece of this line was left out: its rest is then left out too.
    is_line_left_out: bool,
    /// What the next write takes.
    portion: Portion,
}

#[derive(Default)]
struct Portion {
    bytes: Vec<u8>,
    /// The lines that end in it.
    ends: u64,
    /// Whether its last line goes on in the next portion.
    is_cut: bool,
    /// The lines that it reports as left out.
    reports: u64,
}

/// Whether a piece of a line is its last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Last,
    Other,
}

impl<'a> Copies<'a> {
    pub(super) fn new(tee: LogTee, name: &'a str, queue: &'a Queue) -> Self {
        let (line, portion) = (Vec::new(), Portion::default());
        Copies { queue, tee, name, line, is_line_left_out: false, portion }
    }

    /// Passes the lines on; one that is not finished waits for its end, as far as one write takes it.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while !rest.is_empty() {
                rest = self.take(rest);
            }
        }
        self.flush();
    }

    /// Leaves out lines that the log has dropped, with the beginning of the first and the end of the last.
    pub(super) fn leave_out(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        self.line.clear();
        self.queue.leave_out(memchr::memchr_iter(b'\n', bytes).count() as u64);
        self.is_line_left_out = *last != b'\n';
    }

    /// To be watched for POLLOUT: lines that were left out are to be reported once there is room.
    pub(super) fn awaited(&self) -> Option<BorrowedFd<'_>> {
        (self.queue.left_out() > 0).then(|| self.queue.pipe.write.as_fd())
    }

    /// Reports lines that were left out.
    pub(super) fn catch_up(&mut self) {
        self.begin();
        self.flush();
    }

    /// Passes on a last line that has no end, and the last report; waits for room for up to `patience` milliseconds.
    pub(super) fn finish(&mut self, patience: u16) {
        if std::mem::take(&mut self.is_line_left_out) {
            self.queue.leave_out(1);
        }
        if !self.line.is_empty() {
            let has_room = self.wait_for_room(patience);
            self.push(Piece::Last);
            self.flush();
            if !has_room {
                return;
            }
        }
        if self.queue.left_out() > 0 && self.wait_for_room(patience) {
            self.catch_up();
        }
    }

    /// Takes the beginning of the rest of a line, as much as one write takes; returns what is left of it.
    fn take<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        if self.is_line_left_out {
            if rest.ends_with(b"\n") {
                self.is_line_left_out = false;
                self.queue.leave_out(1);
            }
            return &[];
        }
        if self.line.is_empty() && self.tee == LogTee::Prefixed {
            self.line.extend_from_slice(self.name.as_bytes());
            self.line.extend_from_slice(b": ");
        }
        let room = PORTION.saturating_sub(self.line.len());
        let is_last = rest.ends_with(b"\n") && rest.len() <= room;
        // the last byte is kept free for the end of the line
        let fits = if is_last { rest.len() } else { rest.len().min(room.saturating_sub(1)) };
        let (now, later) = rest.split_at(fits);
        self.line.extend_from_slice(now);
        if is_last {
            self.push(Piece::Last);
        } else if !later.is_empty() {
            self.push(Piece::Other);
        }
        later
    }

    /// Adds the line, or a piece of it, to the portion.
    fn push(&mut self, piece: Piece) {
        if !self.line.ends_with(b"\n") {
            // the rest goes into the next one, or there is none
            self.line.push(b'\n');
        }
        self.make_room();
        self.begin();
        self.make_room();
        // no line overtakes the report of those before it
        let is_overtaking = self.portion.bytes.is_empty() && self.queue.left_out() > 0;
        if self.is_line_left_out || is_overtaking {
            self.line.clear();
            self.is_line_left_out = piece == Piece::Other;
            self.queue.leave_out(u64::from(piece == Piece::Last));
            return;
        }
        self.portion.bytes.append(&mut self.line);
        self.portion.ends += u64::from(piece == Piece::Last);
        self.portion.is_cut = piece == Piece::Other;
    }

    /// Room in the portion for the line.
    fn make_room(&mut self) {
        if self.portion.bytes.len() + self.line.len() > PORTION {
            self.flush();
        }
    }

    /// A new portion begins with the report of lines that were left out.
    fn begin(&mut self) {
        let lines = self.queue.left_out();
        if lines == 0 || !self.portion.bytes.is_empty() {
            return;
        }
        let name = self.name;
        let report = match self.tee {
            LogTee::Prefixed => format!("{name}: {lines} lines are left out here\n"),
            // as the launcher's own lines
            LogTee::Raw => format!("{} {name}: warning: {lines} lines are left out here\n", clock::utc_now()),
        };
        self.portion.bytes.extend_from_slice(report.as_bytes());
        self.portion.reports = lines;
    }

    /// Passes the portion on, or leaves its lines out.
    fn flush(&mut self) {
        if self.portion.bytes.is_empty() {
            return;
        }
        if nix::unistd::write(&self.queue.pipe.write, &self.portion.bytes).is_ok() {
            self.queue.have_reported(self.portion.reports);
        } else {
            self.queue.leave_out(self.portion.ends);
            self.is_line_left_out = self.portion.is_cut;
        }
        self.portion.bytes.clear();
        self.portion = Portion { bytes: std::mem::take(&mut self.portion.bytes), ..Portion::default() };
    }

    fn wait_for_room(&self, patience: u16) -> bool {
        let mut watched = [PollFd::new(self.queue.pipe.write.as_fd(), PollFlags::POLLOUT)];
        matches!(poll(&mut watched, patience), Ok(1..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything out of the queue.
    fn taken(queue: &Queue) -> String {
        let mut bytes = vec![0; queue.waiting()];
        let length = nix::unistd::read(&queue.pipe.read, &mut bytes).unwrap_or(0);
        bytes.truncate(length);
        String::from_utf8(bytes).expect("text")
    }

    fn fill(queue: &Queue) {
        let page = [b'\n'; PORTION];
        while nix::unistd::write(&queue.pipe.write, &page).is_ok() {}
    }

    #[test]
    fn lines_without_room_are_counted_and_reported_in_their_place() {
        let queue = Queue::new().expect("a pipe");
        let mut copies = Copies::new(LogTee::Prefixed, "a", &queue);
        copies.pass(b"one\ntw");
        copies.pass(b"o\n");
        assert_eq!(taken(&queue), "a: one\na: two\n");
        fill(&queue);
        assert!(copies.awaited().is_none());
        copies.pass(b"three\nfour\nfi");
        copies.pass(b"ve\n");
        assert!(copies.awaited().is_some());
        taken(&queue);
        copies.pass(b"six\n");
        copies.pass(b"seven");
        copies.finish(0);
        assert_eq!(taken(&queue), "a: 3 lines are left out here\na: six\na: seven\n");
        assert!(copies.awaited().is_none());
    }

    #[test]
    fn a_line_that_has_lost_a_piece_is_left_out_once() {
        let long = [&[b'x'; 3 * PORTION][..], b"\n"].concat();
        // the portions before the loss: what the queue has room for, one page each
        for room in 0..5 {
            let queue = Queue::new().expect("a pipe");
            let mut copies = Copies::new(LogTee::Prefixed, "a", &queue);
            fill(&queue);
            let mut page = [0; PORTION];
            for _ in 0..room {
                nix::unistd::read(&queue.pipe.read, &mut page).expect("a page");
            }
            copies.pass(&long);
            copies.pass(b"short\n");
            // 12,288 bytes in pieces of 4,092
            let lost = match room {
                // the end of the long line and the short one are one portion
                0..=3 => 2,
                _ => 0,
            };
            taken(&queue);
            copies.finish(0);
            let report = format!("a: {lost} lines are left out here\n");
            assert_eq!(taken(&queue), if lost == 0 { String::new() } else { report }, "{room}");
        }
    }

    #[test]
    fn no_part_of_a_line_that_the_log_has_dropped_is_copied() {
        for (passed, dropped, later, lost) in [
            ("", "one\ntwo\n", "six\n", 2),
            ("begin", "end\n", "six\n", 1),
            ("begin", "end\ntwo\nbeg", "in\nsix\n", 3),
            ("begin", "on", "end\nsix\n", 1),
            ("", "", "six\n", 0),
        ] {
            let queue = Queue::new().expect("a pipe");
            let mut copies = Copies::new(LogTee::Prefixed, "a", &queue);
            copies.pass(passed.as_bytes());
            copies.leave_out(dropped.as_bytes());
            copies.pass(later.as_bytes());
            let report =
                if lost == 0 { String::new() } else { format!("a: {lost} lines are left out here\n") };
            assert_eq!(taken(&queue), format!("{report}a: six\n"), "{passed:?} {dropped:?}");
        }
    }

    #[test]
    fn no_line_overtakes_the_report_of_those_before_it() {
        let queue = Queue::new().expect("a pipe");
        let mut copies = Copies::new(LogTee::Raw, "a", &queue);
        fill(&queue);
        copies.pass(b"lost\n");
        taken(&queue);
        // with the report it is more than a portion
        let long = [&[b'x'; PORTION - 1][..], b"\n"].concat();
        copies.pass(&long);
        let copy = taken(&queue);
        let (report, line) = copy.split_once('\n').expect("two lines");
        assert!(report.ends_with(" a: warning: 1 lines are left out here"), "{report}");
        assert_eq!(line.as_bytes(), long);
    }
}
