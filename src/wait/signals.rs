//! The signals that the launcher takes while it stays, delivered through a pipe that poll waits on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::sys;

/// Signals with an effect, and those that are passed on to the worker.
const HANDLED: [i32; 10] = [
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

/// What PID 1 does not take beside KILL and STOP, which nobody can: the kernel sends these for a fault of the
/// launcher itself, which would only be repeated after a handler.
const FAULTS: [i32; 4] = [libc::SIGILL, libc::SIGBUS, libc::SIGFPE, libc::SIGSEGV];

/// The parent-death signal of a launcher under a supervisor. Sent by anybody else it has no effect: the parent is
/// looked at.
pub(super) const PARENT_HAS_ENDED: Signal = Signal::SIGURG;

/// The numbers of the signals that are taken. As PID 1 that is every one that can be caught: nobody else is
/// there to get it, and a container's `--stop-signal` may be any. Elsewhere the others keep their effect (TSTP
/// of a shell's job control, XCPU).
pub fn handled() -> &'static [i32] {
    static NUMBERS: OnceLock<Vec<i32>> = OnceLock::new();
    NUMBERS.get_or_init(|| match nix::unistd::getpid().as_raw() {
        1 => sys::signals::all_that_can_be_caught().filter(|number| !FAULTS.contains(number)).collect(),
        _ => HANDLED.to_vec(),
    })
}

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
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, handled())?;
        sys::signals::unblock_all()?;
        Ok(Signals { delivery })
    }

    /// Readable when signals are pending.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// The numbers of the pending signals, each once; real-time signals have no name.
    pub fn pending(&mut self) -> Vec<i32> {
        self.delivery.pending().collect()
    }
}

/// Whether this signal asks the launcher to stop.
pub fn is_stop(signal: i32) -> bool {
    matches!(signal, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT)
}
