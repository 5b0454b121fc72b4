//! When runs start: rates, schedules, what is kept over restarts; and what is done around a run.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::Value;
use support::direct::{Caller, Direct};
use support::{
    context_switches, eventually, eventually_dead, needs, number_after, output, own_by_abc, read, set_mode,
    stderr, stdout, throughout, write,
};

/// Says when it started, in seconds since 1970.
const STAMP: &str = "date +'start %s.%N'";

/// The starts that STAMP has logged.
fn starts(log: &str) -> Vec<f64> {
    log.lines().filter_map(|line| line.strip_prefix("start ")?.parse().ok()).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// `2026-11-25T09:00:00Z`
fn rfc_3339(second: u64) -> String {
    let at = jiff::Timestamp::from_second(second.cast_signed()).expect("an instant");
    at.to_string()
}

/// Edits the run record while no launcher runs.
fn edit_record(direct: &Direct, edit: impl FnOnce(&mut Value)) {
    let mut record = direct.record();
    if record.is_null() {
        record = serde_json::json!({});
    }
    edit(&mut record);
    write(&direct.record_path(), &record.to_string(), 0o640);
    own_by_abc(&direct.record_path());
}

// ── rates ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_keeps_to_its_grid_over_a_hundred_runs() {
    needs!(root);
    let mut worst = Vec::new();
    // on a busy machine the scheduler has its share: the best of three rounds counts
    let good = (0..3).any(|_| {
        let direct = Direct::start("every-grid", &["--every", "0.2"], &format!("{STAMP}; sleep 0.05"));
        // some seconds each: a wait with a bound
        for count in [25, 50, 75, 100] {
            eventually(&format!("{count} runs are begun"), || {
                (starts(&direct.log()).len() >= count).then_some(())
            });
        }
        let log = direct.log();
        let starts = starts(&log);
        let off = (starts[99] - starts[0]) - 99.0 * 0.2;
        eprintln!("--every 0.2, start 100: {:.1} ms off the grid", off * 1000.0);
        worst.push(off);
        off.abs() <= 0.030
    });
    assert!(good, "{worst:?}");
}

#[test]
fn every_drops_and_counts_the_ticks_of_a_long_run() {
    needs!(root);
    let direct = Direct::start("every-long", &["--every", "0.2"], &format!("{STAMP}; sleep 0.5"));
    let record = eventually("six runs", || {
        let record = direct.record();
        (record["runs"].as_u64()? >= 6 && record["last_end"].is_string()).then_some(record)
    });
    let (runs, skipped) =
        (record["runs"].as_u64().expect("runs"), record["skipped"].as_u64().expect("skipped"));
    assert!(skipped == 2 * runs || skipped == 2 * (runs - 1), "two a run: {record}");
    let starts = starts(&direct.log());
    for pair in starts.windows(2) {
        let distance = pair[1] - pair[0];
        assert!((distance - 0.6).abs() < 0.15, "on the grid: {distance}");
        assert!(distance > 0.2, "never closer than the grid: {distance}");
    }
}

#[test]
fn an_interval_is_the_delay_and_the_run_together() {
    needs!(root);
    let mut rounds = Vec::new();
    let good = (0..3).any(|_| {
        let direct =
            Direct::start("interval-period", &["--interval", "0.5"], &format!("{STAMP}; exec sleep 0.3"));
        let log = eventually("eight runs", || {
            let log = direct.log();
            (starts(&log).len() >= 8).then_some(log)
        });
        let starts = starts(&log);
        let period = (starts[7] - starts[0]) / 7.0;
        eprintln!("--interval 0.5 with a run of 0.3 s: {period:.4} s");
        rounds.push(period);
        (period - 0.8).abs() <= 0.020
    });
    assert!(good, "{rounds:?}");
}

// ── schedules ───────────────────────────────────────────────────────────────────────────────────

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
    assert!(said.contains("--schedule: TZ: 'Asia/Tokio' is no time zone"), "{said}");
    assert!(said.contains("did you mean Asia/Tokyo?"), "{said}");
}

#[test]
fn what_contradicts_itself_is_100_before_anything_starts() {
    needs!(root);
    let direct = Direct::new("contradictions");
    for (options, said) in [
        (&["--interval", "5", "--every", "5"][..], "--every: contradicts --interval"),
        (&["--schedule", "daily", "--every", "5"], "--every: contradicts --schedule"),
        (&["--schedule", "daily", "--once"], "--once: contradicts --schedule"),
        (&["--schedule", "*/60 * * * *"], "steps beyond"),
        (&["--schedule", "0 0 31 2 *"], "never occurs"),
        (&["--schedule", "09:00 JST"], "write Asia/Tokyo"),
        (&["--schedule", "daily UTC", "--backoff", "2:5m"], "--backoff: has no meaning with --schedule"),
        (&["--once", "--persist"], "--persist: has no meaning with --once"),
        (&["--every", "60", "--max-late", "5"], "without --persist nothing is made up for"),
        (&["--every", "60", "--backoff", "2:5"], "is below the delay"),
        (&["--every", "0"], "must be more than zero"),
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

/// A schedule of one minute of each day: the one that is this many seconds away.
fn minute_at(second: u64) -> String {
    let of_day = second % 86_400;
    format!("{:02}:{:02} UTC", of_day / 3600, of_day % 3600 / 60)
}

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
        (
            serde_json::json!({ "last_start": rfc_3339(now() + 864_000) }).to_string(),
            "in the future: ignored",
        ),
        (serde_json::json!({ "last_start": "yesterday\u{1b}[2J" }).to_string(), "is no time: ignored"),
        ("{ half".to_string(), "it is written anew"),
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
fn a_schedule_that_has_no_further_start_is_done() {
    needs!(root);
    let mut direct = Direct::start("no-further-start", &["--schedule", "2020-01-01 UTC"], "echo run");
    assert_eq!(direct.end(), 0);
    assert!(direct.stderr().contains("done: the schedule has no further start"), "{}", direct.stderr());
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
    let log = direct.logs("the worker keeps the environment it had");
    assert!(log.contains("'JST' is no time zone"), "{log}");
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

// ── the clock ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn idle_is_idle_in_every_timing_mode() {
    needs!(root);
    let schedule = minute_at(now() + 7200);
    for options in [
        &["--interval", "1000"][..],
        &["--every", "1000"],
        &["--every", "1000", "--persist", "--splay", "0.001"],
        &["--schedule", &schedule],
        &["--schedule", &schedule, "--splay", "5m", "--max-late", "5m"],
        &["--interval", "1000", "--initial-delay", "500"],
        &["--once", "--interval", "1000"],
    ] {
        let direct = Direct::start("idle-timing", options, "echo run; exit 3");
        eventually("it waits", || direct.record()["next_due"].is_string().then_some(()));
        let asleep = || {
            let stat = read(format!("/proc/{}/stat", direct.pid()));
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
        };
        eventually("it is asleep", || asleep().then_some(()));
        let before = context_switches(direct.pid());
        throughout("asleep", Duration::from_millis(700), asleep);
        assert_eq!(context_switches(direct.pid()), before, "{options:?}");
        assert_eq!(fs::read_dir(format!("/proc/{}/task", direct.pid())).expect("its threads").count(), 1);
    }
}

#[test]
fn a_schedule_sleeps_on_the_wall_clock_until_it_is_set_and_a_delay_on_boottime() {
    needs!(root, "strace");
    let schedule = minute_at(now() + 7200);
    for (options, timer) in [
        (&["--schedule", &schedule][..], "CLOCK_REALTIME"),
        (&["--interval", "1000", "--initial-delay", "1000"], "CLOCK_BOOTTIME"),
    ] {
        let mut direct = Direct::new("timers");
        let trace = direct.scratch.join("trace");
        let through =
            ["strace", "-e", "trace=timerfd_create,timerfd_settime", "-o", trace.to_str().expect("a path")];
        direct.launch_through(&through, options, &["true"]);
        let traced = support::eventually_contains(&trace, "it_value={tv_sec=");
        let settings: Vec<&str> = traced.lines().filter(|line| line.contains("timerfd_settime")).collect();
        let created = traced.lines().filter(|line| line.contains("timerfd_create"));
        let created: Vec<&str> = created.filter(|line| line.contains(timer)).collect();
        let number = created[0].rsplit("= ").next().expect("a descriptor");
        let armed = settings.iter().find(|line| line.contains(&format!("timerfd_settime({number},")));
        let armed = armed.unwrap_or_else(|| panic!("{traced}"));
        assert!(armed.contains("TFD_TIMER_ABSTIME"), "{traced}");
        assert_eq!(armed.contains("TFD_TIMER_CANCEL_ON_SET"), timer == "CLOCK_REALTIME", "{traced}");
        // only schedules have the second timer
        assert_eq!(traced.contains("CLOCK_REALTIME"), timer == "CLOCK_REALTIME", "{traced}");
    }
}

// ── around a run ────────────────────────────────────────────────────────────────────────────────

#[test]
fn hooks_run_after_their_kind_of_end_and_know_what_happened() {
    needs!(root);
    let hook = "env | grep ^FUTO_RUN_ | sort; echo \"as $(id -u) in $(pwd)\"; echo done $FUTO_RUN_RESULT";
    let direct = Direct::start(
        "hooks",
        &["--interval", "0.05", "--on-failure", hook, "--on-success", hook, "--env", "FUTO_RUN_X=1"],
        "if [ -e ok ]; then exec sleep 1000; fi; if [ -e failed ]; then touch ok; exit 0; fi; touch failed; exit 7",
    );
    let log = direct.logs("done success");
    for line in [
        "FUTO_RUN_NAME=hooks\n",
        "FUTO_RUN_RESULT=failure\n",
        "FUTO_RUN_STATUS=7\n",
        "FUTO_RUN_REASON=exit status 7\n",
        "FUTO_RUN_FAILURES=1\n",
        &format!("FUTO_RUN_LOG={}\n", direct.log_path().display()),
        "FUTO_RUN_RESULT=success\n",
        "FUTO_RUN_STATUS=0\n",
        "FUTO_RUN_FAILURES=0\n",
        "FUTO_RUN_DURATION=0.",
        "FUTO_RUN_START=20",
        "FUTO_RUN_END=20",
        &format!("as 911 in {}\n", direct.directory().display()),
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("FUTO_RUN_X"), "{log}");
    assert!(log.find("done failure") < log.find("done success"), "{log}");
    assert_eq!(log.matches("done ").count(), 2, "{log}");
}

#[test]
fn a_hook_never_delays_a_stop_and_the_last_failure_has_its_own() {
    needs!(root);
    let hook = "echo \"hook $$ \"; sleep 1000";
    let mut direct = Direct::start("hook-stop", &["--interval", "0.05", "--on-failure", hook], "exit 3");
    let pid = number_after(&direct.logs("hook "), "hook ");
    assert_eq!(direct.record()["consecutive_failures"], 1, "the record is written before");
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    eventually_dead(pid);

    let options =
        ["--interval", "0.05", "--max-failures", "2", "--on-failure", "echo hook $FUTO_RUN_FAILURES; exit 9"];
    let mut direct = Direct::start("hook-last", &options, "exit 3");
    assert_eq!(direct.end(), 3);
    let log = direct.log();
    assert!(log.contains("hook 1\n") && log.contains("hook 2\n"), "{log}");
    assert!(log.contains("the command of --on-failure failed: exit status 9"), "{log}");
}

#[test]
fn a_stopped_run_has_no_hook() {
    needs!(root);
    let hooks = ["--interval", "1", "--on-failure", "echo hook", "--on-success", "echo hook"];
    let mut direct =
        Direct::start("no-hook", &hooks, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    direct.logs("ready");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    assert!(!direct.log().contains("hook"), "{}", direct.log());
}

#[test]
fn runs_with_one_lock_do_not_overlap_and_the_wait_is_reported_once_and_idle() {
    needs!(root);
    let mut direct = Direct::new("locked");
    let lock = direct.directory().join("lock");
    let mut holder = Command::new("sh")
        .args(["-c", "exec 9> \"$0\"; flock 9; exec sleep 1000"])
        .arg(&lock)
        .spawn()
        .expect("sh starts");
    eventually("it is held", || {
        let free = Command::new("flock").arg("-n").arg(&lock).arg("true").status().expect("flock starts");
        (!free.success()).then_some(())
    });
    direct.launch(
        Caller::Root,
        &["--interval", "0.05", "--lock", "lock"],
        &["sh", "-c", "flock -n lock true && echo free; echo run"],
    );
    direct.logs("waiting for the lock 'lock', which another process holds");
    // behind the line it still starts who waits
    let before = eventually("it sleeps", || {
        let before = context_switches(direct.pid());
        std::thread::sleep(Duration::from_millis(50));
        (context_switches(direct.pid()) == before).then_some(before)
    });
    throughout("no run", Duration::from_millis(500), || !direct.log().contains("run\n"));
    assert_eq!(context_switches(direct.pid()), before, "it does not ask again and again");
    let record = direct.record();
    assert_eq!(record["runs"], 0, "no run has begun: {record}");
    assert!(record["next_due"].is_string() && record["waiting_for_lock"]["path"] == "lock", "{record}");

    let _ = holder.kill();
    holder.wait().expect("waited");
    let log = direct.logs("run\n");
    assert!(!log.contains("free"), "held during the run: {log}");
    assert_eq!(log.matches("waiting for the lock").count(), 1, "{log}");
}

#[test]
fn a_lock_that_is_no_regular_file_or_leads_elsewhere_is_a_failed_run() {
    needs!(root);
    let mut direct = Direct::new("bad-lock");
    let target = direct.scratch.write("target", "root's\n", 0o644);
    let lock = |name: &str| direct.directory().join(name);
    std::os::unix::fs::symlink(&target, lock("link")).expect("a link");
    std::os::unix::fs::symlink(direct.scratch.join("state"), lock("linked")).expect("a link");
    own_by_abc(&lock("linked"));
    nix::unistd::mkfifo(&lock("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a FIFO");
    for (path, said) in [
        ("link", "unable to lock 'link': it is a symbolic link"),
        ("linked/lock", "is a symbolic link"),
        ("fifo", "it is a FIFO, not a regular file"),
        ("not-there/lock", "'not-there': no such file or directory"),
    ] {
        let options = ["--interval", "1000", "--max-failures", "1", "--lock", path];
        direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        assert_eq!(direct.end(), 100, "{path}");
        assert!(direct.log().contains(said), "{path}: {}", direct.log());
    }
    assert!(!direct.log().contains("run\n"), "{}", direct.log());
    assert!(!direct.scratch.join("state/lock").exists());
    direct.launch(Caller::Root, &["--once", "--lock", "new"], &["sh", "-c", "echo run"]);
    assert_eq!(direct.end(), 0);
    let made = fs::metadata(direct.directory().join("new")).expect("it was made");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), support::ABC, "as the user");
}

#[test]
fn term_ends_the_wait_for_a_lock_at_once() {
    needs!(root);
    let mut direct = Direct::new("lock-term");
    let lock = direct.directory().join("lock");
    let held = fs::File::create(&lock).expect("made");
    set_mode(&lock, 0o644);
    held.lock().expect("locked");
    direct.launch(Caller::Root, &["--interval", "0.05", "--lock", "lock"], &["sh", "-c", "echo run"]);
    direct.logs("waiting for the lock");
    let pid = direct.pid();
    let helper = eventually("a helper waits", || {
        read(format!("/proc/{pid}/task/{pid}/children")).trim().parse::<i32>().ok()
    });
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    eventually_dead(helper);
    assert!(!direct.log().contains("run\n"));
}

#[test]
fn a_hook_that_hangs_is_killed_after_thirty_seconds_and_the_loop_goes_on() {
    needs!(root);
    let hook = "echo \"hook $$ \"; sleep 1000 & wait";
    let direct = Direct::start("hook-hangs", &["--interval", "0.05", "--on-success", hook], "echo run");
    let pid = number_after(&direct.logs("hook "), "hook ");
    throughout("it may take its time", Duration::from_secs(25), || !direct.log().contains("was killed"));
    direct.logs("the command of --on-success was killed after 30 s");
    eventually_dead(pid);
    eventually("the next run", || (direct.log().matches("run\n").count() >= 2).then_some(()));
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

#[test]
fn what_changes_while_a_lock_is_waited_for_counts_for_the_run() {
    needs!(root);
    let mut direct = Direct::new("lock-renew");
    direct.write("config.env", "V=old\n", 0o644);
    direct.write("gate", "", 0o644);
    direct.write("lock", "", 0o644);
    let lock = direct.directory().join("lock");
    let holder = nix::fcntl::Flock::lock(
        std::fs::File::open(&lock).expect("opened"),
        nix::fcntl::FlockArg::LockExclusive,
    )
    .expect("locked");
    let options = ["--interval", "0.1", "--if-file", "gate", "--lock", "lock"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo v=$V"]);
    direct.logs("waiting for the lock");
    direct.write("config.env", "V=new\n", 0o644);
    drop(holder);
    direct.logs("v=new\n");
    assert!(!direct.log().contains("v=old"), "{}", direct.log());
}

#[test]
fn a_hook_reports_a_missing_directory_and_a_refused_process_ends_no_loop() {
    needs!(root);
    let mut direct = Direct::new("hook-missing");
    let options =
        ["--interval", "1000", "--chdir", "/does/not/exist", "--on-failure", "echo hook $FUTO_RUN_RESULT"];
    direct.launch(Caller::Root, &options, &["true"]);
    direct.logs("hook failure\n");
    direct.end_by(Signal::SIGTERM);

    let mut direct = Direct::new("lock-refused");
    direct.write("lock", "", 0o644);
    let file = std::fs::File::open(direct.directory().join("lock")).expect("opened");
    let _holder = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).expect("locked");
    // root is not bound by it, abc then is
    let bound = ["bash", "-c", "ulimit -u 1; exec \"$@\"", "bash"];
    direct.launch_through(&bound, &["--interval", "1000", "--lock", "lock"], &["true"]);
    direct.logs("worker failed: unable to start a process");
    assert!(direct.is_running());
}

#[test]
fn a_command_of_a_gate_cannot_say_that_the_service_is_ready() {
    needs!(root);
    for timing in [&["--interval", "1000"][..], &[]] {
        let mut direct = Direct::new("gate-descriptor");
        direct.write("notification-fd", "3\n", 0o644);
        let gate = "cmd:ls /proc/self/fd >fds; exit 0";
        let options: Vec<&str> =
            timing.iter().copied().chain(["--ready", "file:/does/not/exist", "--wait-for", gate]).collect();
        let script = "exec 3>&1 >/dev/null; exec \"$@\"";
        let through = ["sh", "-c", &format!("( {script} ) | cat")[..], "sh"];
        direct.launch_through(&through, &options, &["sh", "-c", "echo up; exec sleep 1000"]);
        direct.logs("up");
        let fds = support::read(direct.directory().join("fds"));
        // of ls itself: the directory that it lists
        assert_eq!(fds.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"], "{timing:?}");
    }
}
