//! Signal masks and dispositions.
#![expect(unsafe_code, reason = "sigaction and signal have no safe wrapper")]

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};

/// Makes a write to a closed pipe, or beyond the worker's `--ulimit fsize`, an error instead of terminating the
/// launcher. The worker gets the defaults again: see [`restore_for_worker`].
pub fn survive_writes() {
    for signal in OF_WRITES {
        set(signal, SigHandler::SigIgn);
    }
}

/// The same for a single write, while these signals may be handled: those caused by the write are ignored, and the
/// handlers are restored afterwards.
pub fn surviving<T>(write: impl FnOnce() -> T) -> T {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let mut handlers = Vec::new();
    for signal in OF_WRITES {
        // SAFETY: ignoring a signal runs no code of ours in a handler
        if let Ok(before) = unsafe { sigaction(signal, &ignore) }
            && !matches!(before.handler(), SigHandler::SigIgn | SigHandler::SigDfl)
        {
            handlers.push((signal, before));
        }
    }
    let written = write();
    for (signal, handler) in handlers {
        // SAFETY: a previously installed handler, from a library whose handlers are async-signal-safe
        let _ = unsafe { sigaction(signal, &handler) };
    }
    written
}

/// The numbers of all signals but KILL and STOP, which cannot be caught, and 32 and 33, which the C library reserves.
pub fn all_that_can_be_caught() -> impl Iterator<Item = i32> {
    let caught = |number: &i32| ![libc::SIGKILL, libc::SIGSTOP].contains(number);
    (1..=libc::SIGSYS).filter(caught).chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

/// The signals that a write can cause.
pub const OF_WRITES: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

/// Unblocks every signal.
pub fn unblock_all() -> Result<(), Errno> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Restores the state for a worker: an empty mask, and the default dispositions for failing writes.
pub fn restore_for_worker() -> Result<(), Errno> {
    for signal in OF_WRITES {
        set(signal, SigHandler::SigDfl);
    }
    unblock_all()
}

/// The kernel's last signal, and the size of its signal set in bytes.
const LAST: libc::c_int = 64;
const SET_BYTES: usize = 8;

/// Resets every signal to its default disposition, including those inherited as ignored. Must be called before any is
/// handled: executed programs inherit only ignored signals.
pub fn reset_ignored() {
    // the kernel's own struct, at least as long as on any machine: default disposition, no flags, empty mask
    let default = [0_u64; 8];
    let nothing = std::ptr::null_mut::<u64>();
    for number in 1..=LAST {
        // the C library refuses its own two signals, and would never reset them SAFETY: live memory for reading; a
        // default disposition runs no code of ours, and a refusal (KILL, STOP) changes nothing
        unsafe { libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), nothing, SET_BYTES) };
    }
}

/// Whether any signal is ignored; before any is handled, by inheritance.
pub fn is_any_ignored() -> bool {
    let mut found = [0_u64; 8];
    (1..=LAST).any(|number| {
        let none = std::ptr::null::<u64>();
        // SAFETY: live, writable memory, longer than the kernel's struct on any machine, whose first field is the
        // handler
        let asked =
            unsafe { libc::syscall(libc::SYS_rt_sigaction, number, none, found.as_mut_ptr(), SET_BYTES) };
        // SIG_IGN
        asked == 0 && found.first() == Some(&1)
    })
}

/// Nothing that another process sends ends or stops this one but KILL and STOP; the end of a child is heard of.
pub fn ignore_all() {
    for number in all_that_can_be_caught().filter(|number| *number != libc::SIGCHLD) {
        // SAFETY: ignoring a signal runs no code of ours in a handler
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
}

/// Blocks every signal.
pub fn block_all() {
    // blocking all signals cannot fail
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
}

/// Saved dispositions.
pub struct SavedDispositions(Vec<(i32, libc::sigaction)>);

/// Blocks all signals and resets these to their default disposition, which takes effect once the mask is cleared.
pub fn block_and_default(signals: &[i32]) -> SavedDispositions {
    block_all();
    // SAFETY: all-zero is a valid sigaction: the default disposition, no flags, an empty mask
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut saved = Vec::new();
    for number in signals {
        let mut before = default;
        // SAFETY: live structs; a default disposition runs no code of ours
        if unsafe { libc::sigaction(*number, &raw const default, &raw mut before) } == 0 {
            saved.push((*number, before));
        }
    }
    SavedDispositions(saved)
}

/// Restores dispositions and unblocks every signal.
pub fn restore(saved: SavedDispositions) {
    for (number, before) in saved.0 {
        // SAFETY: a previously installed handler, from a library whose handlers are async-signal-safe
        unsafe { libc::sigaction(number, &raw const before, std::ptr::null_mut()) };
    }
    let _ = unblock_all();
}

fn set(signal: Signal, disposition: SigHandler) {
    // SAFETY: ignoring a signal, or its default, runs no code of ours in a handler
    let _ = unsafe { nix::sys::signal::signal(signal, disposition) };
}
