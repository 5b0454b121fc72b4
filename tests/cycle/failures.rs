//! Failed runs: what they count for, and what the loop survives.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{eventually, needs, occurrences, own_by_abc, read, signal};

#[test]
fn once_ends_with_0_after_the_first_success() {
    needs!(root);
    let mut direct = Direct::start("once", &["--once"], "echo run");
    assert_eq!(direct.end(), 0);
    assert_eq!((direct.record()["runs"].as_u64(), occurrences(&direct.log(), "run\n")), (Some(1), 1));

    let script =
        "echo run; [ -e second ] && exit 0; [ -e first ] && { : > second; exit 3; }; : > first; exit 3";
    let mut direct = Direct::start("once-failing", &["--once", "--interval", "0.1"], script);
    assert_eq!(direct.end(), 0);
    let record = direct.record();
    assert_eq!((&record["runs"], &record["failures"]), (&3.into(), &2.into()), "{record}");
}

#[test]
fn max_failures_ends_with_the_workers_code() {
    needs!(root);
    let mut direct = Direct::start("max-failures", &["--interval", "0.1", "--max-failures", "3"], "exit 7");
    assert_eq!(direct.end(), 7);
    let record = direct.record();
    assert_eq!((&record["runs"], &record["consecutive_failures"]), (&3.into(), &3.into()), "{record}");
    assert!(direct.stderr().contains("3 failures in a row"), "{}", direct.stderr());
}

#[test]
fn a_success_resets_the_count_of_failures() {
    needs!(root);
    let script = "[ -e good ] && { rm good; exit 0; }; : > good; exit 7";
    let direct = Direct::start("failures-reset", &["--interval", "0.05", "--max-failures", "2"], script);
    eventually("eight runs", || (direct.record()["runs"].as_u64()? >= 8).then_some(()));
    assert!(direct.is_running());
}

#[test]
fn backoff_stretches_the_delay_up_to_its_maximum() {
    needs!(root);
    let options = ["--interval", "0.1", "--backoff", "3:0.5"];
    let direct = Direct::start("backoff", &options, "echo start $(date +%s.%N); exit 1");
    eventually("five runs", || (occurrences(&direct.log(), "start") >= 5).then_some(()));
    let log = direct.log();
    let pauses: Vec<&str> =
        log.lines().filter_map(|line| line.split_once("next run in ")).map(|(_, delay)| delay).collect();
    assert_eq!(&pauses[..4], ["0.1 s", "0.3 s", "0.5 s", "0.5 s"], "{log}");
    let times: Vec<f64> = log
        .lines()
        .filter_map(|line| line.strip_prefix("start ").and_then(|time| time.parse().ok()))
        .collect();
    for (pair, least) in times.windows(2).zip([0.1, 0.3, 0.5, 0.5]) {
        assert!(pair[1] - pair[0] >= least - 0.01, "{times:?}");
    }
}

#[test]
fn a_missing_program_never_ends_the_loop_and_stderr_gets_the_first_failure_and_the_recovery() {
    needs!(root);
    let mut direct = Direct::new("missing-worker");
    direct.launch(Caller::Root, &["--interval", "1000"], &["./hook"]);
    for run in 1..=3 {
        let record = direct.after_runs(run);
        assert_eq!((&record["last_status"], &record["failures"]), (&127.into(), &run.into()), "{record}");
        direct.signal(Signal::SIGALRM);
    }
    direct.after_runs(4);
    direct.write("hook", "#!/bin/sh\nexit 5\n", 0o755);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(5);
    direct.write("hook", "#!/bin/sh\necho good\n", 0o755);
    direct.signal(Signal::SIGALRM);
    let record = direct.after_runs(6);
    assert_eq!((&record["consecutive_failures"], &record["last_status"]), (&0.into(), &0.into()), "{record}");
    let (log, stderr) = (direct.log(), direct.stderr());
    assert_eq!(occurrences(&log, "worker failed"), 5, "{log}");
    assert_eq!(occurrences(&log, "./hook': not found"), 4, "{log}");
    assert_eq!(occurrences(&log, "exit status 5 (5 times in a row)"), 1, "{log}");
    assert_eq!(stderr.lines().count(), 2, "the first failure and the recovery: {stderr}");
    assert_eq!(occurrences(&stderr, "worker failed"), 1, "{stderr}");
    assert_eq!(occurrences(&stderr, "recovered after 5 failed runs"), 1, "{stderr}");
    assert_eq!(occurrences(&log, "recovered after 5 failed runs"), 1, "{log}");
}

#[test]
fn a_log_that_cannot_be_opened_is_reported_once_and_the_worker_runs() {
    needs!(root);
    let mut direct = Direct::new("no-log");
    let nowhere = direct.scratch.write("plain-file", "", 0o644).join("x.log");
    let nowhere = nowhere.to_str().expect("a text");
    direct.launch(Caller::Root, &["--interval", "1000", "--log", nowhere], &["echo", "run"]);
    for run in 1..=3 {
        direct.after_runs(run);
        direct.signal(Signal::SIGALRM);
    }
    direct.after_runs(4);
    let stderr = direct.stderr();
    assert_eq!(occurrences(&stderr, "unable to open log"), 1, "{stderr}");
    assert_eq!(occurrences(&stderr, "run\n"), 4, "{stderr}");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_reported_once_and_fixed_while_it_runs() {
    needs!(root);
    let mut direct = Direct::new("no-state");
    let state = direct.scratch.join("state");
    std::os::unix::fs::chown(&state, Some(0), Some(0)).expect("chown");
    let script = "echo run; echo run >> runs";
    direct.launch(Caller::Root, &["--interval", "0.05"], &["sh", "-c", script]);
    eventually("five runs", || {
        (occurrences(&read(direct.directory().join("runs")), "run") >= 5).then_some(())
    });
    let stderr = direct.stderr();
    assert_eq!(occurrences(&stderr, "unable to open log"), 1, "{stderr}");
    assert_eq!(occurrences(&stderr, "choose a location writable by uid 911"), 1, "{stderr}");
    assert_eq!(occurrences(&stderr, "unable to write the run record"), 1, "{stderr}");
    assert!(occurrences(&stderr, "run\n") >= 4, "{stderr}");
    own_by_abc(&state);
    direct.logs("run");
    eventually("a record", || direct.record()["runs"].is_number().then_some(()));
}

#[test]
fn no_process_to_be_had_is_a_failed_run() {
    needs!(root);
    let mut direct = Direct::new("no-process");
    // a limit per user: one that nobody else runs as
    std::os::unix::fs::chown(direct.scratch.join("state"), Some(45_911), Some(45_911)).expect("chown");
    let options = ["--user", "45911:45911", "--home", "/nowhere", "--interval", "1000"];
    direct.launch_through(&["prlimit", "--nproc=1:1"], &options, &["true"]);
    let record = direct.after_runs(1);
    assert_eq!((&record["last_status"], &record["failures"]), (&111.into(), &1.into()), "{record}");
    assert!(direct.log().contains("unable to start a process"), "{}", direct.log());
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
}

#[test]
fn a_closed_stderr_ends_nothing() {
    needs!(root);
    let direct = Direct::new("closed-stderr");
    let mut command = direct.command(Caller::Root, &["--interval", "0.05", "--log", "-"], &["false"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    eventually("three runs", || (direct.record()["runs"].as_u64()? >= 3).then_some(()));
    signal(child.id().cast_signed(), Signal::SIGTERM);
    assert_eq!(child.wait().expect("waited for").code(), Some(0));
}

#[test]
fn a_worker_killed_by_a_real_time_signal_is_a_failed_run() {
    needs!(root);
    let direct = Direct::start("real-time", &["--interval", "0.05"], "kill -40 $$");
    let record = eventually("two runs", || {
        let record = direct.record();
        (record["runs"].as_u64() >= Some(2)).then_some(record)
    });
    assert_eq!(record["last_status"], 168, "{record}");
    assert!(direct.log().contains("worker failed: killed by signal 40"), "{}", direct.log());
}

#[test]
fn a_stderr_that_nobody_reads_stops_nothing() {
    needs!(root);
    let direct = Direct::new("stuck");
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    let mut full = Command::new("dd")
        .args(["if=/dev/zero", "bs=4096", "count=1000", "oflag=nonblock"])
        .stdout(writer.try_clone().expect("a copy"))
        .stderr(Stdio::null())
        .spawn()
        .expect("dd starts");
    full.wait().expect("waited for");
    let mut launcher = direct.command(Caller::Root, &["--interval", "0.05"], &["false"]);
    let mut child = launcher.stderr(writer).spawn().expect("it starts");
    eventually("three runs", || (direct.record()["runs"].as_u64() >= Some(3)).then_some(()));
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("it is there");
    assert!(child.wait().expect("waited for").success());
}
