//! The other signals, in sleep and in a run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{self, eventually, needs, occurrences, read, signal, throughout};

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
        assert_eq!(occurrences(&text, "keeps its previous environment"), 1, "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(occurrences(&direct.log(), "value=one\n"), 4);
    direct.write("config.env", "VALUE=good\n", 0o600);
    direct.signal(Signal::SIGALRM);
    direct.after_runs(5);
    direct.logs("value=good");
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
