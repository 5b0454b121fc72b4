//! The signals that the launcher takes while it stays, delivered through a pipe that poll waits on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// Signals with an effect, and those that are passed on to the worker.
pub(super) const HANDLED: [i32; 10] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGHUP,
    libc::SIGALRM,
    libc::SIGCHLD,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGWINCH,
    PARENT_HAS_ENDED as i32,
];

/// The parent-death signal of a launcher under a supervisor. Sent by anybody else it has no effect: the parent is
/// looked at.
pub(super) const PARENT_HAS_ENDED: Signal = Signal::SIGURG;

/// The stream of signals.
#[derive(Debug)]
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// From now on these signals come here instead of ending the process. A mask that was inherited
    /// is emptied.
    pub fn listen() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, HANDLED)?;
        crate::sys::signals::unblock_all()?;
        Ok(Signals { delivery })
    }

    /// Readable when signals are pending.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// The pending signals, each once.
    pub fn pending(&mut self) -> Vec<Signal> {
        self.delivery.pending().filter_map(|number| Signal::try_from(number).ok()).collect()
    }
}
