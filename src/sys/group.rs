//! The remaining processes of a process group.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::killpg;
use nix::unistd::Pid;

use super::{file, proc};

/// The longest `/proc/PID/stat` has about fifty numbers and a name of 16 bytes.
const MAX_BYTES: usize = 4096;

/// The remaining processes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// No process.
    Nothing,
    /// Only zombies, not yet reaped by parents outside the group: signals do not affect them.
    Zombies,
    /// A running process, or one that is not visible.
    Processes,
}

/// Whether the group has no members, not even zombies. A single system call.
pub fn is_empty(group: Pid) -> bool {
    killpg(group, None) == Err(Errno::ESRCH)
}

/// The remaining processes of the group. Reads the state of every process.
pub fn left_of(group: Pid) -> Left {
    if is_empty(group) {
        return Left::Nothing;
    }
    let Ok(entries) = std::fs::read_dir("/proc") else { return Left::Processes };
    let mut left = Left::Nothing;
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        match member(&entry.path(), group) {
            None => {}
            Some(b'Z' | b'X') => left = Left::Zombies,
            Some(_) => return Left::Processes,
        }
    }
    // there is one that /proc does not show
    if left == Left::Nothing && !is_empty(group) { Left::Processes } else { left }
}

/// The state of a process, if it is in the group.
fn member(process: &Path, group: Pid) -> Option<u8> {
    let file = file::open_regular(&process.join("stat"), OFlag::empty()).ok()?;
    let stat = file::read_at_most(file, MAX_BYTES).ok()?;
    let (state, of) = state_and_group(&stat)?;
    (of == group.as_raw()).then_some(state)
}

/// The third and the fifth field of a stat.
fn state_and_group(stat: &[u8]) -> Option<(u8, i32)> {
    let mut fields = proc::stat_fields(stat)?;
    let state = *fields.next()?.as_bytes().first()?;
    Some((state, fields.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn a_stat_is_read_whatever_the_name() {
        for name in ["sleep", "a b", ") S 1 2 ("] {
            let stat = format!("12 ({name}) Z 7 12 9 0 -1 4194304");
            assert_eq!(state_and_group(stat.as_bytes()), Some((b'Z', 12)), "{name}");
        }
        assert_eq!(state_and_group(b"12 (x) Z"), None);
        assert_eq!(state_and_group(b""), None);
    }

    #[test]
    fn an_unreaped_process_is_a_zombie() {
        let mut child =
            Command::new("cat").stdin(std::process::Stdio::piped()).process_group(0).spawn().expect("cat");
        let group = Pid::from_raw(child.id().cast_signed());
        assert_eq!(left_of(group), Left::Processes);
        drop(child.stdin.take());
        // WNOWAIT: it has ended, and is not reaped
        let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
        nix::sys::wait::waitid(nix::sys::wait::Id::Pid(group), flags).expect("it ends");
        assert_eq!(left_of(group), Left::Zombies);
        assert!(!is_empty(group));
        child.wait().expect("waited for");
        assert_eq!(left_of(group), Left::Nothing);
    }
}
