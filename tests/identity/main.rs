//! Who the worker is, compared with the tools that do the same: s6-setuidgid, chpst, setpriv.

mod limits;
mod names;
mod rights;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;

use std::ffi::OsString;

use support::launching::{code, command, finish};
use support::{AS_ABC, Probe, Scratch, said, stdout};

/// What the probe says behind another tool.
fn by_tool(scratch: &Scratch, tool: &[&str]) -> Probe {
    let mut command = command(tool, &scratch.path);
    Probe::of(&finish(command.arg(scratch.probe())))
}

/// What the probe says behind the launcher, outside a service directory.
fn by_launcher(scratch: &Scratch, options: &[&str]) -> Probe {
    Probe::of(&finish(scratch.launch(&scratch.path, options).arg("--").arg(scratch.probe())))
}

/// Exit code and words of a launch that must not run the probe.
fn refused(scratch: &Scratch, prefix: &[OsString], options: &[&str]) -> (i32, String) {
    let output = match prefix {
        [] => finish(scratch.launch(&scratch.path, options).arg("--").arg(scratch.probe())),
        _ => finish(scratch.launch_by(prefix, &scratch.path, options).arg("--").arg(scratch.probe())),
    };
    assert_eq!(stdout(&output), "", "something ran");
    (code(&output), said(&output))
}

fn as_abc() -> Vec<OsString> {
    AS_ABC.iter().map(OsString::from).collect()
}

fn rows(uid: u32, gid: u32, groups: &str) -> String {
    format!(
        "uids={uid} {uid} {uid} {uid}\ngids={gid} {gid} {gid} {gid}\ngroups={groups}\ncapabilities=0000000000000000"
    )
}
