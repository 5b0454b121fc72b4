//! Schedules, their zones, and what contradicts itself.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::direct::{Caller, Direct};
use crate::support::{eventually, needs, output, stderr, stdout};
use crate::{STAMP, minute_at, now, starts};

#[test]
fn a_schedule_waits_for_its_second() {
    needs!(root);
    let direct = Direct::start("schedule-second", &["--schedule", "*:*:0/2 UTC"], STAMP);
    let log = eventually("three runs", || {
        let log = direct.log();
        (starts(&log).len() >= 3).then_some(log)
    });
    let starts = starts(&log);
    for pair in starts.windows(2) {
        assert!((pair[1] - pair[0] - 2.0).abs() < 0.5, "{starts:?}");
    }
    for start in &starts {
        let late = start % 2.0;
        assert!(late < 0.5, "never early, and not late: {starts:?}");
    }
    let record = direct.record();
    assert_eq!(record["schedule"], "*:*:0/2 UTC", "{record}");
}

#[test]
fn the_zone_of_a_schedule_is_its_last_word_else_tz_of_the_workers_environment() {
    needs!(root);
    let direct = Direct::new("schedule-zone");
    let next = |options: &[&str]| {
        let mut words = vec!["--explain=json"];
        words.extend_from_slice(options);
        let output = output(direct.command(Caller::Root, &words, &["true"]).stdout(Stdio::piped()));
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let starts = plan["timing"]["next_starts"].as_array().expect("starts").clone();
        assert_eq!(starts.len(), 5);
        starts[0].as_str().expect("a start").to_string()
    };
    assert!(next(&["--schedule", "09:00 Asia/Tokyo"]).ends_with("T09:00:00+09:00"));
    assert!(next(&["--env", "TZ=America/Phoenix", "--schedule", "09:00"]).ends_with("T09:00:00-07:00"));
    assert!(next(&["--env", "TZ=Asia/Kolkata", "--schedule", "0 9 * * * Asia/Tokyo"]).ends_with("+09:00"));
    direct.write("config.env", "TZ=Asia/Kolkata\nWHEN='Mon..Fri 09:30'\n", 0o644);
    assert!(next(&["--schedule", "${WHEN}"]).ends_with("T09:30:00+05:30"));
    direct.write("config.env", "TZ=Asia/Tokio\n", 0o644);
    let refused = output(&mut direct.command(Caller::Root, &["--schedule", "09:00"], &["true"]));
    assert_eq!(refused.status.code(), Some(100));
    let said = direct.stderr();
    assert!(said.contains("--schedule: TZ: 'Asia/Tokio' is not a time zone"), "{said}");
    assert!(said.contains("did you mean Asia/Tokyo?"), "{said}");
}

#[test]
fn what_contradicts_itself_is_100_before_anything_starts() {
    needs!(root);
    let direct = Direct::new("contradictions");
    for (options, said) in [
        (&["--interval", "5", "--every", "5"][..], "--every: cannot be combined with --interval"),
        (&["--schedule", "daily", "--every", "5"], "--every: cannot be combined with --schedule"),
        (&["--schedule", "daily", "--once"], "--once: cannot be combined with --schedule"),
        (&["--schedule", "*/60 * * * *"], "steps beyond"),
        (&["--schedule", "0 0 31 2 *"], "never occurs"),
        (&["--schedule", "09:00 JST"], "write Asia/Tokyo"),
        (&["--schedule", "daily UTC", "--backoff", "2:5m"], "--backoff: has no effect with --schedule"),
        (&["--once", "--persist"], "--persist: has no effect with --once"),
        (&["--every", "60", "--max-late", "5"], "without --persist, missed runs are not made up for"),
        (&["--every", "60", "--backoff", "2:5"], "is shorter than the delay"),
        (&["--every", "0"], "must be greater than zero"),
        (&["--every", "60", "--persist=maybe"], "is neither 'yes' nor 'no'"),
        (&["--persist"], "needs a timing option"),
        (&["--on-failure", "true"], "needs a timing option"),
        (&["--interval", "5", "--on-failure", " "], "is empty"),
    ] {
        let refused =
            output(direct.command(Caller::Root, options, &["touch", "started"]).stderr(Stdio::piped()));
        let text = stderr(&refused);
        assert_eq!(refused.status.code(), Some(100), "{options:?}: {text}");
        assert!(text.contains(said), "{options:?}: {text}");
    }
    assert!(!direct.directory().join("started").exists());
}

#[test]
fn options_of_the_command_line_win_over_the_files_pace() {
    needs!(root);
    let direct = Direct::new("pace-of-file");
    direct.scratch.write(
        Path::new("pace-of-file").join("service.toml"),
        "exec = ['true']\ninterval = '5m'\npersist = false\n",
        0o644,
    );
    for (options, kind) in [(&[][..], "interval"), (&["--every", "5"], "every"), (&["--once"], "once")] {
        let mut command = Command::new(direct.scratch.launcher());
        command
            .args(["--explain=json", "--file", "service.toml"])
            .args(options)
            .current_dir(direct.directory());
        let plan: Value = serde_json::from_slice(&output(&mut command).stdout).expect("JSON");
        assert_eq!(plan["timing"]["kind"], kind, "{plan}");
        if kind == "once" {
            assert_eq!(plan["timing"]["delay_s"], 300.0);
        }
    }
}

#[test]
fn a_schedule_that_has_no_further_start_is_done() {
    needs!(root);
    let mut direct = Direct::start("no-further-start", &["--schedule", "2020-01-01 UTC"], "echo run");
    assert_eq!(direct.end(), 0);
    assert!(direct.stderr().contains("done: the schedule has no further starts"), "{}", direct.stderr());
}

#[test]
fn hup_in_sleep_takes_up_a_changed_schedule() {
    needs!(root);
    let mut direct = Direct::new("changed-schedule");
    direct.write("config.env", &format!("WHEN='{}'\n", minute_at(now() + 7200)), 0o644);
    direct.launch(Caller::Root, &["--schedule", "${WHEN}"], &["sh", "-c", "echo run"]);
    eventually("it waits", || direct.record()["next_due"].is_string().then_some(()));
    direct.write("config.env", "WHEN='*:*:*'\n", 0o644);
    direct.signal(Signal::SIGHUP);
    direct.logs("run");
    direct.write("config.env", "WHEN='09:00 JST'\n", 0o644);
    direct.signal(Signal::SIGHUP);
    let log = direct.logs("the worker keeps its previous environment");
    assert!(log.contains("'JST' is not a time zone"), "{log}");
}

#[test]
fn splay_is_the_same_at_each_start() {
    needs!(root);
    let direct = Direct::new("splayed");
    let own = || {
        let options = ["--explain=json", "--schedule", "*:*:*", "--splay", "1h"];
        let output = output(direct.command(Caller::Root, &options, &["true"]).stdout(Stdio::piped()));
        let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        plan["timing"]["own_splay_s"].as_f64().expect("a number")
    };
    let first = own();
    assert!(first > 0.0 && first < 3600.0);
    assert_eq!(first, own());
}
