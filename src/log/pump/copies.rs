//! `--log-tee`: each line also goes to the inherited stdout, after it is in the log. A pipe that stays full costs lines
//! of the copy; a slow reader delays the log.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, poll};

use crate::config::settings::LogTee;
use crate::sys;

/// A pipe takes this many bytes at once or not at all: lines of several services are not mixed.
const PIPE_BUF: usize = 4096;
/// How long a reader is waited for who has read until now, in milliseconds.
const PATIENCE: u8 = 100;

/// The way to stdout.
pub(super) struct Copies {
    prefix: Vec<u8>,
    /// The line that is due, with its prefix.
    due: Vec<u8>,
    has_reader: bool,
}

impl Copies {
    pub(super) fn new(tee: LogTee, name: &str) -> Self {
        let prefix = match tee {
            LogTee::Prefixed => format!("{name}: ").into_bytes(),
            LogTee::Raw => Vec::new(),
        };
        Copies { prefix, due: Vec::new(), has_reader: true }
    }

    /// Passes the lines on; one that is not finished waits for its end, as far as one write takes it.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while !rest.is_empty() {
                if self.due.is_empty() {
                    self.due.extend_from_slice(&self.prefix);
                }
                let room = PIPE_BUF.saturating_sub(self.due.len());
                let is_end = rest.ends_with(b"\n") && rest.len() <= room;
                // the last byte is kept free for the end of the line
                let fits = if is_end { rest.len() } else { rest.len().min(room.saturating_sub(1)) };
                let (now, later) = rest.split_at(fits);
                self.due.extend_from_slice(now);
                rest = later;
                if is_end || !rest.is_empty() {
                    self.flush();
                }
            }
        }
    }

    /// Passes on a last line that has no end.
    pub(super) fn finish(&mut self) {
        if !self.due.is_empty() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.due.ends_with(b"\n") {
            // the rest goes into the next write, or there is none
            self.due.push(b'\n');
        }
        let stdout = std::io::stdout();
        let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
        let patience = if self.has_reader { PATIENCE } else { 0 };
        self.has_reader = matches!(poll(&mut watched, patience), Ok(1..));
        if self.has_reader {
            sys::fd::write_all_or_give_up(stdout.as_fd(), &self.due);
        }
        self.due.clear();
    }
}
