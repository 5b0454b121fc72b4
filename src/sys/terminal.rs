//! Sessions and their terminals, where nix has no safe wrapper.
#![expect(unsafe_code, reason = "ioctl, and a wait that takes every signal's number")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::pty::Winsize;
use nix::unistd::Pid;

/// Makes a terminal the controlling terminal of this process's new session.
pub fn take(terminal: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: a live descriptor and a number
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) };
    Errno::result(result).map(drop)
}

/// The size of a terminal's window.
pub fn window_size(terminal: BorrowedFd<'_>) -> Option<Winsize> {
    // SAFETY: all-zero is a valid winsize
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: a live descriptor, and a live, writable struct
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some(size)
}

/// Sets a terminal's window size; its foreground group gets SIGWINCH.
pub fn set_window_size(terminal: impl AsFd, size: &Winsize) {
    // SAFETY: a live descriptor, and a live struct that is only read
    unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, std::ptr::from_ref(size)) };
}

/// A state change of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has ended: its exit code, 128 + n after signal n.
    Ended(i32),
    /// It has been stopped.
    Stopped,
}

/// Reads the next state change of a child, if there is one.
pub fn next_change(child: Pid) -> Option<Change> {
    let mut status = 0;
    // SAFETY: a live, writable number
    let pid = unsafe { libc::waitpid(child.as_raw(), &raw mut status, libc::WNOHANG | libc::WUNTRACED) };
    match pid {
        0 => None,
        pid if pid < 0 => Some(Change::Ended(1)),
        _ if libc::WIFSTOPPED(status) => Some(Change::Stopped),
        _ if libc::WIFEXITED(status) => Some(Change::Ended(libc::WEXITSTATUS(status))),
        _ => Some(Change::Ended(128 + libc::WTERMSIG(status))),
    }
}
