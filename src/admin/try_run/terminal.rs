//! A worker of another user never gets root's terminal, where it could type into root's shell. It gets a session of
//! its own and, if there is a terminal, one of its own; bytes are copied between the two (as sudo's `use_pty` does).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, killpg, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, fchmod};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{Pid, Uid, fchown, getpgrp, read, tcgetpgrp, write};

use super::monitor::{self, PASSED_ON};
use super::terminals::Terminals;
use crate::sys;
use crate::sys::terminal::{Change, next_change, set_window_size, window_size};

/// How much is copied at once, in bytes.
const PART: usize = 16 << 10;
/// How much of the output of processes that outlive the worker is shown, in chunks.
const MOST_LEFT: usize = 64;

/// Works in a session of its own; returns the exit code.
pub(super) fn run(terminals: &Terminals, user: Uid, work: impl FnOnce() -> i32) -> Result<i32, Errno> {
    let handled: SigSet = PASSED_ON.into_iter().chain([Signal::SIGCHLD, Signal::SIGWINCH]).collect();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&handled), None)?;
    let signals = SignalFd::with_flags(&handled, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let mut pty = terminals.of_root().map(Pty::open).transpose()?;
    let slave = pty.as_mut().and_then(|pty| pty.slave.take());
    if let Some(slave) = &slave {
        // a program may open /dev/stderr by name
        fchown(slave, Some(user), None)?;
        fchmod(slave, Mode::from_bits_truncate(0o600))?;
    }
    let leader = sys::fork::copy(|| monitor::lead(slave, terminals, work))?;
    let mut session = Session { leader, pty, reads: terminals.stdin, signals };
    session.enter();
    let code = session.copy();
    session.leave();
    Ok(code)
}

/// Root's terminal and the worker's.
struct Pty {
    roots: OwnedFd,
    /// The settings of root's terminal before.
    before: Option<Termios>,
    is_raw: bool,
    master: OwnedFd,
    slave: Option<OwnedFd>,
    /// Input that the worker's terminal has not taken yet.
    typed: Vec<u8>,
    is_open: bool,
}

impl Pty {
    fn open(roots: OwnedFd) -> Result<Self, Errno> {
        let before = tcgetattr(&roots).ok();
        let size = window_size(roots.as_fd());
        let OpenptyResult { master, slave } = openpty(size.as_ref(), before.as_ref())?;
        for fd in [&master, &slave] {
            fcntl(fd, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        let slave = Some(slave);
        Ok(Pty { roots, before, is_raw: false, master, slave, typed: Vec::new(), is_open: true })
    }

    /// Whether what is typed at root's terminal is for this process.
    fn is_foreground(&self) -> bool {
        tcgetpgrp(&self.roots) == Ok(getpgrp())
    }

    /// Copies output of the worker; whether there was any.
    fn show(&mut self) -> bool {
        let mut part = vec![0; PART];
        match read(&self.master, &mut part) {
            Ok(count) if count > 0 => {
                let written = part.get(..count).unwrap_or_default();
                let _ = sys::fd::write_all(self.roots.as_fd(), written);
                true
            }
            Err(Errno::EAGAIN | Errno::EINTR) => false,
            // no process has the worker's terminal open any more
            _ => {
                self.is_open = false;
                false
            }
        }
    }

    fn type_rest(&mut self) {
        match write(&self.master, &self.typed) {
            Ok(count) => _ = self.typed.drain(..count),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.typed.clear(),
        }
    }
}

struct Session {
    leader: Pid,
    pty: Option<Pty>,
    /// Whether stdin is root's terminal.
    reads: bool,
    signals: SignalFd,
}

impl Session {
    /// Passes on every key as it is typed: the worker's terminal turns ^C into a signal.
    fn enter(&mut self) {
        let Some(pty) = &mut self.pty else { return };
        if let Some(size) = window_size(pty.roots.as_fd()) {
            set_window_size(&pty.master, &size);
        }
        if let (true, true, Some(before)) = (self.reads, pty.is_foreground(), &pty.before) {
            let mut raw = before.clone();
            cfmakeraw(&mut raw);
            pty.is_raw = tcsetattr(&pty.roots, SetArg::TCSADRAIN, &raw).is_ok();
        }
    }

    /// Restores the settings of root's terminal.
    fn leave(&mut self) {
        let Some(pty) = &mut self.pty else { return };
        if let (true, Some(before)) = (std::mem::take(&mut pty.is_raw), &pty.before)
            && pty.is_foreground()
        {
            let _ = tcsetattr(&pty.roots, SetArg::TCSADRAIN, before);
        }
    }

    /// Copies bytes and passes signals on until the worker has ended.
    fn copy(&mut self) -> i32 {
        loop {
            let stdin = std::io::stdin();
            let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let is_for_us = self.pty.as_ref().is_some_and(|pty| pty.is_raw && pty.typed.is_empty());
            if let Some(pty) = self.pty.as_ref().filter(|pty| pty.is_open) {
                let mut events = PollFlags::POLLIN;
                events.set(PollFlags::POLLOUT, !pty.typed.is_empty());
                watched.push(PollFd::new(pty.master.as_fd(), events));
            }
            if self.reads && is_for_us {
                watched.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
            if !matches!(poll(&mut watched, PollTimeout::NONE), Ok(_) | Err(Errno::EINTR)) {
                return 1;
            }
            let has_key = watched
                .iter()
                .any(|each| each.as_fd().as_raw_fd() == stdin.as_raw_fd() && each.any() == Some(true));
            drop(watched);
            if let Some(pty) = &mut self.pty {
                pty.show();
                if !pty.typed.is_empty() {
                    pty.type_rest();
                }
            }
            if has_key {
                self.take_keys(stdin.as_fd());
            }
            if let Some(code) = self.take_signals() {
                return code;
            }
        }
    }

    fn take_keys(&mut self, stdin: BorrowedFd<'_>) {
        let mut part = vec![0; PART];
        match (read(stdin, &mut part), &mut self.pty) {
            (Ok(count), Some(pty)) if count > 0 => {
                part.truncate(count);
                pty.typed = part;
                pty.type_rest();
            }
            (Err(Errno::EAGAIN | Errno::EINTR), _) => {}
            // root's terminal is gone
            _ => self.reads = false,
        }
    }

    /// The worker's exit code, if it has ended.
    fn take_signals(&mut self) -> Option<i32> {
        while let Ok(Some(information)) = self.signals.read_signal() {
            let signal = i32::try_from(information.ssi_signo).ok().and_then(|it| Signal::try_from(it).ok());
            match signal {
                Some(Signal::SIGCHLD) => match next_change(self.leader) {
                    Some(Change::Ended(code)) => {
                        if let Some(pty) = &mut self.pty {
                            (0..MOST_LEFT).take_while(|_| pty.show()).for_each(drop);
                        }
                        return Some(code);
                    }
                    Some(Change::Stopped) => self.suspend(),
                    None => {}
                },
                Some(Signal::SIGWINCH) => self.enter(),
                Some(Signal::SIGCONT) => {
                    self.enter();
                    let _ = kill(self.leader, Signal::SIGCONT);
                }
                Some(signal) => _ = kill(self.leader, signal),
                None => {}
            }
        }
        None
    }

    /// The worker has been stopped: root's shell gets its terminal back until it continues this job.
    fn suspend(&mut self) {
        if let Some(pty) = &mut self.pty {
            (0..MOST_LEFT).take_while(|_| pty.show()).for_each(drop);
        }
        self.leave();
        let stop = SigSet::from(Signal::SIGTSTP);
        let _ = killpg(getpgrp(), Signal::SIGTSTP);
        // it stops here, until it is continued
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&stop), None);
        let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&stop), None);
        self.enter();
        let _ = kill(self.leader, Signal::SIGCONT);
    }
}
