//! What `futo reconcile` and `futo sync` have in common.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CommandError;
use super::options::{CommandOption, Key, Words, switch, value};
use crate::boot::delegate::Waiting;
use crate::boot::{Choice, DelegateChoice, DelegateTo, Intent, launcher};
use crate::machine::{Host, Machine};
use crate::service::place::Locations;

/// The options of both.
pub(super) const CHOICE: [CommandOption; 3] = [
    value(
        Key::Delegate,
        "GROUP|none|wait",
        "let members of a group start, stop, signal and inspect the services; 'wait' also allows s6-svwait, \
         which lets them write as root through links that they create",
    ),
    switch(Key::DryRun, "report what would be done and change nothing"),
    switch(Key::Json, "print the report as JSON"),
];

/// How long to wait for the supervisors of removed services: the grace of s6 is 3 s, that of futo-launch 5 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// A normalized absolute path; `by` is the option or variable that it comes from.
pub(super) fn absolute(path: &OsStr, by: &str, command: &'static str) -> Result<PathBuf, CommandError> {
    let path = Path::new(path);
    if path.is_absolute() {
        // without repeated or trailing slashes
        return Ok(path.components().collect());
    }
    let what = format!("{by} '{}': is not an absolute path", path.display());
    Err(CommandError::Usage { command, what, remedy: None })
}

/// Whether this process can publish: as root, or as the owner of the scan directory.
pub(super) fn may_publish(places: &Locations) -> bool {
    let own = nix::unistd::geteuid();
    Machine.is_root()
        || nix::sys::stat::stat(&places.scan_dir).is_ok_and(|status| status.st_uid == own.as_raw())
}

/// The choices made by these options.
pub(super) fn choice(words: &Words, command: &'static str) -> Result<Choice, CommandError> {
    let mut delegate = DelegateChoice::default();
    for value in words.values(Key::Delegate) {
        match value.to_str() {
            Some("wait") => delegate.waiting = Waiting::Open,
            Some("none") => delegate.to = Some(DelegateTo::RootOnly),
            Some(group) if !group.is_empty() => delegate.to = Some(DelegateTo::Group(group.to_string())),
            _ => {
                let what = "--delegate: is not a group name".to_string();
                return Err(CommandError::Usage { command, what, remedy: None });
            }
        }
    }
    Ok(Choice {
        intent: if words.has(Key::DryRun) { Intent::DryRun } else { Intent::Apply },
        prune: words.has(Key::Prune),
        no_start: words.has(Key::NoStart),
        delegate,
        patience: PATIENCE,
        launcher: launcher(),
        hardening: None,
    })
}
