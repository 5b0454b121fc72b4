//! `--log-tee`: each line also goes to the inherited stdout. The log comes first: a reader that does not read costs
//! lines of the copy, but does not delay the log.

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
    /// A line, or several, that are due.
    due: Vec<u8>,
    /// Whether what is due starts a line.
    at_start: bool,
    has_reader: bool,
}

impl Copies {
    pub(super) fn new(tee: LogTee, name: &str) -> Self {
        let prefix = match tee {
            LogTee::Prefixed => format!("{name}: ").into_bytes(),
            LogTee::Raw => Vec::new(),
        };
        Copies { prefix, due: Vec::new(), at_start: true, has_reader: true }
    }

    /// Passes the lines on; one that is not finished waits for its end, as far as one write takes it.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while !rest.is_empty() {
                if self.at_start {
                    if self.due.len() + self.prefix.len() >= PIPE_BUF {
                        self.flush();
                    }
                    self.due.extend_from_slice(&self.prefix);
                    self.at_start = false;
                }
                let fits = rest.len().min(PIPE_BUF - self.due.len());
                let (now, later) = rest.split_at(fits);
                self.due.extend_from_slice(now);
                rest = later;
                let is_whole = now.ends_with(b"\n");
                if is_whole || self.due.len() == PIPE_BUF {
                    self.flush();
                    self.at_start = true;
                }
            }
        }
    }

    fn flush(&mut self) {
        if !self.due.ends_with(b"\n") {
            // the rest goes into the next write
            self.due.pop();
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
