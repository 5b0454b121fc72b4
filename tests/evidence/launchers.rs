//! Which process is the launcher, behind any run script.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::launching::{code, finish};
use crate::support::{PATIENCE, Svscan, eventually, eventually_every, needs, read, set_mode, stdout};
use crate::{PAUSE, becomes, futo, health, metric_of_health, page, states};

#[test]
fn what_a_launcher_does_is_seen_behind_any_run_script() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("shapes");
    let launcher = svscan.scratch.launcher();
    let launcher = launcher.display();
    let fails = "--interval 60 -- sh -c 'echo kaputt; exit 3'";
    let shapes = [
        ("sh-one", format!("#!/bin/sh\nexec {launcher} {fails}\n")),
        ("sh-export", format!("#!/bin/sh\nexport MODE=x\nexec {launcher} {fails}\n")),
        ("sh-set-e", format!("#!/bin/sh\nset -e\nexec 2>&1\n\nexec {launcher} {fails}\n")),
        ("sh-variable", format!("#!/bin/sh\nEVERY=60\nexec {launcher} --interval \"$EVERY\" -- false\n")),
        ("sh-if", format!("#!/bin/sh\nif true; then exec {launcher} {fails}; fi\n")),
        ("bash", format!("#!/usr/bin/env bash\nset -euo pipefail\nexec {launcher} {fails}\n")),
        ("execline", format!("#!/usr/bin/execlineb -P\nfdmove -c 2 1\n{launcher} --interval 60 -- false\n")),
        ("file", format!("#!{launcher} --file\nexec = [\"false\"]\ninterval = \"60\"\n")),
        ("no-exec", format!("#!/bin/sh\n{launcher} {fails}\n")),
        ("pipe", format!("#!/bin/sh\n{launcher} --log - {fails} | cat\n")),
        (
            "another-user",
            format!("#!/bin/sh\nexec s6-setuidgid nobody {launcher} --state-dir ./state {fails}\n"),
        ),
    ];
    for (name, run) in &shapes {
        let directory = svscan.add(name, &[("run", run), ("down", "")]);
        fs::create_dir(directory.join("state")).expect("a directory");
        set_mode(directory.join("state"), 0o777);
        eventually("it is supervised", || (svscan.svstat("up", name) == ["false"]).then_some(()));
        svscan.svc(&["-u"], name);
    }
    for (name, _) in &shapes {
        let why = becomes(&svscan, name, "failing");
        assert!(why.starts_with("1 run failed with status "), "{name}: {why}");
        let (exit, said) = health(&svscan, name);
        assert_eq!((exit, said), (1, format!("{name}: failing: {why}\n")));
        assert_eq!(metric_of_health(&svscan, name), "0", "{name}");
    }
    // as root in a container, which may not look into a process of another user
    let weak = ["setpriv", "--bounding-set=-sys_ptrace", "--"];
    let (strong, weak) = (futo(&svscan, &["health"]), finish(&mut svscan.futo(&weak, &["health"])));
    assert_eq!(stdout(&weak), stdout(&strong));
    assert_eq!(stdout(&weak).lines().count(), shapes.len());
    // the same run scripts are no obstacle for a run now, but that a signal would end the shell
    for name in ["sh-set-e", "bash", "execline", "file", "another-user"] {
        let said = stdout(&futo(&svscan, &["run-now", name]));
        assert!(said.contains("run 2 "), "{name}: {said}");
    }
    for (verb, signal) in [("run-now", "ALRM"), ("reload", "HUP")] {
        let output = futo(&svscan, &[verb, "no-exec"]);
        let said = stdout(&output);
        let end = format!(" without exec: {signal} would end it, and was not sent\n");
        assert!(code(&output) == 1 && said.ends_with(&end), "{said}");
    }
    // a stop reaches the shell only
    for name in ["no-exec", "pipe"] {
        let services = page(&futo(&svscan, &["status", "--json", name]))["services"].clone();
        let launcher = services[0]["launcher_pid"].as_i64().expect("a pid");
        svscan.svc(&["-d"], name);
        kill(Pid::from_raw(i32::try_from(launcher).expect("a pid")), Signal::SIGTERM).expect("ended");
    }
}

#[test]
fn a_worker_in_place_of_the_launcher_is_up_and_a_rest_is_none() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("exec-mode");
    let launcher = svscan.scratch.launcher();
    let launcher = launcher.display();
    svscan.add("ex-up", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} -- sleep 1000\n"))]);
    svscan.add("ex-rest", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} -- /nonexistent\n"))]);
    svscan.add("ex-user", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} --user nosuch -- true\n"))]);
    svscan.add("ex-typo", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} --intervall 5 -- true\n"))]);
    becomes(&svscan, "ex-up", "up");
    assert_eq!(becomes(&svscan, "ex-rest", "resting"), "unable to execute '/nonexistent': not found");
    assert_eq!(becomes(&svscan, "ex-user", "resting"), "--user: no user 'nosuch' in /etc/passwd");
    assert!(becomes(&svscan, "ex-typo", "resting").contains("--intervall"));
    assert_eq!(health(&svscan, "ex-up"), (0, "1 healthy\n".to_string()));
    let output = futo(&svscan, &["health"]);
    assert_eq!((code(&output), stdout(&output).lines().count()), (1, 3), "{}", stdout(&output));
}

#[test]
fn a_launcher_that_a_daemon_or_a_terminal_has_started_is_not_the_service() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("daemons");
    let launcher = svscan.scratch.launcher();
    // as a desktop starts a terminal, and somebody tries a launcher there
    let script = format!("{} --log - --interval 60 -- false & wait", launcher.display());
    svscan.add("dm-desktop", &[("run", &format!("#!/bin/sh\nexec sh -c '{script}'\n"))]);
    let leader = svscan.pid("dm-desktop");
    let child: i32 = eventually("the launcher runs", || {
        let children = read(format!("/proc/{leader}/task/{leader}/children"));
        let child = children.split_whitespace().next()?.to_string();
        read(format!("/proc/{child}/cmdline")).contains("--interval").then(|| child.parse().expect("a pid"))
    });
    assert_eq!(becomes(&svscan, "dm-desktop", "up"), "");
    svscan.svc(&["-d"], "dm-desktop");
    kill(Pid::from_raw(child), Signal::SIGTERM).expect("ended");
}

#[test]
fn a_launcher_with_many_words_is_not_looked_into() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("words");
    let words = |count: usize| format!("--interval 1h -- true{}", " a".repeat(count));
    svscan.add_launch("wo-many", &words(1100), &[]);
    svscan.add_launch("wo-some", &words(900), &[]);
    becomes(&svscan, "wo-some", "waiting");
    let why = eventually_every(PAUSE, "it is seen", || {
        let (_, state, why) = states(&svscan, &["wo-many"]).pop()?;
        (state == "unknown").then_some(why)
    });
    assert!(why.contains("futo-launch has more than 1000 arguments, or more than 64 KiB of them"), "{why}");
}

#[test]
fn a_run_script_that_comes_late_to_its_launcher_is_never_unknown() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("late");
    let launcher = svscan.scratch.launcher();
    let go = svscan.scratch.join("go");
    let run = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.1; done\nexec {} --interval 60 -- sleep 0.7\n",
        go.display(),
        launcher.display()
    );
    svscan.add("lt-loop", &[("run", &run)]);
    let pid = svscan.pid("lt-loop");
    eventually("the process is older than a launcher that has just been started", || {
        let age = futo_launch::sys::proc::stat(pid).ok()?.age();
        (age > Duration::from_secs(6)).then_some(())
    });
    fs::write(&go, "").expect("written");
    let start = Instant::now();
    loop {
        let (_, state, why) = states(&svscan, &[]).pop().expect("a service");
        match state.as_str() {
            "waiting" => return,
            "unknown" => panic!("unknown: {why}"),
            _ => assert!(start.elapsed() < PATIENCE, "{state}: {why}"),
        }
    }
}
