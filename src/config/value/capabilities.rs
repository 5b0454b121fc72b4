//! `--cap-drop all|NAME,…`, in docker's words.

use std::fmt;

use crate::invalid::Invalid;
use crate::nearest::nearest;

/// Their names by number, as capabilities(7) has them, without `CAP_`.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];
const ALL: &str = "ALL";

/// A set of capabilities, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// All of this kernel and of later ones.
    pub const EVERY: Capabilities = Capabilities(u64::MAX);

    /// Reads a list of names, each with or without `CAP_`, in upper or lower case.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut set = Capabilities::default();
        for name in text.split(',').map(str::trim) {
            let upper = name.to_ascii_uppercase();
            let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
            set = match NAMES.iter().position(|each| *each == bare) {
                Some(number) => set.with(Capabilities(1 << number)),
                None if bare == ALL => Capabilities::EVERY,
                None => return Err(unknown(name, bare)),
            };
        }
        Ok(set)
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Capabilities) -> Self {
        Capabilities(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it contains the capability of this number.
    pub fn has(self, number: u32) -> bool {
        self.0.checked_shr(number).is_some_and(|rest| rest & 1 == 1)
    }

    /// As [`Capabilities::parse`] reads them.
    pub fn names(self) -> Vec<String> {
        match self {
            Capabilities::EVERY => vec![ALL.to_ascii_lowercase()],
            _ => (0..)
                .zip(NAMES)
                .filter(|(number, _)| self.has(*number))
                .map(|(_, name)| name.into())
                .collect(),
        }
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(","))
    }
}

fn unknown(name: &str, bare: &str) -> Invalid {
    let invalid = Invalid::new(format!("'{name}' is not a capability"));
    match nearest(bare, NAMES.into_iter().chain([ALL])) {
        Some(near) => invalid.hint(format!("did you mean {near}?")),
        None => invalid.hint("use all, or names from capabilities(7): NET_RAW,SYS_CHROOT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dockers() {
        for (text, expected) in [
            ("all", "all"),
            ("ALL", "all"),
            ("NET_RAW", "NET_RAW"),
            ("cap_net_raw,CAP_CHOWN", "CHOWN,NET_RAW"),
            ("CHECKPOINT_RESTORE, KILL", "KILL,CHECKPOINT_RESTORE"),
            ("KILL,all", "all"),
        ] {
            let set = Capabilities::parse(text).expect(text);
            assert_eq!(set.to_string(), expected, "{text}");
        }
        assert!(Capabilities::parse("NET_RAW").is_ok_and(|set| set.has(13) && !set.has(12) && !set.has(77)));
        assert!(Capabilities::default().is_empty());
        for bad in ["", ",", "none", "13", "CAP_", "NET_RAW,"] {
            assert!(Capabilities::parse(bad).is_err(), "{bad:?}");
        }
        let near = Capabilities::parse("NETRAW").expect_err("unknown");
        assert_eq!(near.hint.as_deref(), Some("did you mean NET_RAW?"));
    }
}
