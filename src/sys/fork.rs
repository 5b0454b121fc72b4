//! Helpers: copies of this process that do one thing and leave. The launcher has one thread, so a copy may
//! do whatever it likes; it costs the pages that it writes.
#![expect(unsafe_code, reason = "fork and _exit have no safe form")]

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

/// Starts a helper that dies with this process. `handled` are the signals that it must not take; what
/// `body` gives is its exit code.
pub fn helper(handled: &[i32], body: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    let parent = getpid();
    forked(handled, || {
        let armed = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok();
        // it may have died before
        if armed && getppid() == parent { body() } else { 1 }
    })
}

/// Starts a copy of this process; what `body` gives is its exit code. Nothing is blocked in it.
pub fn copy(body: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    forked(&[], body)
}

/// Starts a helper that is not a child of this process: the program that this process executes does not get
/// its status.
pub fn orphan(handled: &[i32], body: impl FnOnce() -> i32) -> Result<(), Errno> {
    let between = forked(handled, || match forked(handled, body) {
        Ok(_) => 0,
        Err(_) => 1,
    })?;
    match nix::sys::wait::waitpid(between, None)? {
        nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
        _ => Err(Errno::EAGAIN),
    }
}

fn forked(handled: &[i32], body: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    // no handler may run in the copy: it would write to the pipe that it shares
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    // SAFETY: this process has one thread, so the copy is whole
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        let _ = super::signals::block_and_default(handled);
        let _ = super::signals::unblock_all();
        let code = body();
        // SAFETY: takes a number; nothing of the parent's is run in the copy
        unsafe { libc::_exit(code) }
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    match forked? {
        ForkResult::Parent { child } => Ok(child),
        // it has left
        ForkResult::Child => Err(Errno::ECHILD),
    }
}
