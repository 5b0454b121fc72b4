//! The run record.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{self, eventually, needs, occurrences, output, own_by_abc, write};

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
