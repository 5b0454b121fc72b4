//! What nix has no wrapper for, or a slow one: priority, groups and keyring of this process; signals to others
//! and how they ended.
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

/// Signals a process. nix knows no real-time signals.
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
    /// By the signal of this number; real-time signals too, for which there is no name.
    Killed(i32),
}

/// Takes the status of a child that has ended, if there is one. nix would reap it and then fail if a
/// real-time signal has killed it.
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

/// Takes the status of every child that has ended, where none of them matters: orphans that came to this process.
pub fn reap_orphans() {
    while next_ended().is_some() {}
}

/// The parent of a process, as /proc has it.
pub fn parent_of(pid: i32) -> Option<i32> {
    let stat = super::file::read_to_end(std::path::Path::new(&format!("/proc/{pid}/stat"))).ok()?;
    super::proc::stat_fields(&stat)?.nth(1)?.parse().ok()
}

/// A descriptor of a process: readable when it has ended, whatever it executes before that.
pub fn open_process(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: takes two numbers
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let number = Errno::result(result)?;
    let number = RawFd::try_from(number).map_err(|_| Errno::EBADF)?;
    // SAFETY: a descriptor that the kernel has just made, which nothing else owns
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The supplementary groups, if there are at most `most` (EINVAL otherwise). nix would first read the
/// kernel's limit from /proc.
pub fn groups(most: usize) -> Result<Vec<u32>, Errno> {
    let mut groups: Vec<libc::gid_t> = vec![0; most];
    let room = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    // SAFETY: the pointer and length are those of a live, writable vector
    let count = unsafe { libc::getgroups(room, groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(Errno::result(count)?).unwrap_or(0));
    Ok(groups)
}

/// Leaves the session keyring for a new, empty one.
pub fn new_session_keyring() -> Result<(), Errno> {
    let no_name: *const libc::c_char = std::ptr::null();
    // SAFETY: takes a number and a null pointer, which asks for a keyring without a name
    let result = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, no_name) };
    Errno::result(result).map(drop)
}

/// Gives pages of the heap that are free back to the system: a launcher that sleeps for a month keeps
/// what it read at start otherwise.
pub fn give_back_memory() {
    // SAFETY: takes a number; concerns free memory only
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}
