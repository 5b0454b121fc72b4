//! Processes: run, looked at, signalled.

use std::fs;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::read;

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("it starts")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether the process is there and no zombie.
pub fn is_alive(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            !matches!(stat.rsplit(')').next().map(|rest| rest.trim().chars().next()), Some(Some('Z' | 'X')))
        }
        Err(_) => false,
    }
}

/// Sends a signal to one process.
pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("the process is there");
}

/// How often the process has been given up the processor: of its own will (it slept), or not.
pub fn context_switches(pid: i32) -> (u64, u64) {
    let status = read(format!("/proc/{pid}/status"));
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} of {pid}"))
    };
    (field("voluntary_ctxt_switches:"), field("nonvoluntary_ctxt_switches:"))
}

/// Whether this process has the capability of this number (capabilities(7)).
pub fn has_capability(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("its status");
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("its capabilities");
    u64::from_str_radix(set.trim(), 16).expect("a number") >> number & 1 == 1
}

/// A process that gets this signal at the end of the test, if it is still there, and is waited for; what it has started is killed.
pub struct EndedBy(pub Signal, pub Child);

impl Drop for EndedBy {
    fn drop(&mut self) {
        if self.1.try_wait().ok().flatten().is_none() {
            let pid = self.1.id().cast_signed();
            let below = descendants(pid);
            let _ = kill(Pid::from_raw(pid), self.0);
            let _ = self.1.wait();
            kill_all(&below);
        }
    }
}

/// The processes that a process of one thread has started, and that are there.
pub fn children(pid: i32) -> Vec<i32> {
    let children = read(format!("/proc/{pid}/task/{pid}/children"));
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The processes below a process, as they are now.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

/// Kills a process that cannot be asked to end, and what it would leave behind.
pub fn kill_with_descendants(child: &mut Child) {
    let left = descendants(child.id().cast_signed());
    let _ = child.kill();
    let _ = child.wait();
    kill_all(&left);
}

pub fn kill_all(pids: &[i32]) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
}
