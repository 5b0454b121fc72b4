//! The effective capabilities of this process, as left to root by a container runtime.

use std::fs;

/// A capability, by its number in linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Change the owner and group of files.
    Chown = 0,
    /// Send signals to processes of other users.
    Kill = 5,
}

/// Whether this process has it. True if /proc cannot be read: the kernel then decides.
pub fn has(capability: Capability) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective(&status).is_none_or(|set| set & (1 << (capability as u32)) != 0)
}

/// Whether this user namespace denies setgroups regardless of capabilities: an unprivileged creator must deny it
/// before mapping groups.
pub fn denies_setgroups() -> bool {
    fs::read_to_string("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny")
}

/// Whether this uid is the overflow uid, which stands for all unmapped users.
pub fn is_unmapped(uid: u32) -> bool {
    let overflow = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    overflow.trim() == uid.to_string() && !map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn effective(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_set_as_proc_shows_it() {
        // a Docker container with --cap-drop KILL
        let status = "Name:\tfuto\nCapPrm:\t00000000a80425db\nCapEff:\t00000000a80425db\nCapBnd:\t0\n";
        let set = effective(status).expect("a set");
        assert!(set & (1 << (Capability::Chown as u32)) != 0);
        assert!(set & (1 << (Capability::Kill as u32)) == 0);
        assert_eq!(effective("Name:\tfuto\n"), None);
    }
}
