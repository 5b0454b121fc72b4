//! The loop under runit.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{
    self, Scratch, eventually, is_alive, logs, needs, number_after, output, quoted, read, stderr,
};

#[test]
fn under_runit_a_stop_kills_nothing_of_runsvs_group() {
    needs!(root, "runsv");
    let scratch = Scratch::new("runit-stop");
    let launcher = scratch.launcher();
    let script = "trap '' TERM; echo \"ready $$ \"; while :; do sleep 0.05; done";
    for (service, words) in [
        ("one/run", format!("--name runit-one --interval 1 --grace 0.3 -- sh -c {}", quoted(script))),
        ("one/log/run", "--name runit-one-log -- cat".to_string()),
        ("two/run", "--name runit-two --interval 1000 -- echo two-ready".to_string()),
    ] {
        scratch.write(service, &format!("#!/bin/sh\nexec {} {words}\n", launcher.display()), 0o755);
    }
    // both in one process group, as runsvdir's children are with some starters
    let mut group = Command::new("sh");
    let messages = fs::File::create(scratch.join("stderr")).expect("a file");
    group.args(["-c", "runsv one & echo $! > one.pid; runsv two & echo $! > two.pid; wait"]);
    group.current_dir(&scratch.path).stdin(Stdio::null()).stderr(messages);
    std::os::unix::process::CommandExt::process_group(&mut group, 0);
    let mut group = Leaving(group.stdout(Stdio::null()).spawn().expect("runsv starts"));
    let worker = number_after(&logs("runit-one-log", "ready"), "ready ");
    logs("runit-two", "two-ready");
    let pid_of = |file: &str| -> i32 {
        eventually(&format!("{file} holds a pid"), || {
            read(scratch.join(file)).trim().parse().ok().filter(|pid| *pid > 0)
        })
    };
    let (logger, sibling) = (pid_of("one/log/supervise/pid"), pid_of("two/supervise/pid"));

    let sv = |action: &str, service: &str| {
        let done = output(Command::new("sv").args(["-w", "9", action]).arg(scratch.join(service)));
        assert!(done.status.success(), "sv {action} {service}: {}{}", support::stdout(&done), stderr(&done));
    };
    sv("stop", "one");
    assert!(!is_alive(worker));
    for pid in [logger, sibling, pid_of("one.pid"), pid_of("two.pid")] {
        assert!(is_alive(pid), "{pid} is gone with the stopped service");
    }
    assert_eq!((pid_of("one/log/supervise/pid"), pid_of("two/supervise/pid")), (logger, sibling));
    sv("exit", "one");
    sv("exit", "two");
    group.0.wait().expect("waited for");
}

/// A process group that gets TERM in the end: for runsv it means to end the service and leave.
struct Leaving(std::process::Child);

impl Drop for Leaving {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            let group = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
            let _ = nix::sys::signal::killpg(group, Signal::SIGTERM);
            let _ = self.0.wait();
        }
    }
}
