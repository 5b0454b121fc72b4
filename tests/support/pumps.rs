//! The processes of log pumps.

use std::fs;
use std::path::Path;

use super::{eventually, names_in};

/// The processes of pumps of this launcher's program: keepers and writers, not a launcher in this session itself.
pub fn pumps(launcher: &Path) -> Vec<i32> {
    let pids = names_in(Path::new("/proc")).into_iter().filter_map(|name| name.parse::<i32>().ok());
    let is_pump = |pid: &i32| {
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        program.is_ok_and(|program| program == launcher)
            && session_of(*pid) != session_of(std::process::id() as i32)
    };
    pids.filter(is_pump).collect()
}

/// A field of /proc/PID/stat after the name; 0 is the state.
pub fn stat_field(pid: i32, field: usize) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(field)?.parse().ok()
}

pub fn session_of(pid: i32) -> Option<i32> {
    stat_field(pid, 3)
}

/// Keeper and writer: the writer is the keeper's child.
pub fn pair(launcher: &Path) -> Option<(i32, i32)> {
    let pids = pumps(launcher);
    pids.iter().find_map(|writer| {
        let parent = stat_field(*writer, 1)?;
        pids.contains(&parent).then_some((parent, *writer))
    })
}

/// Keeper and writer, neither of which is this one, which is about to be gone.
pub fn pair_without(launcher: &Path, killed: i32) -> (i32, i32) {
    eventually("a whole pump", || {
        pair(launcher).filter(|(keeper, writer)| ![*keeper, *writer].contains(&killed))
    })
}

/// Waits until there is no pump, nor a process that is about to become one: it leaves this session first.
pub fn eventually_no_pump(launcher: &Path) {
    let own = std::process::id().cast_signed();
    eventually("the pump ends", || {
        let is_of_launcher = |pid: &i32| {
            let program = fs::read_link(format!("/proc/{pid}/exe"));
            program.is_ok_and(|program| program == launcher) && stat_field(*pid, 1) != Some(own)
        };
        let mut pids = names_in(Path::new("/proc")).into_iter().filter_map(|name| name.parse::<i32>().ok());
        (!pids.any(|pid| is_of_launcher(&pid))).then_some(())
    });
}
