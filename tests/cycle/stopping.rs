//! What ends a loop and its worker, and how soon.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{
    eventually, eventually_dead, is_alive, needs, number_after, occurrences, signal, throughout,
};

/// Ends on TERM after saying so, as a worker and as its child; `ready` when both can.
const POLITE: &str = r#"
    sh -c 'trap "echo child-term; exit 0" TERM; echo child-ready; while :; do sleep 0.05; done' &
    trap 'echo worker-term; wait; exit 7' TERM
    echo worker-ready
    while :; do sleep 0.05; done
"#;

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
