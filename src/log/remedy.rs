//! Hints for a location that a user cannot write. Root can run such a command without reviewing it: it never gives
//! away or exposes anything root-owned, whatever path the user chose, and every word is quoted for the shell. Files in
//! a user-owned directory are moved by that user, with no more than the user's permissions.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::lstat;
use nix::unistd::{Gid, Uid};

use crate::machine::ownership::is_root_owned;
use crate::plan::STATE_DIR;
use crate::shell_quote::shell_quoted;

/// For a directory or file that this user cannot write or create.
pub(crate) fn for_unwritable(path: &Path, uid: Uid, gid: Gid) -> String {
    let mut from_top: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    from_top.reverse();
    let owner = |path: &Path| lstat(path).ok().map(|status| Uid::from_raw(status.st_uid));
    for pair in from_top.windows(2) {
        let [above, part] = pair else { continue };
        if owner(above) != Some(uid) {
            continue;
        }
        match owner(part) {
            Some(other) if other != uid => return move_away(part, uid),
            None => return format!("as uid {uid}: chmod u+rwx {}", quoted(above)),
            Some(_) => {}
        }
    }
    if owner(path) == Some(uid) {
        return format!("as uid {uid}: chmod u+rwx {}", quoted(path));
    }
    let is_missing = owner(path).is_none();
    let there = from_top.iter().rev().find(|part| owner(part).is_some());
    // this path has no other meaning elsewhere
    match there {
        Some(there) if is_missing && path.ends_with(STATE_DIR) && is_root_owned(there) => {
            format!("as root: install -d -o {uid} -g {gid} -m 0755 {}", quoted(path))
        }
        _ => format!("choose a location writable by uid {uid}: --state-dir DIR, --log PATH"),
    }
}

/// For a file that is in the way: renames it.
pub(crate) fn move_away(path: &Path, uid: Uid) -> String {
    let mut aside = path.as_os_str().to_os_string();
    aside.push(".old");
    format!("as uid {uid}: mv -T {} {}", quoted(path), quoted(&PathBuf::from(aside)))
}

/// The hint for a volume that refuses files.
pub(crate) fn remedy_on_volume(errno: Errno) -> Option<String> {
    match errno {
        Errno::EROFS => Some(
            "choose a directory on a writable volume with --state-dir DIR, or pass output on with --log -"
                .to_string(),
        ),
        Errno::ENOSPC | Errno::EDQUOT => Some("free space on its volume".to_string()),
        _ => None,
    }
}

fn quoted(path: &Path) -> String {
    shell_quoted(&path.to_string_lossy())
}
