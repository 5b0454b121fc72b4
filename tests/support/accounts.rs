//! The accounts that tests/accounts makes.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use super::{Scratch, write};

/// The uid and gid of abc, as tests/accounts has them.
pub const ABC: u32 = 911;

pub fn own_by_abc(path: &Path) {
    lchown(path, Some(ABC), Some(ABC)).expect("chown");
}

/// The uid and gid of hermes.
pub const HERMES: u32 = 10000;

pub fn own_by_hermes(path: &Path) {
    lchown(path, Some(HERMES), Some(HERMES)).expect("chown");
}

/// setpriv's words for becoming abc as a login would.
pub const AS_ABC: [&str; 6] = ["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "--", "env"];

/// /etc/passwd with these changes, as a file of the scratch directory.
pub fn passwd(scratch: &Scratch, change: impl Fn(&str) -> Option<String>) -> PathBuf {
    let text: String = fs::read_to_string("/etc/passwd")
        .expect("the accounts")
        .lines()
        .filter_map(&change)
        .map(|line| line + "\n")
        .collect();
    let path = scratch.join("passwd");
    write(&path, &text, 0o644);
    path
}

/// The same for hermes.
pub const AS_HERMES: [&str; 6] =
    ["setpriv", "--reuid=hermes", "--regid=hermes", "--init-groups", "--", "env"];
