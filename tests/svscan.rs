//! The one-liner under a real s6-svscan.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{
    Svscan, context_switches, eventually, eventually_contains, eventually_dead, is_alive, log_of, logs,
    needs, quoted, read, record_of, signal, state, throughout,
};

#[test]
fn a_one_line_run_file_runs_the_worker_as_abc_with_its_log() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("one-liner");
    svscan.add_launch(
        "oneliner",
        "-- sh -c 'echo \"ready $(id -un) $HOME $TOKEN\"; exec sleep 1000'",
        &[("config.env", "TOKEN='a b'\n")],
    );
    let log = logs("oneliner", "ready");
    assert_eq!(log, "ready abc /config a b\n");
}

/// Says each signal of `s6-svc` and goes on; ends on `go`.
const SAYS: &str = r#"
    for name in HUP ALRM USR1 USR2 INT QUIT; do trap "echo got-$name" $name; done
    trap "echo got-TERM; exit 0" TERM
    echo "ready $$ "
    while :; do sleep 0.02; done
"#;

/// Waits until this many runs have ended and the next is waited for.
fn after_runs(name: &str, runs: u64) {
    eventually(&format!("{runs} runs of {name}; {}", record_of(name)), || {
        let record = record_of(name);
        (record["runs"] == runs && record["next_due"].is_string()).then_some(())
    });
}

/// The worker's pid, from its `ready PID ` number `nth` in the log, from 0.
fn worker(name: &str, nth: usize) -> i32 {
    eventually(&format!("start {nth} of {name}'s worker; {}", log_of(name)), || {
        let log = log_of(name);
        let rest = log.match_indices("ready ").nth(nth).map(|(at, _)| log[at..].to_string())?;
        rest.split(' ').nth(1)?.parse().ok()
    })
}

fn paused(svscan: &Svscan, name: &str, value: &str) {
    eventually(&format!("{name} paused={value}"), || {
        (svscan.svstat("paused", name) == [value]).then_some(())
    });
}

#[test]
fn in_exec_mode_each_s6_svc_does_to_the_worker_what_s6_promises() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("svc-exec");
    let name = "svc-exec";
    svscan.add_launch(name, &format!("-- sh -c {}", quoted(SAYS)), &[]);
    let pid = svscan.pid(name);
    assert_eq!(worker(name, 0), pid, "the worker is the supervised process itself");
    for (option, word) in
        [("-h", "HUP"), ("-a", "ALRM"), ("-1", "USR1"), ("-2", "USR2"), ("-i", "INT"), ("-q", "QUIT")]
    {
        svscan.svc(&[option], name);
        logs(name, &format!("got-{word}"));
    }
    svscan.svc(&["-p"], name);
    paused(&svscan, name, "true");
    svscan.svc(&["-c"], name);
    paused(&svscan, name, "false");
    let mut before = pid;
    for (start, option) in ["-t", "-r", "-k"].into_iter().enumerate() {
        svscan.svc(&[option], name);
        let pid = worker(name, start + 1);
        assert!(pid != before && !is_alive(before), "{option}: a new one, the old one gone");
        before = pid;
    }
    assert_eq!(log_of(name).matches("got-TERM").count(), 2, "{}", log_of(name));
    svscan.svc(&["-d"], name);
    eventually("down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
    assert!(!is_alive(before));
    svscan.svc(&["-u"], name);
    let pid = worker(name, 4);
    // the supervisor leaves with the worker
    svscan.svc(&["-x"], name);
    throughout("-x sends nothing", Duration::from_millis(200), || is_alive(pid));
    svscan.svc(&["-d"], name);
    eventually_dead(pid);
}

#[test]
fn in_a_loop_each_s6_svc_does_in_sleep_what_is_promised() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("svc-sleep");
    let name = "svc-sleep";
    svscan.add_launch(name, "--interval 1000 -- sh -c 'echo \"ready $$ \"'", &[]);
    after_runs(name, 1);
    let pid = svscan.pid(name);
    svscan.svc(&["-a"], name);
    after_runs(name, 2);
    std::fs::rename(state("svc-sleep.log"), state("svc-sleep.away")).expect("renamed");
    svscan.svc(&["-h"], name);
    eventually("HUP opens a new log", || state("svc-sleep.log").exists().then_some(()));
    svscan.svc(&["-1"], name);
    svscan.svc(&["-2"], name);
    svscan.svc(&["-p"], name);
    paused(&svscan, name, "true");
    svscan.svc(&["-a"], name);
    throughout("stopped, it runs nothing", Duration::from_millis(200), || record_of(name)["runs"] == 2);
    svscan.svc(&["-c"], name);
    paused(&svscan, name, "false");
    after_runs(name, 3);
    assert_eq!(svscan.pid(name), pid, "none of these ends it");

    let mut before = pid;
    for (restart, option) in ["-t", "-r", "-k"].into_iter().enumerate() {
        svscan.svc(&[option], name);
        after_runs(name, 4 + restart as u64);
        let pid = svscan.pid(name);
        assert!(pid != before && !is_alive(before), "{option}");
        before = pid;
    }
    let start = Instant::now();
    svscan.svc(&["-d"], name);
    eventually_dead(before);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    eventually("down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
    assert_eq!(svscan.svstat("exitcode", name), ["0"]);
    svscan.svc(&["-u"], name);
    after_runs(name, 7);
    let pid = svscan.pid(name);
    svscan.svc(&["-x"], name);
    throughout("-x sends nothing", Duration::from_millis(200), || is_alive(pid));
    svscan.svc(&["-d"], name);
    eventually_dead(pid);
}

#[test]
fn in_a_loop_each_s6_svc_does_in_a_run_what_is_promised() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("svc-run");
    let name = "svc-run";
    svscan.add_launch(name, &format!("--interval 1000 -- sh -c {}", quoted(SAYS)), &[]);
    let pid = svscan.pid(name);
    let first = worker(name, 0);
    assert_ne!(first, pid);
    for (option, word) in [("-1", "USR1"), ("-2", "USR2")] {
        svscan.svc(&[option], name);
        logs(name, &format!("got-{word}"));
    }
    svscan.svc(&["-h"], name);
    svscan.svc(&["-a"], name);
    svscan.svc(&["-p"], name);
    paused(&svscan, name, "true");
    svscan.svc(&["-c"], name);
    paused(&svscan, name, "false");
    assert_eq!((svscan.pid(name), is_alive(first)), (pid, true));
    let mut before = first;
    for (start, option) in ["-t", "-r"].into_iter().enumerate() {
        svscan.svc(&[option], name);
        let next = worker(name, start + 1);
        assert!(next != before && !is_alive(before), "{option}");
        assert_eq!(log_of(name).matches("got-TERM").count(), start + 1, "{option}: its own handler ran");
        before = next;
    }
    // KILL takes launcher and worker, and both come again
    let launcher = svscan.pid(name);
    svscan.svc(&["-k"], name);
    let next = worker(name, 3);
    assert!(!is_alive(launcher) && !is_alive(before));
    svscan.svc(&["-d"], name);
    eventually_dead(next);
    eventually("down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
    assert_eq!(svscan.svstat("exitcode", name), ["0"]);
    let log = log_of(name);
    assert!(!log.contains("got-HUP") && !log.contains("got-ALRM"), "{log}");
}

#[test]
fn whichever_of_the_two_is_killed_a_new_worker_comes() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("recovers");
    for (name, words) in [("recovers-exec", "--"), ("recovers-loop", "--interval 0.1 --")] {
        svscan.add_launch(name, &format!("{words} sh -c 'echo \"ready $$ \"; exec sleep 1000'"), &[]);
        let (launcher, first) = (svscan.pid(name), worker(name, 0));
        signal(first, Signal::SIGKILL);
        let second = worker(name, 1);
        assert_ne!(second, first);
        if name == "recovers-loop" {
            assert_eq!(svscan.pid(name), launcher, "the launcher goes on");
            logs(name, "worker failed: killed by SIGKILL; next run in 0.1 s");
            signal(launcher, Signal::SIGKILL);
            let third = worker(name, 2);
            eventually_dead(second);
            assert!(is_alive(third) && svscan.pid(name) != launcher);
        }
    }
}

#[test]
fn readiness_is_notified_at_the_start_of_a_loop_and_handed_on_in_exec_mode() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("readiness");
    let notified: &[(&str, &str)] = &[("notification-fd", "4\n")];
    let fds = "for fd in /proc/self/fd/*; do echo \"fd ${fd##*/} $(readlink $fd)\"; done";
    svscan.add_launch(
        "ready-loop",
        &format!("--interval 1000 -- sh -c {}", quoted(&format!("{fds}; echo all; exec sleep 1000"))),
        notified,
    );
    logs("ready-loop", "all");
    eventually("ready", || (svscan.svstat("ready", "ready-loop") == ["true"]).then_some(()));
    let open = log_of("ready-loop");
    assert!(!open.contains("fd 4 pipe:"), "the worker never gets it: {open}");

    let script = format!("{fds}; echo all; until [ -e go ]; do sleep 0.02; done; echo >&4; exec sleep 1000");
    let directory = svscan.add_launch("ready-exec", &format!("-- sh -c {}", quoted(&script)), notified);
    let open = logs("ready-exec", "all");
    assert!(open.contains("fd 4 pipe:"), "{open}");
    throughout("not ready before the worker says so", Duration::from_millis(300), || {
        svscan.svstat("ready", "ready-exec") == ["false"]
    });
    support::write(&directory.join("go"), "", 0o644);
    eventually("ready", || (svscan.svstat("ready", "ready-exec") == ["true"]).then_some(()));
}

#[test]
fn s6_svscanctl_t_ends_within_a_second_in_sleep_and_the_hand_written_loop_takes_long() {
    needs!(root, "s6-svscan");
    let mut ours = Svscan::start("shutdown");
    let names = ["down-1", "down-2", "down-3", "down-4", "down-5"];
    for name in names {
        ours.add_launch(name, "--interval 1000 -- echo ran", &[]);
    }
    for name in names {
        after_runs(name, 1);
    }
    let time = ours.stop();
    for name in names {
        assert!(!is_alive(ours_pid(name)), "{name}");
    }
    eprintln!("s6-svscanctl -t, five loops of ours in sleep: {time:?}");
    assert!(time < Duration::from_secs(1), "{time:?}");

    // the original: its orphan sleep holds the log's pipe. 5 s here, 20 in the wild
    let mut original = Svscan::start("shutdown-original");
    let mark = original.scratch.join("mark");
    let run = format!("#!/bin/bash\nwhile :; do echo ran > {}; sleep 5; done\n", mark.display());
    let hidden = original.scratch.join("scan/.original");
    std::fs::create_dir_all(hidden.join("log")).expect("made");
    support::write(&hidden.join("run"), &run, 0o755);
    support::write(&hidden.join("log/run"), "#!/bin/sh\nexec cat\n", 0o755);
    std::fs::rename(&hidden, original.directory("original")).expect("published");
    original.control(&["-a"]);
    eventually_contains(&mark, "ran");
    let original_time = original.stop();
    eprintln!("s6-svscanctl -t, one hand-written loop with a sleep of 5 s: {original_time:?}");
    assert!(original_time > Duration::from_secs(3) && original_time > 3 * time, "{original_time:?}");
}

fn ours_pid(name: &str) -> i32 {
    i32::try_from(record_of(name)["pid"].as_i64().expect("a pid")).expect("a pid")
}

#[test]
fn a_restart_in_a_run_never_overlaps_two_workers_and_the_hand_written_loop_does() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("overlap");
    let marker = svscan.scratch.directory_of_abc("markers");
    // takes the marker alone or says so; ignores TERM for a while
    let script = |name: &str, steps: u32| {
        format!(
            "trap : TERM; m={0}/{name}; mkdir $m || echo OVERLAP; echo \"ready $$ \"; \
             i=0; while [ $i -lt {steps} ]; do sleep 0.02; i=$((i+1)); done; rmdir $m; echo finished",
            marker.display()
        )
    };
    let name = "overlap";
    svscan.add_launch(name, &format!("--interval 0.01 -- sh -c {}", quoted(&script(name, 30))), &[]);
    let mut seen = worker(name, 0);
    for options in [&["-r"][..], &["-d", "-u"], &["-t"], &["-r"]] {
        svscan.svc(options, name);
        let starts = log_of(name).matches("ready ").count();
        let next = worker(name, starts);
        assert!(next != seen && !is_alive(seen), "{options:?}: {}", log_of(name));
        seen = next;
    }
    let text = log_of(name);
    assert!(!text.contains("OVERLAP"), "{text}");
    assert!(text.matches("finished").count() >= 4, "each run had its grace: {text}");

    let original = "overlap-original";
    let said = marker.join("said");
    let hook = svscan.scratch.write("hook", &format!("#!/bin/sh\n{}\n", script(original, 120)), 0o755);
    let run = format!("#!/bin/bash\nwhile :; do {} >> {}; sleep 1; done\n", hook.display(), said.display());
    svscan.add(original, &[("run", &run)]);
    eventually_contains(&said, "ready");
    svscan.svc(&["-r"], original);
    eventually("a second start", || (read(&said).matches("ready ").count() >= 2).then_some(()));
    let text = read(&said);
    assert!(text.contains("OVERLAP"), "the original lets the hook run on: {text}");
}

#[test]
fn twenty_seven_services_are_all_up_and_idle_is_idle() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("many");
    let names: Vec<String> = (1..=27).map(|number| format!("many-{number}")).collect();
    for name in &names {
        svscan.add_launch(name, "--interval 1000 -- true", &[]);
    }
    let pids: Vec<i32> = names
        .iter()
        .map(|name| {
            after_runs(name, 1);
            svscan.pid(name)
        })
        .collect();
    let switches = || -> Vec<(u64, u64)> { pids.iter().map(|pid| context_switches(*pid)).collect() };
    let mut before = Vec::new();
    eventually("all asleep", || {
        let now = switches();
        let same = now == before;
        before = now;
        std::thread::sleep(Duration::from_millis(100));
        same.then_some(())
    });
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(switches(), before, "asleep nothing takes the processor, willingly or not");
    for (name, pid) in names.iter().zip(&pids) {
        assert_eq!(svscan.svstat("up,pid", name), ["true".to_string(), pid.to_string()], "{name}");
    }
    let sum = |field: &str| -> u64 {
        let each = pids.iter().map(|pid| {
            let rollup = read(format!("/proc/{pid}/smaps_rollup"));
            let line = rollup.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
            line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number")
        });
        each.sum()
    };
    let (pss, dirty) = (sum("Pss:"), sum("Private_Dirty:"));
    let count = pids.len() as u64;
    eprintln!(
        "27 sleeping loops: PSS {pss} kB ({} each), private dirty {dirty} kB ({} each)",
        pss / count,
        dirty / count
    );
    assert!(pss < 27 * 1024, "{pss} kB");
}
