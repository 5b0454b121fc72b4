//! What nix has no wrapper for: priority, the attributes of this process.
#![expect(unsafe_code, reason = "setpriority and _exit have no safe wrapper")]

use nix::errno::Errno;

/// Sets the niceness of this process.
pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: takes three numbers
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    Errno::result(result).map(drop)
}

/// The niceness of this process.
pub fn nice() -> i32 {
    // SAFETY: takes two numbers and only asks; -1 is a niceness too, errors cannot happen for oneself
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}
