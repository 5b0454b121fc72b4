//! Intervals, timeouts, the initial delay, and how durations are written.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{
    self, context_switches, eventually, eventually_dead, is_alive, needs, number_after, occurrences, output,
    read, signal, stderr, throughout,
};

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
fn an_initial_delay_beside_a_schedule_is_one_run_at_each_start_of_the_service() {
    needs!(root);
    let mut direct = Direct::new("initial-schedule");
    let options = ["--schedule", "2099-01-01 09:00 UTC", "--initial-delay", "0"];
    for runs in [1, 2] {
        direct.launch(Caller::Root, &options, &["echo", "run"]);
        let record = direct.after_runs(runs);
        assert_eq!(record["next_due"], "2099-01-01T09:00:00Z", "{record}");
        assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    }
    let start = Instant::now();
    direct.launch(Caller::Root, &["--schedule", "2099-01-01", "--initial-delay", "1"], &["echo", "later"]);
    let waiting = eventually("it waits", || {
        let record = direct.record();
        record["next_due_boot"].is_number().then_some(record)
    });
    assert_eq!(waiting["runs"], 2, "{waiting}");
    direct.logs("later");
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(direct.after_runs(3)["next_due_boot"].is_null());
    let explained = |delay: &str| {
        let options = ["--schedule", "2099-01-01 09:00 UTC", "--initial-delay", delay, "--explain"];
        support::stdout(&support::output(
            direct.command(Caller::Root, &options, &["true"]).stdout(std::process::Stdio::piped()),
        ))
    };
    assert!(explained("0").contains("one more run when the service starts"), "{}", explained("0"));
    let later = explained("1h");
    assert!(later.contains("one more run 1h after the service starts, and none before"), "{later}");
    assert_eq!(later.matches("2099-01-01").count(), 2, "in the schedule and among the starts: {later}");
}

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
