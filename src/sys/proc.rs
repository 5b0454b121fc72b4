//! Process information from /proc. Every read is size-limited: processes control their own arguments.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::OFlag;

use super::clock::BootTime;
use super::file;

/// The maximum size of arguments and environment that is read, in bytes.
const MAX_BYTES: usize = 256 << 10;

/// A process, from `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// `R`, `S`, `D`, `T`, `t`, `Z`, …
    pub state: u8,
    /// When it was started, in clock ticks since boot. Together with the pid this identifies a process: a pid alone is
    /// soon reused, especially after a container restart.
    pub started: u64,
}

/// What a stopped process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// CONT: it was stopped by SIGSTOP or a similar signal.
    Signal,
    /// Its tracer.
    Tracer,
}

impl ProcessStat {
    /// Why it is stopped, if it is.
    pub fn halt(&self) -> Option<Halt> {
        match self.state {
            b'T' => Some(Halt::Signal),
            b't' => Some(Halt::Tracer),
            _ => None,
        }
    }

    /// Ended, and not yet reaped.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// How long ago it was started.
    pub fn age(&self) -> Duration {
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        let per_second = u64::try_from(per_second).unwrap_or(100).max(1);
        let started = Duration::from_millis(self.started.saturating_mul(1000) / per_second);
        BootTime::now().since(BootTime::from_boot(started))
    }
}

/// `/proc/PID/stat`; readable by everyone.
pub fn stat(pid: i32) -> io::Result<ProcessStat> {
    let text = read(&format!("/proc/{pid}/stat"))?;
    decode_stat(&text).ok_or_else(|| io::Error::other("it is not a valid process stat"))
}

/// The stat of this process.
pub fn own_stat() -> io::Result<ProcessStat> {
    stat(std::process::id().cast_signed())
}

fn decode_stat(stat: &[u8]) -> Option<ProcessStat> {
    let mut fields = stat_fields(stat)?;
    let state = *fields.next()?.as_bytes().first()?;
    // the third field was the state; the 22nd is the start
    let started = fields.nth(18)?.parse().ok()?;
    Some(ProcessStat { state, started })
}

/// The fields of `/proc/PID/stat` from the third (the state) on. The second is the name in parentheses, and can
/// contain anything.
pub(super) fn stat_fields(stat: &[u8]) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    Some(std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?.split_ascii_whitespace())
}

/// Its arguments; readable by everyone.
pub fn command_line(pid: i32) -> io::Result<Vec<OsString>> {
    Ok(pieces(&read(&format!("/proc/{pid}/cmdline"))?))
}

/// A variable from its initial environment; readable only by its own user and root.
pub fn variable(pid: i32, name: &str) -> io::Result<Option<OsString>> {
    let variables = pieces(&read(&format!("/proc/{pid}/environ"))?);
    let value = |variable: &OsString| {
        let value = variable.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    };
    Ok(variables.iter().find_map(value))
}

/// Its working directory; readable only by its own user and root.
pub fn working_directory(pid: i32) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd"))
}

/// Its executable, without the marker for a deleted one; readable only by its own user and root.
pub fn program(pid: i32) -> io::Result<PathBuf> {
    let path = std::fs::read_link(format!("/proc/{pid}/exe"))?;
    let bytes = path.as_os_str().as_bytes();
    Ok(PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes))))
}

/// The real, effective, saved and file-system ids of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    uids: [u32; 4],
    gids: [u32; 4],
}

impl Ids {
    /// All four uids.
    pub fn uids(&self) -> [u32; 4] {
        self.uids
    }

    /// Its uid, if all are equal.
    pub fn only_uid(&self) -> Option<u32> {
        only(&self.uids)
    }

    /// Its gid, if all are equal.
    pub fn only_gid(&self) -> Option<u32> {
        only(&self.gids)
    }
}

fn only(ids: &[u32; 4]) -> Option<u32> {
    let [first, rest @ ..] = ids;
    rest.iter().all(|id| id == first).then_some(*first)
}

/// Its ids; readable by everyone.
pub fn ids(pid: i32) -> io::Result<Ids> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let text = String::from_utf8_lossy(&status);
    let four = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let ids: Vec<u32> = line.split_whitespace().filter_map(|id| id.parse().ok()).collect();
        <[u32; 4]>::try_from(ids).ok()
    };
    match (four("Uid:"), four("Gid:")) {
        (Some(uids), Some(gids)) => Ok(Ids { uids, gids }),
        _ => Err(io::Error::other("it is not a valid process status")),
    }
}

/// The children of its first thread.
pub fn children(pid: i32) -> io::Result<Vec<i32>> {
    let text = read(&format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(String::from_utf8_lossy(&text).split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

fn pieces(bytes: &[u8]) -> Vec<OsString> {
    let whole = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if whole.is_empty() {
        return Vec::new();
    }
    whole.split(|byte| *byte == 0).map(|piece| OsStr::from_bytes(piece).to_owned()).collect()
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    file::read_at_most(file::open_regular(path.as_ref(), OFlag::empty())?, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_parsed_whatever_the_process_name() {
        let fields = "S 1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 424242 999 1\n";
        for name in ["sh", "a b", ") S 1 2 (", "a\nb"] {
            let text = format!("10 ({name}) {fields}");
            let stat = decode_stat(text.as_bytes()).expect("a stat");
            assert_eq!((stat.state, stat.started), (b'S', 424_242), "{name}");
        }
        assert_eq!(decode_stat(b"10 (x) S 1 2"), None);
        assert_eq!(decode_stat(b""), None);
    }

    #[test]
    fn this_process_is_found_with_its_words_and_user() {
        let pid = std::process::id().cast_signed();
        let stat = own_stat().expect("a stat");
        assert!(stat.halt().is_none() && stat.age() < Duration::from_secs(86_400), "{stat:?}");
        let words = command_line(pid).expect("words");
        assert_eq!(words.first(), std::env::args_os().next().as_ref());
        let own = ids(pid).expect("ids");
        assert_eq!(own.only_uid(), Some(nix::unistd::geteuid().as_raw()));
        assert_eq!(own.only_gid(), Some(nix::unistd::getegid().as_raw()));
        assert_eq!(Ids { uids: [911, 0, 0, 0], ..own }.only_uid(), None);
        assert!(children(pid).is_ok());
        assert!(variable(pid, "PATH").expect("readable").is_some());
        assert_eq!(variable(pid, "PAT").expect("readable"), None);
    }
}
