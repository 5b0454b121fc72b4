//! Helpers: copies of this process that do one task and exit. The launcher is single-threaded, so a copy is not
//! restricted to async-signal-safe calls; it costs only the pages it writes.
#![expect(unsafe_code, reason = "fork and _exit have no safe form")]

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

/// Starts a helper that dies with this process. It must not handle the signals in `handled`; `body` returns its exit
/// code.
pub fn helper(handled: &[i32], body: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    let parent = getpid();
    forked(handled, || {
        let armed = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok();
        // the parent may have died before
        if armed && getppid() == parent { body() } else { 1 }
    })
}

/// Starts a copy of this process with no signals blocked; `body` returns its exit code.
pub fn copy(body: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    forked(&[], body)
}

/// Starts a helper that is not a child of this process, so that a program executed by this process does not get its
/// status.
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
    // no handler may run in the copy: it would write to the shared pipe
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    // SAFETY: this process is single-threaded, so the copy is consistent
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        let _ = super::signals::block_and_default(handled);
        let _ = super::signals::unblock_all();
        let code = body();
        // SAFETY: takes a number; runs no cleanup of the parent's in the copy
        unsafe { libc::_exit(code) }
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    match forked? {
        ForkResult::Parent { child } => Ok(child),
        // it has exited
        ForkResult::Child => Err(Errno::ECHILD),
    }
}
