//! The process that copies lines to the inherited stdout (`--log-tee`), the only one that a reader there can stop. It
//! is a child of the keeper and dies with it; the next keeper starts another.
//!
//! Lines leave the queue when they are at stdout: a copier that is killed loses none. If it was killed between the two,
//! the next one repeats a single write.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::copies::{PATIENCE, PORTION, Queue};
use crate::sys;
use crate::sys::clock::BootTime;
use crate::sys::pipe::{self, Pipe};

/// Before a copier is started again that has ended or could not be started.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two looks at what is left, at the end of the pump; and between two attempts on a full volume.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The keeper's copier; none without a queue.
pub(super) struct Copier<'a> {
    queue: Option<&'a Queue>,
    process: Option<Pid>,
}

impl<'a> Copier<'a> {
    /// Starts it.
    pub(super) fn start(queue: Option<&'a Queue>) -> Self {
        let mut copier = Copier { queue, process: None };
        copier.start_if_missing();
        copier
    }

    /// Waits for the end of the writer, and starts another copier whenever there is none.
    pub(super) fn wait_for(&mut self, writer: Pid) -> Result<WaitStatus, Errno> {
        loop {
            let flags = if self.start_if_missing() { None } else { Some(WaitPidFlag::WNOHANG) };
            match waitpid(None, flags) {
                Ok(status) if status.pid() == Some(writer) => return Ok(status),
                Ok(status) => self.note(status),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Nothing more comes: waits until what is left has been copied, as long as its reader reads. This process ends
    /// next, and the copier with it.
    pub(super) fn finish(mut self) {
        let Some(queue) = self.queue else { return };
        let mut left = queue.waiting();
        let mut progress = BootTime::now();
        let mut pause = SHORTEST_PAUSE;
        while left > 0 && BootTime::now().since(progress) < Duration::from_millis(PATIENCE.into()) {
            self.start_if_missing();
            sys::clock::pause(pause);
            pause = (pause * 2).min(PAUSE);
            if let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                self.note(status);
            }
            let before = std::mem::replace(&mut left, queue.waiting());
            if left < before {
                progress = BootTime::now();
            }
        }
    }

    /// Whether there is one, or none is needed.
    fn start_if_missing(&mut self) -> bool {
        if let (Some(queue), None) = (self.queue, self.process) {
            self.process = sys::fork::helper(&[], || copy(queue)).ok();
            if self.process.is_none() {
                sys::clock::pause(PAUSE);
            }
        }
        self.queue.is_none() || self.process.is_some()
    }

    fn note(&mut self, status: WaitStatus) {
        if self.process.is_some() && status.pid() == self.process {
            self.process = None;
            sys::clock::pause(PAUSE);
        }
    }
}

/// Copies until it is killed; returns an exit code if it cannot.
fn copy(queue: &Queue) -> i32 {
    let source = queue.pipe.read.as_fd();
    let closed = sys::fd::close_all_but(&[source.as_raw_fd()]);
    let Ok(scratch) = Pipe::new() else { return 1 };
    if closed.is_err() {
        return 1;
    }
    let mut portion = [0; PORTION];
    loop {
        match pipe::peek(source, &scratch, &mut portion) {
            Err(Errno::EAGAIN) => {
                let mut watched = [PollFd::new(source, PollFlags::POLLIN)];
                let _ = poll(&mut watched, PollTimeout::NONE);
            }
            Ok(length @ 1..) => {
                let seen = portion.get(..length).unwrap_or_default();
                let lines = memchr::memrchr(b'\n', seen).map_or(length, |last| last + 1);
                deliver(seen.get(..lines).unwrap_or_default());
                if nix::unistd::read(source, portion.get_mut(..lines).unwrap_or_default()) != Ok(lines) {
                    return 1;
                }
            }
            Ok(0) | Err(_) => return 1,
        }
    }
}

/// Writes lines to stdout, however long it takes; they are lost where nobody reads.
fn deliver(mut lines: &[u8]) {
    let stdout = std::io::stdout();
    let mut pause = SHORTEST_PAUSE;
    while !lines.is_empty() {
        match nix::unistd::write(stdout.as_fd(), lines) {
            Ok(written @ 1..) => lines = lines.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            // who shares it has set O_NONBLOCK
            Err(Errno::EAGAIN) => {
                let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                let _ = poll(&mut watched, PollTimeout::NONE);
            }
            Err(Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG | Errno::ENOMEM | Errno::ENOBUFS) => {
                sys::clock::pause(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Ok(0) | Err(_) => return,
        }
    }
}
