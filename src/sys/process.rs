//! Calls for which nix has no wrapper, or a slow one: priority, groups and keyring of this process; signalling and
//! reaping others.
#![expect(unsafe_code, reason = "calls without a safe wrapper, or with one that does too much")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::unistd::Pid;

/// Sets the niceness of this process.
pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: takes three numbers
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    Errno::result(result).map(drop)
}

/// From now on this process runs when nothing else would: niceness 19, the idle class of the scheduler and of the
/// disk. What is refused costs others no more than its share.
pub fn set_idle_priority() {
    let _ = set_nice(19);
    let idle = libc::sched_param { sched_priority: 0 };
    // SAFETY: a number and a live struct
    let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const idle) };
    // SAFETY: takes three numbers: this process, and the idle class
    let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE) };
}

/// Of linux/ioprio.h; the class stands above 13 bits of a level, which this one has not.
const IOPRIO_WHO_PROCESS: i32 = 1;
const IOPRIO_CLASS_IDLE: i32 = 3 << 13;

/// Signals a process. nix does not support real-time signals.
pub fn signal(pid: Pid, number: i32) {
    // SAFETY: takes two numbers
    unsafe { libc::kill(pid.as_raw(), number) };
}

/// Signals a process group.
pub fn signal_group(group: Pid, number: i32) {
    // SAFETY: takes two numbers
    unsafe { libc::killpg(group.as_raw(), number) };
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// Killed by this signal, by number, since real-time signals have no name.
    Killed(i32),
}

/// Reaps a child that has ended, if there is one. nix would reap it and then fail if it was killed by a real-time
/// signal.
pub fn next_ended() -> Option<(i32, Ending)> {
    let mut status = 0;
    // SAFETY: a live, writable number
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
    let ending = match libc::WIFEXITED(status) {
        true => Ending::Exited(libc::WEXITSTATUS(status)),
        false => Ending::Killed(libc::WTERMSIG(status)),
    };
    (pid > 0).then_some((pid, ending))
}

/// Reaps every child that has ended, when all are orphans inherited by this process.
pub fn reap_orphans() {
    while next_ended().is_some() {}
}

/// The parent of a process, from /proc.
pub fn parent_of(pid: i32) -> Option<i32> {
    let stat = super::file::read_to_end(std::path::Path::new(&format!("/proc/{pid}/stat"))).ok()?;
    super::proc::stat_fields(&stat)?.nth(1)?.parse().ok()
}

/// A descriptor of a process, readable when it has ended, whatever it executes until then.
pub fn open_process(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: takes two numbers
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let number = Errno::result(result)?;
    let number = RawFd::try_from(number).map_err(|_| Errno::EBADF)?;
    // SAFETY: a new descriptor without another owner
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The supplementary groups, if there are at most `most` (EINVAL otherwise). nix would first read the
/// kernel's limit from /proc.
pub fn groups(most: usize) -> Result<Vec<u32>, Errno> {
    let mut groups: Vec<libc::gid_t> = vec![0; most];
    let room = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    // SAFETY: pointer and length of a live, writable vector
    let count = unsafe { libc::getgroups(room, groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(Errno::result(count)?).unwrap_or(0));
    Ok(groups)
}

/// Replaces the session keyring by a new, empty one.
pub fn new_session_keyring() -> Result<(), Errno> {
    let no_name: *const libc::c_char = std::ptr::null();
    // SAFETY: takes a number and a null pointer, for an unnamed keyring
    let result = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, no_name) };
    Errno::result(result).map(drop)
}

/// Returns free heap pages to the system: otherwise a launcher that sleeps for a month keeps the memory used at
/// startup.
pub fn give_back_memory() {
    // SAFETY: takes a number; affects only free memory
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}
