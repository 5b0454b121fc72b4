//! What ended a run, where the kernel counts it: the memory limit, and that of processes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::direct::Direct;
use support::{eventually, needs, read};

/// A control group of its own below that of this process, removed at the end.
struct Group(PathBuf);

impl Group {
    /// With this limit; none where this machine lets nobody make one.
    fn new(controller: &str, limits: [(&str, &str); 2]) -> Option<Group> {
        let groups = read("/proc/self/cgroup");
        let path = |controllers: &str| {
            let line = groups.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.split_once(':').filter(|(each, _)| *each == controllers)
            });
            line.map(|(_, path)| path.trim_start_matches('/').to_string())
        };
        let mount = Path::new("/sys/fs/cgroup");
        let above = match (path(controller), path("")) {
            (Some(path), _) => mount.join(controller).join(path),
            (None, Some(path)) => mount.join(path),
            (None, None) => return None,
        };
        let group = Group(above.join(format!("futo-{controller}-{}", std::process::id())));
        fs::create_dir(&group.0).ok()?;
        let set = |(file, limit): &(&str, &str)| fs::write(group.0.join(file), limit).is_ok();
        // version 1 or 2
        limits.iter().any(set).then_some(group)
    }

    /// A program that executes the words it is given in this group.
    fn enter(&self) -> [String; 4] {
        let script = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", self.0.display());
        ["sh", "-c", &script, "sh"].map(str::to_string)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..500 {
            match fs::remove_dir(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                _ => return,
            }
        }
    }
}

fn not_run() {
    let lacking = "a control group that this test may make";
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "lacking: {lacking}");
    eprintln!("NOT RUN, lacking: {lacking}");
}

fn run_in(group: &Group, name: &str, worker: &[&str]) -> (String, serde_json::Value) {
    let mut direct = Direct::new(name);
    let enter = group.enter();
    let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
    direct.launch_through(&enter, &["--interval", "1000"], worker);
    let log = direct.logs("worker failed");
    let record = eventually("the record is written", || {
        let record = direct.record();
        record["ended_run"].is_object().then_some(record)
    });
    (log, record)
}

#[test]
fn a_worker_killed_for_lack_of_memory_is_reported_as_such() {
    needs!(root, "python3");
    let limits = [("memory.limit_in_bytes", "67108864"), ("memory.max", "67108864")];
    let Some(group) = Group::new("memory", limits) else { return not_run() };
    let _ = fs::write(group.0.join("memory.swap.max"), "0");
    let eater = "x = b'x' * (500 << 20)";
    let (log, record) = run_in(&group, "oom-direct", &["python3", "-c", eater]);
    assert!(log.contains("worker failed: killed by SIGKILL, out of memory (hint: "), "{log}");
    assert_eq!(record["ended_run"]["what"], "killed by SIGKILL, out of memory", "{record}");
    let shell = format!("python3 -c \"{eater}\"; exit $?");
    let (log, _) = run_in(&group, "oom-shell", &["sh", "-c", &shell]);
    assert!(log.contains("worker failed: exit status 137, out of memory (hint: "), "{log}");
    // a KILL by anyone else is not explained
    let (log, _) = run_in(&group, "oom-not", &["sh", "-c", "kill -9 $$"]);
    assert!(log.contains("worker failed: killed by SIGKILL; next run") && !log.contains("memory"), "{log}");
}

#[test]
fn a_run_that_was_refused_a_process_is_reported_as_such() {
    needs!(root);
    let limits = [("pids.max", "4"), ("pids.max", "4")];
    let Some(group) = Group::new("pids", limits) else { return not_run() };
    let script = "sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & exit 1";
    let (log, _) = run_in(&group, "pids-worker", &["sh", "-c", script]);
    for pid in read(group.0.join("cgroup.procs")).lines().filter_map(|pid| pid.parse().ok()) {
        support::signal(pid, nix::sys::signal::Signal::SIGKILL);
    }
    assert!(log.contains("reached its limit of processes (pids) during the run"), "{log}");
}
