//! How a run is stopped, and what a worker leaves in its process group.

mod support;

use std::time::Duration;

use nix::sys::signal::Signal;
use support::direct::Direct;
use support::{children, eventually, eventually_dead, is_alive, needs, number_after, signal};

/// A worker whose group has a member with a parent in another session, which does with the member's end what
/// `parent` says. On TERM the worker ends at once, the member as `member` says.
fn family(member: &str, parent: &str) -> String {
    format!(
        "import os, signal, sys, time\n\
         between = os.fork()\n\
         if between == 0:\n\
         \x20   member = os.fork()\n\
         \x20   if member == 0:\n\
         \x20       {member}\n\
         \x20   os.setsid()\n\
         \x20   signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         \x20   print('parent', os.getpid(), 'member', member, 'end', flush=True)\n\
         \x20   {parent}\n\
         time.sleep(1000)\n"
    )
}

/// Stops a loop with this worker, and gives its exit code, how long the stop took, and the log.
fn stopped(name: &str, member: &str, parent: &str) -> (i32, Duration, String) {
    let script = family(member, parent);
    let options = ["--interval", "1000", "--grace", "60"];
    let mut direct = Direct::new(name);
    direct.launch(support::direct::Caller::Root, &options, &["python3", "-c", &script]);
    let parent = number_after(&direct.logs(" end\n"), "parent ");
    if member == "os._exit(0)" {
        let member = number_after(&direct.log(), "member ");
        eventually("it is a zombie", || (!is_alive(member)).then_some(()));
    }
    // after a second the launcher has nothing more to wake up for
    eventually("its record", || (direct.record()["pid"] == direct.pid()).then_some(()));
    let (code, time) = direct.end_by(Signal::SIGTERM);
    eprintln!("{name}: stopped after {time:?}");
    assert!(is_alive(parent), "it has left the group");
    signal(parent, Signal::SIGKILL);
    eventually_dead(parent);
    (code, time, direct.log())
}

#[test]
fn a_zombie_in_the_group_holds_no_stop_up() {
    needs!(root, "python3");
    // one that has ended before, and one that ends of the stop
    for (name, member) in [("zombie-before", "os._exit(0)"), ("zombie-after", "time.sleep(1000)")] {
        let (code, time, log) = stopped(name, member, "time.sleep(1000)");
        assert_eq!(code, 0, "{name}: {log}");
        assert!(time < Duration::from_secs(20), "{name}: {time:?}");
        assert!(!log.contains("survived KILL"), "{name}: {log}");
    }
}

#[test]
fn a_member_whose_end_is_another_sessions_to_see_is_not_waited_for_longer_than_it_lives() {
    needs!(root, "python3");
    let member = "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), os._exit(0))); time.sleep(1000)";
    let (code, time, log) = stopped("silent-end", member, "os.waitpid(member, 0); time.sleep(1000)");
    assert_eq!(code, 0, "{log}");
    assert!(time >= Duration::from_millis(500), "it had its time: {time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

/// Leaves a process in its group, and says which.
const LEAVES: &str = "sleep 1000 & echo \"left $! \"";
/// The same; it does not end on TERM.
const LEAVES_STUBBORN: &str = "(trap '' TERM; exec sleep 1000) & echo \"left $! \"; sleep 0.2";

#[test]
fn on_exit_kill_ends_what_a_worker_leaves_before_the_next_run() {
    needs!(root);
    for (name, script) in [("exit-kill", LEAVES), ("exit-kill-stubborn", LEAVES_STUBBORN)] {
        let options = ["--interval", "0.1", "--on-exit", "kill", "--grace", "0.3"];
        let direct = Direct::start(name, &options, script);
        let log = eventually(&format!("three runs: {}", direct.log()), || {
            let log = direct.log();
            (log.matches("left ").count() > 2).then_some(log)
        });
        let left: Vec<i32> = log
            .lines()
            .filter(|line| line.starts_with("left "))
            .map(|line| number_after(line, "left "))
            .collect();
        // all but that of the run under way
        left.iter()
            .rev()
            .skip(1)
            .for_each(|pid| assert!(!is_alive(*pid), "{name}: {pid} of {left:?} is left"));
        let record = direct.record();
        assert_eq!((&record["failures"], &record["last_status"]), (&0.into(), &0.into()), "{record}");
        assert!(!log.contains("failed"), "{log}");
    }
}

#[test]
fn on_exit_kill_reports_the_workers_own_end_and_a_stop_meanwhile_is_one() {
    needs!(root);
    let options = ["--interval", "1000", "--on-exit", "kill", "--grace", "60"];
    let script = format!("{LEAVES_STUBBORN}; exit 3");
    let mut direct = Direct::start("exit-kill-stop", &options, &script);
    let left = number_after(&direct.logs("left "), "left ");
    // the worker's own end is over, what it left is waited for
    eventually("only what it left is there", || (children(direct.pid()) == [left]).then_some(()));
    direct.signal(Signal::SIGINT);
    direct.signal(Signal::SIGINT);
    eventually("the second INT ends it", || {
        // two that come as one are one
        if is_alive(left) {
            direct.signal(Signal::SIGINT);
        }
        (!is_alive(left)).then_some(())
    });
    assert_eq!(direct.end(), 0, "{}", direct.log());
    let record = direct.record();
    assert_eq!((&record["failures"], &record["last_status"]), (&1.into(), &3.into()), "{record}");
}

#[test]
fn on_exit_leave_is_the_default_and_on_exit_needs_a_loop() {
    needs!(root);
    for (name, options) in [
        ("exit-leave", &["--interval", "1000", "--on-exit", "leave"][..]),
        ("exit-default", &["--interval", "1000"]),
    ] {
        let direct = Direct::start(name, options, LEAVES);
        let left = number_after(&direct.logs("left "), "left ");
        direct.after_runs(1);
        assert!(is_alive(left), "{name}");
        signal(left, Signal::SIGKILL);
    }
    for options in [&["--on-exit", "kill"][..], &["--interval", "1", "--on-exit", "maybe"]] {
        let mut direct = Direct::start("exit-wrong", options, "true");
        assert_eq!(direct.end(), 100, "{options:?}");
        assert!(direct.stderr().contains("--on-exit"), "{}", direct.stderr());
    }
}

/// Fails when the file `go` appears, after it has written a line.
const FAILS: &str = "echo a word of the failing run; until [ -e go ]; do sleep 0.02; done; exit 3";

#[test]
fn hup_in_a_failing_run_loses_none_of_its_last_lines() {
    needs!(root);
    // alone, and after a program that rotates logs has moved it away
    for (name, moved) in [("hup-fails", false), ("hup-moved", true)] {
        let direct = Direct::start(name, &["--interval", "1000"], FAILS);
        direct.logs("a word");
        if moved {
            std::fs::rename(direct.log_path(), direct.scratch.join("state/moved.log")).expect("moved");
        }
        direct.signal(Signal::SIGHUP);
        if moved {
            eventually("a new log", || direct.log_path().exists().then_some(()));
        } else {
            // the signal is taken before the next one of another kind is
            let wait = || {
                support::read(format!("/proc/{}/status", direct.pid())).contains("SigPnd:\t0000000000000000")
            };
            eventually("it is taken", || wait().then_some(()));
        }
        direct.write("go", "", 0o644);
        let record = direct.after_runs(1);
        assert_eq!(
            record["last_errors"],
            serde_json::json!(["a word of the failing run"]),
            "{name}: {record}"
        );
    }
}

#[test]
fn the_record_is_where_the_state_directory_is() {
    needs!(root);
    let direct = Direct::start("state-moved", &["--interval", "0.1"], "true");
    eventually("runs", || (direct.record()["runs"].as_u64() > Some(1)).then_some(()));
    std::fs::rename(direct.scratch.join("state"), direct.scratch.join("moved")).expect("moved away");
    direct.scratch.directory_of_abc("state");
    let record = eventually("a record in the new one", || {
        let record = direct.record();
        record["runs"].is_u64().then_some(record)
    });
    assert!(record["runs"].as_u64() > Some(2), "{record}");
}
