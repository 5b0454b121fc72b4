//! Whether a supervisor may signal the process that it started. Without CAP_KILL even root may not, once that process
//! has switched to another user: s6-supervise reads the command, and nothing happens.

use std::path::Path;

use nix::fcntl::OFlag;

use crate::sys;

/// kill(2) to processes of other users: a bit of CapEff.
const CAP_KILL: u32 = 5;
/// The size limit of /proc/PID/status, which has about 1.5 KiB.
const MAX_STATUS: usize = 16 << 10;

/// A supervisor that may not signal its own service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotSignal {
    /// The supervised process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// The supervisor.
    pub supervisor: i32,
}

impl CannotSignal {
    /// Checks the process with this pid; `None` if its parent may signal it, or if that cannot be determined.
    pub fn check(pid: i32) -> Option<Self> {
        let process = Credentials::of(pid)?;
        let supervisor = Credentials::of(process.parent)?;
        supervisor.may_not_signal(&process).then_some(CannotSignal {
            pid,
            uid: process.real,
            supervisor: process.parent,
        })
    }
}

impl std::fmt::Display for CannotSignal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CannotSignal { pid, uid, supervisor } = self;
        write!(
            formatter,
            "its supervisor (pid {supervisor}) lacks the capability KILL and cannot signal pid {pid} (uid {uid})"
        )
    }
}

/// The remedy.
pub const REMEDY: &str = "grant the container the capability KILL: docker run --cap-add KILL";

/// The credentials(7) and capabilities(7) of a process.
struct Credentials {
    parent: i32,
    real: u32,
    effective: u32,
    saved: u32,
    capabilities: u64,
}

impl Credentials {
    fn of(pid: i32) -> Option<Self> {
        let path = format!("/proc/{pid}/status");
        let file = sys::file::open_regular(Path::new(&path), OFlag::O_NOFOLLOW).ok()?;
        Self::parse(&String::from_utf8_lossy(&sys::file::read_at_most(file, MAX_STATUS).ok()?))
    }

    fn parse(text: &str) -> Option<Self> {
        let row = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().map(str::to_string).collect::<Vec<_>>())
        };
        let uids = row("Uid:")?;
        let uid = |index: usize| uids.get(index)?.parse().ok();
        Some(Credentials {
            parent: row("PPid:")?.first()?.parse().ok()?,
            real: uid(0)?,
            effective: uid(1)?,
            saved: uid(2)?,
            capabilities: u64::from_str_radix(row("CapEff:")?.first()?, 16).ok()?,
        })
    }

    /// The rule of kill(2).
    fn may_not_signal(&self, process: &Credentials) -> bool {
        let is_same =
            [self.real, self.effective].iter().any(|own| [process.real, process.saved].contains(own));
        self.capabilities & (1 << CAP_KILL) == 0 && !is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(uids: &str, capabilities: &str) -> Credentials {
        Credentials::parse(&format!("Name:\tx\nPPid:\t7\nUid:\t{uids}\nCapEff:\t{capabilities}\n"))
            .expect("ids")
    }

    #[test]
    fn the_rule_of_kill_decides() {
        for (supervisor, capabilities, process, expected) in [
            ("0 0 0 0", "00000000a80425fb", "911 911 911 911", false),
            ("0 0 0 0", "00000000a80425db", "911 911 911 911", true),
            ("0 0 0 0", "0000000000000000", "0 0 0 0", false),
            ("0 0 0 0", "0000000000000000", "911 911 0 911", false),
            ("1000 1000 1000 1000", "0000000000000000", "1000 1000 1000 1000", false),
            ("1000 1000 1000 1000", "0000000000000000", "911 911 911 911", true),
        ] {
            let refused = ids(supervisor, capabilities).may_not_signal(&ids(process, "0"));
            assert_eq!(refused, expected, "{supervisor} {capabilities} {process}");
        }
        assert_eq!(CannotSignal::check(i32::MAX), None);
    }
}
