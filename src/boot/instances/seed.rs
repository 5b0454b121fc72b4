//! Creates a missing state file for the root instance, in a container whose command requests it.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::UNIX_EPOCH;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use serde_json::{Map, Value};

use super::InstancesError;
use super::state::{self, InstanceState};
use super::system::System;
use crate::boot::choice::Intent;
use crate::sys::clock;

/// Stands for the current time, in seconds since 1970, as a number.
const TIME: &str = "{time}";

/// A seeded state.
pub(super) struct Seeded {
    pub(super) state: InstanceState,
    pub(super) written: Result<(), InstancesError>,
}

/// Writes the file; `None` if the name already exists.
pub(super) fn seed(directory: &OwnedFd, name: &str, system: &System, intent: Intent) -> Option<Seeded> {
    if fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) != Err(Errno::ENOENT) {
        return None;
    }
    let text = text(&system.seed_state);
    let state = state::of_bytes(text.as_bytes(), system)?;
    let written = match intent {
        Intent::DryRun => Ok(()),
        Intent::Apply => create(directory, name, &text)
            .map_err(|errno| InstancesError::Seed { file: name.to_string(), errno }),
    };
    Some(Seeded { state, written })
}

fn text(state: &[(String, String)]) -> String {
    let value = |text: &str| match text {
        TIME => {
            let time = clock::wall_now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Value::from(time.as_secs())
        }
        _ => Value::from(text),
    };
    let object: Map<String, Value> = state.iter().map(|(key, text)| (key.clone(), value(text))).collect();
    format!("{}\n", Value::from(object))
}

/// Creates the file, unless it has been created in the meantime.
fn create(directory: &OwnedFd, name: &str, text: &str) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = match openat(directory, name, flags, Mode::from_bits_truncate(0o644)) {
        Err(Errno::EEXIST) => return Ok(()),
        opened => opened?,
    };
    File::from(file).write_all(text.as_bytes()).map_err(|error| {
        // a truncated file would permanently count as no state
        let _ = unlinkat(directory, name, UnlinkatFlags::NoRemoveDir);
        Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
    })
}
