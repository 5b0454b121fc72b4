//! The signals that the launcher handles, delivered through a pipe for poll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::sys;

/// Signals with an effect, and those forwarded to the worker.
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

/// The signals PID 1 does not handle, besides KILL and STOP, which cannot be: the kernel sends these for a fault in
/// the launcher itself, which would recur after a handler.
const FAULTS: [i32; 4] = [libc::SIGILL, libc::SIGBUS, libc::SIGFPE, libc::SIGSEGV];

/// The parent-death signal of a launcher under a supervisor. From any other sender it has no effect: the parent is
/// checked.
pub(super) const PARENT_HAS_ENDED: Signal = Signal::SIGURG;

/// The handled signals. As PID 1 these are all that can be caught, since a container's `--stop-signal` may be any of
/// them. Elsewhere the others keep their effect (TSTP for job control, XCPU).
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
    /// Starts to handle these signals instead of being terminated by them. Clears an inherited mask.
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

    /// The pending signals by number, each once; real-time signals have no name.
    pub fn pending(&mut self) -> Vec<i32> {
        self.delivery.pending().collect()
    }
}

/// Whether this signal asks the launcher to stop.
pub fn is_stop(signal: i32) -> bool {
    matches!(signal, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT)
}
