//! The loop: what signals do in sleep and in a run, what a worker finds and leaves, what is recorded.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::{
    Scratch, context_switches, eventually, eventually_dead, is_alive, logs, needs, number_after, occurrences,
    output, own_by_abc, quoted, read, signal, stderr, throughout, write,
};

/// Ends on TERM after saying so, as a worker and as its child; `ready` when both can.
const POLITE: &str = r#"
    sh -c 'trap "echo child-term; exit 0" TERM; echo child-ready; while :; do sleep 0.05; done' &
    trap 'echo worker-term; wait; exit 7' TERM
    echo worker-ready
    while :; do sleep 0.05; done
"#;

// ── stopping ────────────────────────────────────────────────────────────────────────────────────

/// Median and maximum over this many stops in sleep.
fn stops_in_sleep(caller: Caller, times: usize) -> (Duration, Duration) {
    let mut direct = Direct::new("term-in-sleep");
    let mut durations = Vec::new();
    for time in 0..times {
        direct.launch(caller, &["--interval", "1000"], &["true"]);
        direct.after_runs(time as u64 + 1);
        let (code, duration) = direct.end_by(Signal::SIGTERM);
        assert_eq!(code, 0, "{}", direct.stderr());
        durations.push(duration);
    }
    durations.sort();
    (durations[times / 2], durations[times - 1])
}

#[test]
fn term_in_sleep_leaves_with_0_within_milliseconds() {
    needs!(root);
    for (caller, times) in [(Caller::Root, 50), (Caller::Abc, 20)] {
        let mut rounds = Vec::new();
        // on a busy machine the scheduler has its share: the best of three rounds counts
        let good = (0..3).any(|_| {
            let (median, most) = stops_in_sleep(caller, times);
            eprintln!(
                "TERM in sleep to the end, {caller:?}, {times} times: median {median:?}, most {most:?}"
            );
            rounds.push((median, most));
            median < Duration::from_millis(5) && most < Duration::from_millis(50)
        });
        assert!(good, "{caller:?}: {rounds:?}");
    }
}

#[test]
fn int_and_quit_in_sleep_leave_with_0_too() {
    needs!(root);
    let mut direct = Direct::new("int-in-sleep");
    for (time, number) in [Signal::SIGINT, Signal::SIGQUIT].into_iter().enumerate() {
        direct.launch(Caller::Root, &["--interval", "1000"], &["true"]);
        direct.after_runs(time as u64 + 1);
        assert_eq!(direct.end_by(number).0, 0);
    }
}

#[test]
fn term_in_a_run_reaches_the_workers_handler_and_its_children() {
    needs!(root);
    for caller in [Caller::Root, Caller::Abc] {
        let mut direct = Direct::new("term-in-run");
        direct.launch(caller, &["--interval", "1"], &["sh", "-c", POLITE]);
        direct.logs("child-ready");
        direct.logs("worker-ready");
        assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
        let log = direct.log();
        assert_eq!((occurrences(&log, "child-term"), occurrences(&log, "worker-term")), (1, 1), "{log}");
        let record = direct.record();
        assert_eq!((&record["runs"], &record["last_status"]), (&1.into(), &7.into()), "{record}");
        assert_eq!(record["failures"], 0, "a stopped run has not failed: {record}");
    }
}

#[test]
fn a_worker_and_grandchild_that_ignore_term_are_dead_at_the_grace_and_the_exit_is_137() {
    needs!(root);
    let script = r#"trap '' TERM; sleep 1000 & echo "worker $$ child $! ready"; wait; sleep 1000"#;
    let mut direct = Direct::start("ignores-term", &["--interval", "1", "--grace", "0.5"], script);
    let log = direct.logs("ready");
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 137);
    assert!(time >= Duration::from_millis(500) && time < Duration::from_secs(4), "{time:?}");
    assert!(!is_alive(number_after(&log, "worker ")) && !is_alive(number_after(&log, "child ")));
}

#[test]
fn after_a_stop_nothing_of_the_group_is_left_even_if_the_worker_itself_ended() {
    needs!(root);
    let script = r#"
        sh -c 'trap "" TERM; echo "child $$ "; sleep 1000' &
        trap 'exit 0' TERM
        while :; do sleep 0.05; done
    "#;
    let mut direct = Direct::start("leaves-child", &["--interval", "1", "--grace", "0.5"], script);
    let child = number_after(&direct.logs("child "), "child ");
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 0, "the worker itself did not need KILL");
    assert!(time >= Duration::from_millis(500) && time < Duration::from_secs(4), "{time:?}");
    assert!(!is_alive(child));
}

#[test]
fn a_stopped_worker_is_continued_to_be_stopped() {
    needs!(root);
    let script = r#"trap 'echo bye; exit 0' TERM; echo "worker $$ "; while :; do sleep 0.05; done"#;
    let mut direct = Direct::start("paused", &["--interval", "1", "--grace", "60"], script);
    let worker = number_after(&direct.logs("worker "), "worker ");
    signal(worker, Signal::SIGSTOP);
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    direct.logs("bye");
}

/// Prints each INT and TERM and goes on.
const STUBBORN: &str = r#"
    trap 'echo got-int' INT; trap 'echo got-term' TERM
    echo ready
    while :; do sleep 0.05; done
"#;

#[test]
fn a_second_int_kills_at_once() {
    needs!(root);
    let options = ["--interval", "1", "--grace", "60", "--stop-signal", "INT"];
    let mut direct = Direct::start("second-int", &options, STUBBORN);
    direct.logs("ready");
    direct.signal(Signal::SIGINT);
    direct.logs("got-int");
    let (code, time) = direct.end_by(Signal::SIGINT);
    assert_eq!(code, 137);
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn a_second_term_more_than_a_second_later_kills_at_once() {
    needs!(root);
    let mut direct = Direct::start("second-term", &["--interval", "1", "--grace", "60"], STUBBORN);
    direct.logs("ready");
    direct.signal(Signal::SIGTERM);
    direct.logs("got-term");
    throughout("one TERM leaves the worker its grace", Duration::from_millis(1100), || direct.is_running());
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 137);
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn three_terms_at_once_leave_the_worker_its_grace() {
    needs!(root);
    let script = r#"
        trap 'echo got-term; sleep 0.5; echo finished; exit 0' TERM
        echo ready
        while :; do sleep 0.05; done
    "#;
    let mut direct = Direct::start("three-terms", &["--interval", "1", "--grace", "60"], script);
    direct.logs("ready");
    for _ in 0..3 {
        direct.signal(Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(direct.end(), 0);
    let log = direct.log();
    assert!(log.contains("finished"), "{log}");
    assert_eq!(direct.record()["last_status"], 0);
}

#[test]
fn on_stop_finish_lets_the_run_end_and_starts_no_other() {
    needs!(root);
    let script = r#"
        trap 'echo signalled' TERM
        echo ready
        until [ -e go ]; do sleep 0.02; done
        echo finished
    "#;
    let mut direct = Direct::start("on-stop-finish", &["--interval", "0.1", "--on-stop", "finish"], script);
    direct.logs("ready");
    direct.signal(Signal::SIGTERM);
    throughout("the run goes on", Duration::from_millis(300), || direct.is_running());
    direct.write("go", "", 0o644);
    assert_eq!(direct.end(), 0);
    assert_eq!(direct.log(), "ready\nfinished\n");
    assert_eq!(direct.record()["runs"], 1);
}

#[test]
fn the_stop_signal_is_the_one_that_was_asked_for() {
    needs!(root);
    let script =
        "trap 'echo usr2; exit 0' USR2; trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done";
    let options = ["--interval", "1", "--stop-signal", "USR2"];
    let mut direct = Direct::start("stop-signal", &options, script);
    direct.logs("ready");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    // the foreground sleep of the group may be reported by the shell
    assert!(direct.log().contains("usr2\n") && !direct.log().contains("term"), "{}", direct.log());
}

#[test]
fn kill_of_the_launcher_takes_the_worker_process() {
    needs!(root);
    for caller in [Caller::Root, Caller::Abc] {
        let mut direct = Direct::new("launcher-killed");
        let script = r#"trap '' TERM; echo "worker $$ "; while :; do sleep 0.1; done"#;
        direct.launch(caller, &["--interval", "1"], &["sh", "-c", script]);
        let worker = number_after(&direct.logs("worker "), "worker ");
        assert!(is_alive(worker));
        assert_eq!(direct.end_by(Signal::SIGKILL).0, 137);
        eventually_dead(worker);
    }
}

#[test]
fn what_a_worker_leaves_behind_neither_delays_the_next_run_nor_dies() {
    needs!(root);
    let script = r#"[ -e left ] || { sleep 300 & echo "left $! " | tee left; }; echo run"#;
    let mut direct = Direct::start("leaves-sleep", &["--interval", "0.1"], script);
    let left = number_after(&direct.logs("left "), "left ");
    eventually("a third run", || (occurrences(&direct.log(), "run\n") >= 3).then_some(()));
    assert!(is_alive(left));
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    assert!(is_alive(left), "no longer ours after a normal end");
    signal(left, Signal::SIGKILL);
}

// ── other signals ───────────────────────────────────────────────────────────────────────────────

#[test]
fn five_alrms_in_sleep_are_one_run() {
    needs!(root);
    for _ in 0..20 {
        let direct = Direct::start("alrm-in-sleep", &["--interval", "1000"], "echo run");
        direct.after_runs(1);
        // as five `s6-svc -a` come: apart, but within the 50 ms that make them one request
        let start = Instant::now();
        for _ in 0..5 {
            direct.signal(Signal::SIGALRM);
            std::thread::sleep(Duration::from_millis(4));
        }
        // a busy machine may take its time over them: then they are several requests
        if start.elapsed() < Duration::from_millis(40) {
            direct.after_runs(2);
            throughout("two runs", Duration::from_millis(400), || direct.record()["runs"] == 2);
            return;
        }
    }
    panic!("never five ALRMs within 40 ms");
}

#[test]
fn five_alrms_in_a_run_are_one_more() {
    needs!(root);
    let script = "echo ready; until [ -e go ]; do sleep 0.02; done";
    let direct = Direct::start("alrm-in-run", &["--interval", "1000"], script);
    direct.logs("ready");
    for _ in 0..5 {
        direct.signal(Signal::SIGALRM);
        std::thread::sleep(Duration::from_millis(3));
    }
    direct.write("go", "", 0o644);
    let record = eventually("a second run", || {
        let record = direct.record();
        (record["runs"] == 2 && record["next_due"].is_string()).then_some(record)
    });
    assert_eq!(record["failures"], 0);
    throughout("two runs", Duration::from_millis(400), || direct.record()["runs"] == 2);
}

#[test]
fn a_tick_that_passed_while_stopped_is_one_run() {
    needs!(root);
    let direct = Direct::start("stopped-over-tick", &["--interval", "0.4"], "date +%s.%N");
    eventually("a second run", || (direct.log().lines().count() >= 2).then_some(()));
    // not in a run: the worker would run on alone
    eventually("asleep", || direct.record()["next_due"].is_string().then_some(()));
    direct.signal(Signal::SIGSTOP);
    let before = direct.log().lines().count();
    std::thread::sleep(Duration::from_millis(1500));
    let during = direct.log().lines().count();
    assert!(during <= before + 1, "no run while stopped");
    direct.signal(Signal::SIGCONT);
    eventually("three more runs", || (direct.log().lines().count() >= during + 3).then_some(()));
    let log = direct.log();
    let times: Vec<f64> = log.lines().map(|line| line.parse().expect("a time")).collect();
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= 0.39, "a run that caught up: {times:?}");
    }
}

#[test]
fn usr1_usr2_winch_reach_the_worker_and_nothing_else_does() {
    needs!(root);
    let script = r#"
        for name in USR1 USR2 WINCH HUP ALRM; do trap "echo got-$name" $name; done
        echo ready
        until [ -e go ]; do sleep 0.02; done
    "#;
    let mut direct = Direct::start("forwarded", &["--interval", "1000"], script);
    direct.logs("ready");
    direct.signal(Signal::SIGHUP);
    direct.signal(Signal::SIGALRM);
    for (number, name) in [(Signal::SIGUSR1, "USR1"), (Signal::SIGUSR2, "USR2"), (Signal::SIGWINCH, "WINCH")]
    {
        direct.signal(number);
        direct.logs(&format!("got-{name}"));
    }
    direct.write("go", "", 0o644);
    direct.after_runs(2);
    // in sleep there is nobody for them, and they end nothing
    for number in [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH] {
        direct.signal(number);
    }
    throughout("it sleeps on", Duration::from_millis(200), || direct.is_running());
    let log = direct.log();
    assert!(!log.contains("got-HUP") && !log.contains("got-ALRM"), "{log}");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
}

#[test]
fn hup_reopens_a_log_that_was_renamed_away() {
    needs!(root);
    let direct = Direct::start("hup-log", &["--interval", "1000"], "echo run; exit 3");
    direct.after_runs(1);
    let away = direct.scratch.join("state/away");
    fs::rename(direct.log_path(), &away).expect("renamed");
    direct.signal(Signal::SIGHUP);
    eventually("a new log", || direct.log_path().exists().then_some(()));
    let before = read(&away);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(2);
    assert_eq!(read(&away), before, "nothing more in the old one");
    let log = direct.logs("worker failed");
    assert!(log.starts_with("run\n"), "{log}");
    assert_eq!(fs::metadata(direct.log_path()).expect("the log").uid(), support::ABC);
}

#[test]
fn a_changed_config_env_is_read_before_the_next_run_without_hup() {
    needs!(root);
    let mut direct = Direct::new("env-changed");
    direct.write("config.env", "VALUE=one\n", 0o600);
    direct.launch(Caller::Root, &["--interval", "1000"], &["sh", "-c", "echo value=$VALUE"]);
    direct.after_runs(1);
    direct.write("config.env", "VALUE=two\n", 0o600);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(2);
    fs::remove_file(direct.directory().join("config.env")).expect("removed");
    direct.signal(Signal::SIGALRM);
    direct.after_runs(3);
    assert_eq!(direct.log(), "value=one\nvalue=two\nvalue=\n");
}

#[test]
fn hup_reads_a_config_env_that_looks_unchanged() {
    needs!(root);
    let mut direct = Direct::new("env-hup");
    direct.write("config.env", "VALUE=one\n", 0o600);
    let path = direct.directory().join("config.env");
    direct.launch(Caller::Root, &["--interval", "1000"], &["sh", "-c", "echo value=$VALUE"]);
    direct.after_runs(1);
    let modified = fs::metadata(&path).and_then(|data| data.modified()).expect("its time");
    // in place, same length, same time
    fs::write(&path, "VALUE=two\n").expect("written");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified))
        .expect("its time");
    direct.signal(Signal::SIGHUP);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(2);
    assert_eq!(direct.log(), "value=one\nvalue=two\n");
}

#[test]
fn a_bad_config_env_keeps_the_old_values_and_is_reported_once() {
    needs!(root);
    let mut direct = Direct::new("env-bad");
    direct.write("config.env", "VALUE=one\n", 0o600);
    direct.launch(Caller::Root, &["--interval", "1000"], &["sh", "-c", "echo value=$VALUE"]);
    direct.after_runs(1);
    direct.write("config.env", "VALUE=$(secret)\n", 0o600);
    for run in 2..=4 {
        if run == 3 {
            direct.signal(Signal::SIGHUP);
        }
        direct.signal(Signal::SIGALRM);
        direct.after_runs(run);
    }
    for text in [direct.log(), direct.stderr()] {
        assert_eq!(occurrences(&text, "config.env:1"), 1, "{text}");
        assert_eq!(occurrences(&text, "keeps the environment"), 1, "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(occurrences(&direct.log(), "value=one\n"), 4);
    direct.write("config.env", "VALUE=good\n", 0o600);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(5);
    direct.logs("value=good");
}

// ── timing, failures ────────────────────────────────────────────────────────────────────────────

#[test]
fn the_interval_is_from_the_end_of_a_run_to_the_next_start() {
    needs!(root);
    let script = "echo start $(date +%s.%N); sleep 0.3; echo end $(date +%s.%N)";
    let direct = Direct::start("fixed-delay", &["--interval", "0.4"], script);
    eventually("four runs", || (occurrences(&direct.log(), "end") >= 4).then_some(()));
    let log = direct.log();
    let times: Vec<f64> =
        log.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse().ok()).collect();
    for (end, start) in (1..times.len() - 1).step_by(2).map(|at| (times[at], times[at + 1])) {
        assert!((0.39..1.5).contains(&(start - end)), "{} s between runs: {times:?}", start - end);
    }
}

#[test]
fn a_timeout_is_recorded_as_124_ends_the_group_and_the_loop_goes_on() {
    needs!(root);
    let script = r#"trap '' TERM; sleep 1000 & echo "worker $$ child $! "; wait; sleep 1000"#;
    let options = ["--interval", "1000", "--timeout", "0.3", "--grace", "0.2"];
    let mut direct = Direct::start("timeout", &options, script);
    let record = direct.after_runs(1);
    assert_eq!((&record["last_status"], &record["failures"]), (&124.into(), &1.into()), "{record}");
    assert!(
        record["last_duration"].as_f64().is_some_and(|seconds| (0.5..4.0).contains(&seconds)),
        "{record}"
    );
    let log = direct.log();
    assert!(!is_alive(number_after(&log, "worker ")) && !is_alive(number_after(&log, "child ")));
    assert!(log.contains("timed out after"), "{log}");
    direct.signal(Signal::SIGALRM);
    direct.after_runs(2);
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
}

#[test]
fn a_worker_that_ends_in_time_knows_nothing_of_the_timeout() {
    needs!(root);
    let direct = Direct::start("no-timeout", &["--interval", "0.05", "--timeout", "5"], "echo run");
    eventually("five runs", || (occurrences(&direct.log(), "run\n") >= 5).then_some(()));
    assert_eq!(direct.record()["failures"], 0);
}

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
fn the_initial_delay_comes_before_the_first_run_and_can_be_stopped() {
    needs!(root);
    let mut direct = Direct::new("initial-delay");
    let start = Instant::now();
    direct.launch(Caller::Root, &["--interval", "1000", "--initial-delay", "0.5"], &["echo", "run"]);
    direct.logs("run");
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    direct.launch(Caller::Root, &["--interval", "1", "--initial-delay", "1000"], &["echo", "never"]);
    eventually("it takes signals", || {
        let caught = support::read(format!("/proc/{}/status", direct.pid()));
        let mask = caught.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        (u64::from_str_radix(mask.trim(), 16).ok()? & (1 << 14) != 0).then_some(())
    });
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    assert_eq!(direct.log(), "run\n");
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
    assert_eq!(occurrences(&stderr, "name a place that uid 911 can write"), 1, "{stderr}");
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

// ── the record ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_record_holds_what_happened_and_counts_over_restarts() {
    needs!(root);
    let mut direct = Direct::new("record");
    direct.launch(
        Caller::Root,
        &["--interval", "300"],
        &["sh", "-c", "echo one; echo two; sleep 0.1; exit 9"],
    );
    let record = direct.after_runs(1);
    let pid = direct.pid();
    for (field, value) in [
        ("version", serde_json::json!(1)),
        ("name", serde_json::json!("record")),
        ("pid", serde_json::json!(pid)),
        ("log", serde_json::json!(direct.log_path())),
        ("runs", serde_json::json!(1)),
        ("failures", serde_json::json!(1)),
        ("consecutive_failures", serde_json::json!(1)),
        ("last_status", serde_json::json!(9)),
        ("skipped", serde_json::json!(0)),
        ("last_errors", serde_json::json!(["one", "two"])),
        ("resting", serde_json::json!(null)),
    ] {
        assert_eq!(record[field], value, "{field} of {record}");
    }
    let seconds = |field: &str| {
        let time = record[field].as_str().unwrap_or_else(|| panic!("{field} of {record}"));
        let out = output(Command::new("date").args(["-d", time, "+%s"]));
        support::stdout(&out).trim().parse::<i64>().expect("a time")
    };
    assert!((0..=2).contains(&(seconds("last_end") - seconds("last_start"))), "{record}");
    assert!((299..=302).contains(&(seconds("next_due") - seconds("last_end"))), "{record}");
    assert!(record["last_duration"].as_f64().is_some_and(|time| (0.1..3.0).contains(&time)), "{record}");
    let metadata = fs::metadata(direct.record_path()).expect("the record");
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (support::ABC, 0o640));

    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    direct.launch(Caller::Root, &["--interval", "300"], &["true"]);
    let record = direct.after_runs(2);
    assert_eq!((&record["failures"], &record["consecutive_failures"]), (&1.into(), &0.into()), "{record}");
    assert_eq!(record["pid"], direct.pid());
}

#[test]
fn the_record_shows_a_run_that_lasts() {
    needs!(root);
    let mut direct = Direct::start("record-in-run", &["--interval", "300"], "echo ready; sleep 1000");
    direct.logs("ready");
    // written once the run has lasted a second
    let record = support::record(&direct.record_path());
    assert!(record["last_start"].is_string(), "{record}");
    for field in ["last_end", "last_status", "last_duration", "next_due"] {
        assert!(record[field].is_null(), "{field} of {record}");
    }
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    let record = direct.record();
    assert_eq!(record["last_status"], 143, "{record}");
}

#[test]
fn a_stopped_run_is_neither_a_failure_nor_a_success() {
    needs!(root);
    let script = "[ -e second ] || { : > second; exit 3; }; echo ready; sleep 1000";
    let mut direct = Direct::start("record-stopped", &["--interval", "0.1"], script);
    direct.logs("ready");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    let record = direct.record();
    assert_eq!((&record["failures"], &record["consecutive_failures"]), (&1.into(), &1.into()), "{record}");
}

#[test]
fn the_record_is_replaced_whole() {
    needs!(root);
    let direct = Direct::start("record-atomic", &["--interval", "0.001"], "exit 1");
    eventually("a first record", || direct.record_path().exists().then_some(()));
    let mut inodes = std::collections::BTreeSet::new();
    let start = Instant::now();
    let mut reads = 0;
    // a fast loop replaces it once a second
    while inodes.len() < 3 && start.elapsed() < Duration::from_secs(10) {
        let text = fs::read_to_string(direct.record_path()).expect("never absent");
        let record: serde_json::Value = serde_json::from_str(&text).expect("never half written");
        assert_eq!(record["name"], "record-atomic");
        inodes.insert(fs::metadata(direct.record_path()).expect("never absent").ino());
        reads += 1;
    }
    assert!(reads > 100 && inodes.len() == 3, "{reads} reads, {} files", inodes.len());
}

#[test]
fn a_corrupt_record_is_reported_and_rewritten() {
    needs!(root);
    for (what, text) in
        [("junk", "{\"runs\": 12"), ("other", "[1,2]"), ("empty", ""), ("wrong-type", "{\"runs\": \"many\"}")]
    {
        let mut direct = Direct::new(&format!("corrupt-{what}"));
        write(&direct.record_path(), text, 0o640);
        own_by_abc(&direct.record_path());
        direct.launch(Caller::Root, &["--interval", "1000"], &["true"]);
        direct.after_runs(1);
        let stderr = direct.stderr();
        assert_eq!(occurrences(&stderr, "unable to read the run record"), 1, "{what}: {stderr}");
    }
}

#[test]
fn counts_at_their_end_do_not_end_the_loop() {
    needs!(root);
    let mut direct = Direct::new("counts-full");
    let most = u64::MAX;
    let text = format!("{{\"runs\":{most},\"failures\":{most},\"consecutive_failures\":{most}}}");
    write(&direct.record_path(), &text, 0o640);
    own_by_abc(&direct.record_path());
    direct.launch(Caller::Root, &["--interval", "1000"], &["false"]);
    let record = eventually("a run", || {
        let record = direct.record();
        record["next_due"].is_string().then_some(record)
    });
    assert!(direct.is_running());
    assert_eq!(record["runs"], most, "{record}");
}

// ── what a worker finds ─────────────────────────────────────────────────────────────────────────

#[test]
fn a_worker_finds_a_group_of_its_own_an_empty_mask_defaults_and_three_descriptors() {
    needs!(root);
    for caller in [Caller::Root, Caller::Abc] {
        let direct = Direct::new("finds");
        direct.write("config.env", "TOKEN='a b'\n", 0o600);
        let probe = direct.scratch.probe();
        let probe = probe.to_str().expect("a text");
        let command = direct.command(caller, &["--once", "--env", "MORE=1"], &[probe, "first word", ""]);
        // as a careless starter leaves them: everything blocked or ignored that can be
        let status = Command::new("python3")
            .args(["-c", IGNORING])
            .arg(direct.scratch.launcher())
            .args(command.get_args())
            .current_dir(direct.directory())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nowhere")
            .env("KEPT", "yes")
            .env("FUTO_TESTS_UID", if caller == Caller::Abc { "911" } else { "0" })
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("python3 starts").success());
        let page = direct.log();
        let row = |name: &str| {
            page.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap_or("(no such row)")
        };
        assert_eq!(row("uids"), "911 911 911 911", "{page}");
        assert_eq!(row("blocked"), "0000000000000000", "{page}");
        assert_eq!(row("caught"), "0000000000000000", "{page}");
        let ignored = u64::from_str_radix(row("ignored"), 16).expect("a mask");
        assert_eq!(ignored & 0x7fff_ffff, 0, "{page}");
        assert_eq!(row("pgid"), row("pid"), "{page}");
        let log = direct.log_path().display().to_string();
        assert_eq!(row("fds"), format!("0:/dev/null 1:{log} 2:{log}"), "{page}");
        assert_eq!(row("cwd"), direct.directory().display().to_string(), "{page}");
        let variables: Vec<&str> = page.lines().filter(|line| line.starts_with("env.")).collect();
        let home = if caller == Caller::Abc { "env.HOME=/nowhere" } else { "env.HOME=/config" };
        let expected = [
            home,
            "env.KEPT=yes",
            "env.LOGNAME=abc",
            "env.MORE=1",
            "env.PATH=/usr/bin:/bin",
            "env.TOKEN=a b",
            "env.USER=abc",
        ];
        assert_eq!(variables, expected, "{page}");
    }
}

/// Starts a program with blocked and ignored signals and stray descriptors.
const IGNORING: &str = r#"
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.environ.pop("LC_CTYPE", None)
null = os.open("/dev/null", os.O_RDWR)
os.dup2(null, 0)
for number in (3, 7, 42, 900):
    os.dup2(null, number, inheritable=True)
if os.environ.pop("FUTO_TESTS_UID") == "911":
    os.setgroups([]); os.setresgid(911, 911, 911); os.setresuid(911, 911, 911)
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn asleep_it_never_wakes_up() {
    needs!(root);
    let direct = Direct::start("idle", &["--interval", "1000"], "sleep 300 & echo \"left $! \"");
    direct.after_runs(1);
    let left = number_after(&direct.logs("left "), "left ");
    let asleep = || {
        let wait = read(format!("/proc/{}/syscall", direct.pid()));
        let stat = read(format!("/proc/{}/stat", direct.pid()));
        stat.contains(") S ").then(|| wait.split(' ').next().map(str::to_string)).flatten()
    };
    let call = eventually("asleep in one system call", asleep);
    // poll, or ppoll where there is no poll
    let numbers = [nix::libc::SYS_ppoll.to_string(), nix::libc::SYS_poll.to_string()];
    assert!(numbers.contains(&call), "asleep in system call {call}");
    let (slept, _) = context_switches(direct.pid());
    throughout("asleep", Duration::from_secs(3), || context_switches(direct.pid()).0 == slept);
    assert_eq!(fs::read_dir(format!("/proc/{}/task", direct.pid())).expect("tasks").count(), 1);
    signal(left, Signal::SIGKILL);
    // what it wakes up for: the orphan that became its child is reaped
    eventually_dead(left);
    eventually("no zombie", || (!fs::exists(format!("/proc/{left}")).expect("asked")).then_some(()));
}

// ── runit ───────────────────────────────────────────────────────────────────────────────────────

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
    let worker = number_after(&logs("runit-one", "ready"), "ready ");
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

// ── durations ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn durations_are_read_in_seconds_units_and_fractions() {
    needs!(root);
    for text in ["60", "60s", "5m", "1h30m", "0.5", "1.5h", "250ms"] {
        let mut direct = Direct::new("duration-good");
        direct.launch(Caller::Root, &["--once", "--interval", text], &["true"]);
        assert_eq!(direct.end(), 0, "{text}: {}", direct.stderr());
        assert_eq!(direct.record()["runs"], 1, "{text}");
    }
}

#[test]
fn zero_negative_overflowing_and_junk_durations_are_100_and_nothing_starts() {
    needs!(root);
    let direct = Direct::new("duration-bad");
    for option in ["--interval", "--timeout"] {
        for text in
            ["0", "0s", "-1", "-5m", "99999999999999999999", "300years", "soon", "5x", "", "1 2", "1h-"]
        {
            let word = format!("{option}={text}");
            let options: Vec<&str> = match option {
                "--interval" => vec![&word],
                _ => vec!["--interval", "1", &word],
            };
            let mut command = direct.command(Caller::Root, &options, &["touch", "started"]);
            let done = output(command.stderr(Stdio::piped()));
            assert_eq!(done.status.code(), Some(100), "{word}: {}", stderr(&done));
            assert!(stderr(&done).contains(option), "{word}: {}", stderr(&done));
        }
    }
    assert!(!direct.directory().join("started").exists());
    assert!(!direct.log_path().exists() || direct.log().is_empty());
    assert!(!direct.record_path().exists());
}

#[test]
fn bounds_bind_the_worker_and_not_the_launcher() {
    needs!(root);
    let mut direct = Direct::new("bounds");
    // less than the launcher itself needs
    let options = ["--interval", "1000", "--ulimit", "nofile=4"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "ulimit -n; exit 3"]);
    let record = direct.after_runs(1);
    assert_eq!(record["last_status"], 3, "{record}: {}", direct.stderr());
    let bounded: u64 = fs::read_to_string(format!("/proc/{}/limits", direct.pid()))
        .expect("its limits")
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
        .expect("a number");
    assert!(bounded > 4, "{bounded}");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
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
fn a_worker_that_leaves_its_group_does_not_escape_a_timeout() {
    needs!(root, "python3");
    let script = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                  os.setpgid(0, os.getpgid(os.getppid()))\n\
                  print('worker', os.getpid(), flush=True)\ntime.sleep(1000)";
    let mut direct = Direct::new("leaves-group");
    let options = ["--interval", "1000", "--timeout", "0.5", "--grace", "0.1"];
    direct.launch(Caller::Root, &options, &["python3", "-c", script]);
    let record = direct.after_runs(1);
    assert_eq!(record["last_status"], 124, "{record}");
    eventually_dead(number_after(&direct.logs("worker"), "worker "));
}

#[test]
fn the_record_is_no_more_open_than_the_log() {
    needs!(root);
    for (mode, expected) in [("0600", 0o600), ("0640", 0o640), ("0666", 0o640)] {
        let direct = Direct::start("record-mode", &["--interval", "1000", "--log-mode", mode], "exit 1");
        direct.after_runs(1);
        let status = fs::metadata(direct.record_path()).expect("a record");
        assert_eq!(status.mode() & 0o777, expected, "{mode}");
    }
}

#[test]
fn hup_during_a_run_rotates_nothing() {
    needs!(root);
    let script = "head -c 9000 /dev/zero | tr '\\0' x; echo; echo ready; sleep 1000";
    let options = ["--interval", "1000", "--log-size", "4096", "--log-keep", "0"];
    let mut direct = Direct::start("hup-rotates", &options, script);
    direct.logs("ready");
    signal(direct.pid(), Signal::SIGHUP);
    throughout("the log is kept", Duration::from_millis(300), || direct.log().contains("ready"));
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
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
