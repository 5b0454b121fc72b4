//! What is kept over restarts, and what was missed.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::direct::{Caller, Direct};
use crate::support::{eventually, eventually_dead, needs, number_after, own_by_abc, throughout, write};
use crate::{edit_record, minute_at, now, rfc_3339};

#[test]
fn five_restarts_inside_the_minute_of_a_schedule_are_one_run() {
    needs!(root);
    let mut direct = Direct::new("restart-in-minute");
    // the run that is due in this minute was missed by a record from yesterday
    // which must not take longer than this waits
    eventually("a minute that is long enough", || (now() % 60 < 52).then_some(()));
    let schedule = minute_at(now());
    edit_record(&direct, |record| {
        record["last_start"] = rfc_3339(now() - 86_400 + 60).into();
        record["schedule"] = schedule.clone().into();
    });
    for time in 0..5 {
        direct.launch(Caller::Root, &["--schedule", &schedule], &["sh", "-c", "echo run"]);
        direct.logs("run");
        if time == 0 {
            direct.after_runs(1);
        }
        // killed as hard as can be, also
        let number = if time % 2 == 0 { Signal::SIGKILL } else { Signal::SIGTERM };
        eventually("it waits", || direct.record()["next_due"].is_string().then_some(()));
        direct.end_by(number);
    }
    assert_eq!(direct.log().matches("run").count(), 1, "{}", direct.log());
    assert_eq!(direct.record()["runs"], 1);
}

#[test]
fn a_launcher_killed_in_a_run_does_not_begin_it_again() {
    needs!(root);
    let mut direct = Direct::new("killed-in-run");
    let schedule = minute_at(now());
    edit_record(&direct, |record| {
        record["last_start"] = rfc_3339(now() - 86_400).into();
        record["schedule"] = schedule.clone().into();
    });
    direct.launch(
        Caller::Root,
        &["--schedule", &schedule],
        &["sh", "-c", "echo \"run $$ \"; exec sleep 1000"],
    );
    let worker = number_after(&direct.logs("run "), "run ");
    direct.end_by(Signal::SIGKILL);
    eventually_dead(worker);
    direct.launch(
        Caller::Root,
        &["--schedule", &schedule],
        &["sh", "-c", "echo \"run $$ \"; exec sleep 1000"],
    );
    eventually("it waits", || direct.record()["next_due"].is_string().then_some(()));
    throughout("no second run", Duration::from_millis(500), || direct.log().matches("run ").count() == 1);
}

#[test]
fn what_was_missed_runs_once_at_the_start_or_not_at_all_if_so_asked() {
    needs!(root);
    // the tick was an hour ago, the container has been down for a day
    let schedule = minute_at(now() - 3600);
    for (options, runs) in
        [(&[][..], 1), (&["--max-late", "2h"], 1), (&["--max-late", "30m"], 0), (&["--persist=no"], 0)]
    {
        let mut direct = Direct::new("missed");
        edit_record(&direct, |record| {
            record["last_start"] = rfc_3339(now() - 90_000).into();
            record["schedule"] = schedule.clone().into();
            record["runs"] = 7.into();
        });
        let options: Vec<&str> = ["--schedule", &schedule].iter().chain(options).copied().collect();
        for _ in 0..2 {
            direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
            eventually("it waits for tomorrow", || {
                let record = direct.record();
                let next = record["next_due"].as_str()?.parse::<jiff::Timestamp>().ok()?.as_second();
                (record["runs"] == 7 + runs && next > (now() + 40_000).cast_signed()).then_some(())
            });
            throughout("no more", Duration::from_millis(200), || direct.record()["runs"] == 7 + runs);
            assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
        }
        assert_eq!(direct.log().matches("run\n").count() as u64, runs, "{options:?}: {}", direct.log());
    }
}

#[test]
fn a_first_deployment_missed_nothing_and_the_next_start_knows_of_it() {
    needs!(root);
    let schedule = minute_at(now() - 3600);
    let mut direct = Direct::new("first-deployment");
    direct.launch(Caller::Root, &["--schedule", &schedule], &["sh", "-c", "echo run"]);
    let record = eventually("it waits", || {
        let record = direct.record();
        record["waiting_since"].is_string().then_some(record)
    });
    assert_eq!((&record["runs"], &record["last_start"]), (&0.into(), &Value::Null), "{record}");
    direct.end_by(Signal::SIGTERM);
    // had it been deployed two hours ago, and stopped since
    edit_record(&direct, |record| {
        record["waiting_since"] = rfc_3339(now() - 7200).into();
        record["considered"] = Value::Null;
    });
    direct.launch(Caller::Root, &["--schedule", &schedule], &["sh", "-c", "echo run"]);
    direct.after_runs(1);
    direct.end_by(Signal::SIGTERM);
    // another schedule has missed nothing either
    let other = minute_at(now() - 1800);
    edit_record(&direct, |record| record["last_start"] = rfc_3339(now() - 7200).into());
    direct.launch(Caller::Root, &["--schedule", &other], &["sh", "-c", "echo run"]);
    eventually("it waits", || {
        let record = direct.record();
        (record["schedule"] == other && record["next_due"].is_string()).then_some(())
    });
    throughout("no run", Duration::from_millis(300), || direct.record()["runs"] == 1);
}

#[test]
fn a_kept_start_of_an_interval_is_continued_by_the_next_launcher() {
    needs!(root);
    let mut direct = Direct::new("kept-interval");
    for pace in ["--interval", "--every"] {
        let options = [pace, "1000", "--persist"];
        let runs = direct.record()["runs"].as_u64().unwrap_or(0);
        edit_record(&direct, |record| record["last_start"] = Value::Null);
        direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        direct.after_runs(runs + 1);
        direct.end_by(Signal::SIGTERM);
        direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        eventually("the second waits", || {
            let record = direct.record();
            (record["pid"] == direct.pid() && record["next_due"].is_string()).then_some(())
        });
        throughout("no run", Duration::from_millis(200), || direct.record()["runs"] == runs + 1);
        direct.end_by(Signal::SIGTERM);
    }
}

#[test]
fn a_record_in_the_future_or_corrupt_is_reported_ignored_and_rewritten() {
    needs!(root);
    let schedule = minute_at(now() + 7200);
    for (content, said) in [
        (serde_json::json!({ "last_start": rfc_3339(now() + 864_000) }).to_string(), ": in the future"),
        (serde_json::json!({ "last_start": "yesterday\u{1b}[2J" }).to_string(), ": not a valid time"),
        ("{ half".to_string(), "starting a new one"),
    ] {
        let mut direct = Direct::new("bad-record");
        write(&direct.record_path(), &content, 0o640);
        own_by_abc(&direct.record_path());
        direct.launch(Caller::Root, &["--schedule", &schedule], &["sh", "-c", "echo run"]);
        let record = eventually("it is rewritten", || {
            let record = direct.record();
            record["next_due"].is_string().then_some(record)
        });
        assert_eq!(record["runs"], 0, "nothing was missed: {record}");
        assert!(record["waiting_since"].is_string(), "{record}");
        let log = direct.logs(said);
        assert_eq!(log.matches(said).count(), 1, "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
        direct.end_by(Signal::SIGTERM);
        direct.launch(Caller::Root, &["--schedule", &schedule], &["sh", "-c", "echo run"]);
        eventually("it waits", || (direct.record()["pid"] == direct.pid()).then_some(()));
        assert_eq!(direct.log().matches(said).count(), 1, "said once: {}", direct.log());
    }
}

#[test]
fn a_schedule_deployed_after_another_pace_has_missed_nothing() {
    needs!(root);
    let mut direct = Direct::new("other-pace");
    direct.launch(Caller::Root, &["--interval", "1000"], &["sh", "-c", "echo run"]);
    direct.after_runs(1);
    direct.end_by(Signal::SIGTERM);
    // its run was yesterday; the schedule's tick of today has passed
    edit_record(&direct, |record| record["last_start"] = rfc_3339(now() - 86_400).into());
    direct.launch(Caller::Root, &["--schedule", &minute_at(now() - 3600)], &["sh", "-c", "echo run"]);
    eventually("it waits", || direct.record()["schedule"].is_string().then_some(()));
    throughout("no run", Duration::from_millis(300), || direct.record()["runs"] == 1);
}
