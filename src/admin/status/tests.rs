//! The pages as they are, from services as they were seen.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::observe::{Children, Launcher, LogSummary, PreviousLoop, Process, SupervisorState};
use crate::record::LockWait;
use crate::record::Resting;
use crate::record::RestingKind;
use crate::record::RunRecord;
use crate::service::executable::Obstacle;
use crate::service::place::Service;
use crate::service::supervision::{Cause, Death, Status, Suite};
use crate::sys::proc::Halt;

const NOW: u64 = 1_800_000_000;

fn at(ago: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW - ago)
}

fn stamp(ago: u64) -> Option<String> {
    Some(clock::utc(at(ago)))
}

fn up(name: &str, since: u64) -> Snapshot {
    Snapshot {
        supervisor: SupervisorState::Known(Status {
            suite: Suite::S6,
            changed: at(since),
            ready_changed: None,
            pid: Some(77),
            cause: Some(Cause::Exited(0)),
            is_paused: false,
            is_finishing: false,
            wants_up: true,
            is_ready: Some(false),
        }),
        process: Process::Runs,
        ..Snapshot::unseen(Service {
            name: name.to_string(),
            definition: None,
            live: Some(PathBuf::from("/run/service").join(name)),
        })
    }
}

/// A service whose launcher has this record, if any, and these words.
fn launched(name: &str, since: u64, words: &[&str], record: Option<RunRecord>) -> Snapshot {
    let mut findings = crate::error::Findings::default();
    let words: Vec<_> = words.iter().map(std::ffi::OsString::from).collect();
    let mut spec = crate::config::resolve(crate::cli::parse(words, &mut findings), &Machine, &mut findings);
    spec.name = crate::service::ServiceName::parse(name.as_ref()).ok();
    let plan = crate::plan::make(spec, &Machine, &mut findings).plan().clone();
    Snapshot {
        launcher: Some(Launcher {
            pid: 77,
            started: 4711,
            age: Duration::from_secs(since),
            halt: None,
            words: Vec::new(),
            ids: None,
            rights: None,
            directory: None,
            home: None,
            children: Some(Children::For(Duration::from_secs(since))),
        }),
        plan: Some(plan),
        record: record.map(|record| RunRecord { pid: 77, pid_started: Some(4711), ..record }),
        record_doubt: Some("run record 'x.json' is not there".to_string()),
        ..up(name, since)
    }
}

/// As it was seen, and judged.
fn look_at(services: Vec<Snapshot>) -> Look {
    let now = at(0);
    let judged = services.into_iter().map(|snapshot| {
        let (state, why) = crate::observe::state::judge(&snapshot, now);
        (snapshot, state, why)
    });
    Look { now, services: judged.collect(), others: 2, unseen: Vec::new() }
}

fn some() -> Look {
    let mut crashing = up("crasher", 2);
    crashing.deaths = (0..4).map(|n| Death { at: at(20 - n), cause: Cause::Exited(7) }).collect();
    let resting = RunRecord {
        resting: Some(Resting {
            kind: RestingKind::Configuration,
            reason: "--require: variable 'TOKEN' is not set\nforged".to_string(),
            since: clock::utc(at(7200)),
            exit: 100,
        }),
        ..RunRecord::default()
    };
    let resting = launched("a-service-with-a-rather-long-name", 90_000, &["true"], Some(resting));
    let record = RunRecord {
        runs: 12,
        failures: 1,
        last_start: stamp(70),
        last_end: stamp(65),
        last_status: Some(0),
        last_duration: Some(5.25),
        next_due: Some(clock::utc(UNIX_EPOCH + Duration::from_secs(NOW + 130))),
        ..RunRecord::default()
    };
    let mut worker = launched("worker", 4000, &["--interval", "200", "true"], Some(record));
    worker.log = Some(LogSummary {
        path: PathBuf::from("/config/.local/state/futodama/worker.log"),
        size: 2_500_000,
        last_line: Some("posted, status 200 \u{1b}[31m".to_string()),
    });
    look_at(vec![resting, crashing, worker])
}

#[test]
fn the_table_gives_the_reasons_and_fits() {
    let expected = "\
SERVICE                   STATE     SINCE  DEATHS/H  LAST RUN  CODE  FAILS  NEXT
a-service-with-a-rather…  resting      2h         0                      0
  --require: variable 'TOKEN' is not set\\nforged
crasher                   crashing     2s         4
  died 4 times in 5 minutes, the last by exit status 7
worker                    waiting      1h         0        1m     0      0    2m
  log: posted, status 200 \\u{1b}[31m
1 healthy, 2 not healthy; 2 others not shown (--all)
";
    assert_eq!(table::page(&some(), 80, false), expected);
    let headings = |width: usize| table::page(&some(), width, false).lines().next().map(str::to_string);
    let all = "SERVICE                   STATE     SINCE  DEATHS/H  LAST RUN  CODE  FAILS  NEXT  LOG SIZE";
    assert_eq!(headings(120).as_deref(), Some(all));
    for width in [40, 60, 80, 100] {
        let page = table::page(&some(), width, false);
        assert!(page.lines().all(|line| line.chars().count() <= width.max(52)), "{width}:\n{page}");
        let table: Vec<&str> = page.lines().filter(|line| !line.starts_with("  ")).collect();
        assert!(table[..4].iter().all(|line| line.chars().count() <= width), "{width}:\n{page}");
    }
    assert_eq!(headings(60).as_deref(), Some("SERVICE                  STATE    LAST RUN CODE FAILS NEXT"));
    let coloured = table::page(&some(), 80, true);
    assert!(coloured.contains("\u{1b}[38;5;9mcrashing"), "{coloured:?}");
    assert!(!table::page(&some(), 80, false).contains('\u{1b}'));
    let one = table::page(&look_at(vec![up("x", 500)]), 80, false);
    assert!(one.ends_with("\n1 healthy; 2 others not shown (--all)\n"), "{one}");
}

#[test]
fn in_a_pipe_each_service_has_one_line() {
    let expected = "\
SERVICE                           STATE    SINCE DEATHS/H LAST-RUN CODE FAILS NEXT LOG-SIZE WHY
a-service-with-a-rather-long-name resting  2h    0        -        -    0     -    -        --require: variable 'TOKEN' is not set\\nforged
crasher                           crashing 2s    4        -        -    -     -    -        died 4 times in 5 minutes, the last by exit status 7
worker                            waiting  1h    0        1m       0    0     2m   2M       log: posted, status 200 \\u{1b}[31m
";
    assert_eq!(table::plain(&some()), expected);
}

/// What the record of a loop between two runs holds.
fn between_runs() -> RunRecord {
    RunRecord {
        runs: 3,
        last_start: stamp(20),
        last_end: stamp(10),
        last_status: Some(0),
        next_due: Some(clock::utc(UNIX_EPOCH + Duration::from_secs(NOW + 50))),
        ..RunRecord::default()
    }
}

/// What it holds while a run is under way.
fn under_way(since: u64) -> RunRecord {
    RunRecord { runs: 3, last_start: stamp(since), ..RunRecord::default() }
}

#[test]
fn a_live_launcher_is_healthy_only_by_a_record_of_its_own() {
    let every = ["--interval", "60", "true"];
    let due = |ago: u64| RunRecord { next_due: stamp(ago), ..between_runs() };
    let locked = |ago: u64| RunRecord {
        waiting_for_lock: Some(LockWait {
            path: "/run/x.lock".into(),
            since: clock::utc(at(ago)),
            former: None,
        }),
        next_due: stamp(ago),
        ..between_runs()
    };
    let for_previous = |ago: u64, previous_loop| Snapshot {
        previous_loop,
        ..launched("x", 90_000, &every, Some(locked(ago)))
    };
    let gate = |ago: u64| RunRecord {
        resting: Some(Resting {
            kind: RestingKind::Gate,
            reason: "closed until '/x' is there".to_string(),
            since: clock::utc(at(ago)),
            exit: 0,
        }),
        ..RunRecord::default()
    };
    let foreign = |change: &dyn Fn(&mut RunRecord)| {
        let mut snapshot = launched("x", 900, &every, Some(between_runs()));
        change(snapshot.record.as_mut().expect("a record"));
        snapshot
    };
    let with_children = |children, record| {
        let mut snapshot = launched("x", 90_000, &every, Some(record));
        snapshot.launcher.as_mut().expect("a launcher").children = Some(children);
        snapshot
    };
    let young = Children::For(Duration::from_secs(20));
    let stopped = |halt| Snapshot {
        process: Process::Stopped(halt),
        ..launched("x", 900, &every, Some(between_runs()))
    };
    let (traced, stopped) = (stopped(Halt::Tracer), stopped(Halt::Signal));
    let unseen = Snapshot { process: Process::Unseen("no /proc".into()), ..up("x", 900) };
    let before = |since| Snapshot {
        process: Process::InRunScript,
        launcher: None,
        ..launched("x", since, &every, None)
    };
    let gone = Snapshot { process: Process::None, ..up("x", 900) };
    let launched = |words: &[&str], record| launched("x", 90_000, words, record);
    let with_timeout = ["--interval", "60", "--timeout", "10m", "true"];
    let daily = ["--schedule", "09:00 UTC", "true"];
    for (what, snapshot, state) in [
        ("between runs", launched(&every, Some(between_runs())), State::Waiting),
        ("a run", launched(&every, Some(under_way(5))), State::Running),
        ("a long run", launched(&every, Some(under_way(80_000))), State::Running),
        ("a run within its time", launched(&with_timeout, Some(under_way(600))), State::Running),
        ("a run that cannot be", launched(&with_timeout, Some(under_way(700))), State::Overdue),
        ("a run without a process", with_children(Children::None, under_way(80_000)), State::Overdue),
        ("a run that is another by now", with_children(young, under_way(80_000)), State::Overdue),
        ("a run that has just ended", with_children(Children::None, under_way(20)), State::Running),
        ("due a moment ago", launched(&every, Some(due(30))), State::Waiting),
        ("due long ago", launched(&every, Some(due(90))), State::Overdue),
        ("a day that was missed", launched(&daily, Some(due(3600))), State::Overdue),
        ("waiting for a lock", launched(&every, Some(locked(900))), State::Waiting),
        ("waiting for it for ever", launched(&every, Some(locked(4000))), State::Overdue),
        ("waiting for a former loop", for_previous(90_000, PreviousLoop::Running), State::Waiting),
        ("for a lock that anybody holds", for_previous(90, PreviousLoop::Gone), State::Overdue),
        ("for a former loop that ends", for_previous(30, PreviousLoop::Gone), State::Waiting),
        ("no next run", launched(&every, Some(RunRecord { next_due: None, ..due(0) })), State::Waiting),
        ("a gate", launched(&["--if-file", "/x", "true"], Some(gate(9000))), State::Gated),
        ("what is waited for", launched(&["--wait-for", "file:/x", "true"], Some(gate(90))), State::Gated),
        ("and does not come", launched(&["--wait-for", "file:/x", "true"], Some(gate(900))), State::NotReady),
        ("no record", launched(&every, None), State::Unknown),
        ("no record in exec mode", launched(&["true"], None), State::Unknown),
        ("another pid", foreign(&|record| record.pid = 78), State::Unknown),
        ("another life of the pid", foreign(&|record| record.pid_started = Some(4712)), State::Unknown),
        ("a record of an older launcher", foreign(&|record| record.pid_started = None), State::Waiting),
        ("stopped behind s6's back", stopped, State::Paused),
        ("held by a debugger", traced, State::Paused),
        ("a run script before its launcher", before(30), State::Starting),
        ("which never comes to it", before(900), State::NotReady),
        ("no way to look", unseen, State::Unknown),
        ("a process that has gone", gone, State::Unknown),
    ] {
        let (judged, why) = crate::observe::state::judge(&snapshot, at(0));
        assert_eq!(judged, state, "{what}: {why:?}");
        assert_eq!(snapshot.service.name, "x");
        assert!(judged.is_healthy() || why.is_some_and(|why| !why.is_empty()), "{what}: no reason");
    }
    let mut new = launched(&every, None);
    new.launcher.as_mut().expect("a launcher").age = Duration::from_secs(2);
    assert_eq!(crate::observe::state::judge(&new, at(0)).0, State::Starting);
    let idle = RunRecord { next_due: None, last_end: stamp(200), ..between_runs() };
    assert_eq!(crate::observe::state::judge(&launched(&every, Some(idle)), at(0)).0, State::Overdue);
}

#[test]
fn max_age_claims_no_run_that_never_was() {
    let complaint = |record, max_age| {
        let snapshot = launched("x", 90_000, &["--interval", "60", "true"], Some(record));
        crate::observe::state::complaint(&snapshot, at(0), Some(Duration::from_secs(max_age)))
    };
    let never =
        RunRecord { next_due: Some(clock::utc(at(0) + Duration::from_secs(50))), ..RunRecord::default() };
    assert_eq!(complaint(never.clone(), 100_000), None);
    let why = "waiting: no run yet, and it has been up for 1day 1h";
    assert_eq!(complaint(never, 7200).as_deref(), Some(why));
    assert_eq!(complaint(between_runs(), 5).as_deref(), Some("waiting: the last run was 10s ago"));
    assert_eq!(complaint(between_runs(), 20), None);
}

#[test]
fn what_is_to_be_up_has_a_process_within_seconds() {
    let down = |ago: u64, change: &dyn Fn(&mut Status)| {
        let mut snapshot = up("x", ago);
        snapshot.process = Process::None;
        if let SupervisorState::Known(status) = &mut snapshot.supervisor {
            status.pid = None;
            change(status);
        }
        snapshot
    };
    let judge = |snapshot: &Snapshot| crate::observe::state::judge(snapshot, at(0));
    assert_eq!(judge(&down(1, &|_| ())).0, State::Restarting);
    let mut snapshot = down(9, &|_| ());
    assert_eq!(judge(&snapshot).0, State::CannotStart);
    snapshot.obstacle = Some(Obstacle {
        file: PathBuf::from("/run/service/x/run"),
        line: None,
        what: "is not executable (mode 0644)".to_string(),
        hint: String::new(),
    });
    let why = "has had no process for 9s: run: is not executable (mode 0644)";
    assert_eq!(judge(&snapshot), (State::CannotStart, Some(why.to_string())));
    snapshot.deaths = vec![Death { at: at(9), cause: Cause::Exited(3) }];
    assert_eq!(judge(&snapshot).1, Some(format!("ended with exit status 3, and {why}")));
    // crashed before, and cannot even be executed now
    snapshot.deaths = (0..9).map(|n| Death { at: at(20 - n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot).0, State::CannotStart);
    assert_eq!(judge(&down(9, &|status| status.is_finishing = true)).0, State::Restarting);
    assert_eq!(judge(&down(90, &|status| status.is_finishing = true)).0, State::CannotStart);
    // since finish has ended, not since the process died
    assert_eq!(judge(&down(9, &|status| status.ready_changed = Some(at(1)))).0, State::Restarting);
}

#[test]
fn readiness_is_waited_for_and_not_for_ever() {
    for (since, state) in [(10, State::Starting), (300, State::Starting), (400, State::NotReady)] {
        let snapshot = Snapshot { reports_readiness: true, ..up("x", since) };
        assert_eq!(crate::observe::state::judge(&snapshot, at(0)).0, state, "{since}");
    }
}

#[test]
fn a_definition_is_to_be_published_unless_it_is_disabled() {
    let service = Service { name: "x".into(), definition: Some("/config/s6-services/x".into()), live: None };
    let snapshot = Snapshot::unseen(service.clone());
    let complaint = |snapshot: &Snapshot| crate::observe::state::complaint(snapshot, at(0), None);
    assert_eq!(complaint(&snapshot).as_deref(), Some("unpublished: it is defined, and not published"));
    let disabled = Snapshot { is_down_by_file: true, ..Snapshot::unseen(service) };
    assert_eq!((complaint(&disabled), look_at(vec![disabled]).services[0].1), (None, State::Down));
}

#[test]
fn the_page_of_metrics_is_this() {
    assert_eq!(prometheus::page(&some()), include_str!("tests.prom"));
}

#[test]
fn metrics_escape_names_and_leave_out_what_is_not_known() {
    let page = prometheus::page(&look_at(vec![up("a\"b\\c", 5)]));
    assert!(page.contains("futo_service_up{service=\"a\\\"b\\\\c\"} 1\n"), "{page}");
    assert!(page.contains("futo_service_state{service=\"a\\\"b\\\\c\",state=\"up\"} 1\n"), "{page}");
    assert!(page.contains("# TYPE futo_service_runs_total counter\n# HELP"), "{page}");
}

#[test]
fn a_settled_service_is_no_crasher_and_orderly_deaths_are_few_to_worry() {
    let judge = |snapshot: &Snapshot| crate::observe::state::judge(snapshot, at(0)).0;
    let mut snapshot = up("x", 61);
    snapshot.deaths = (0..9).map(|n| Death { at: at(100 - n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot), State::Up);
    let mut snapshot = up("x", 1);
    let orderly =
        |count: u64| (0..count).map(|n| Death { at: at(20 - n), cause: Cause::Exited(0) }).collect();
    snapshot.deaths = orderly(4);
    assert_eq!(judge(&snapshot), State::Up);
    snapshot.deaths = orderly(5);
    assert_eq!(judge(&snapshot), State::Crashing);
    // of yesterday
    snapshot.deaths = (0..9).map(|n| Death { at: at(90_000 + n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot), State::Up);
}

#[test]
fn down_is_no_problem_only_if_someone_wants_it() {
    let complaint = |snapshot: &Snapshot| crate::observe::state::complaint(snapshot, at(0), None);
    let down = |cause: Cause, wants_up: bool| {
        let mut snapshot = up("x", 100);
        if let SupervisorState::Known(status) = &mut snapshot.supervisor {
            (status.pid, status.cause, status.wants_up) = (None, Some(cause), wants_up);
        }
        // without a finish script s6 gives no service up
        snapshot.has_finish = true;
        snapshot
    };
    let failed = || down(Cause::Exited(3), false);
    let gave_up = Some("gave-up: ended with exit status 3".to_string());
    let deaths = |times: &[u64]| -> Vec<Death> {
        times.iter().map(|ago| Death { at: at(*ago), cause: Cause::Exited(3) }).collect()
    };
    let ordered =
        |ago: u64, times: &[u64]| Snapshot { last_order: Some(at(ago)), deaths: deaths(times), ..failed() };
    let by_signal = |stop_signal: i32, cause: Cause| Snapshot { stop_signal, ..down(cause, false) };
    for (what, snapshot, expected) in [
        ("by itself", failed(), gave_up.clone()),
        ("no finish script", Snapshot { has_finish: false, ..failed() }, None),
        ("down by file", Snapshot { is_down_by_file: true, ..failed() }, None),
        ("it succeeded", down(Cause::Exited(0), false), None),
        ("by TERM", down(Cause::Killed(15), false), None),
        ("as Java ends on TERM", down(Cause::Exited(143), false), None),
        ("by its down-signal", by_signal(2, Cause::Exited(130)), None),
        ("an order just before, as hermes ends on TERM", ordered(101, &[500, 100]), None),
        ("an order long before", ordered(400, &[500, 100]), gave_up.clone()),
        ("it died again after the order", ordered(103, &[500, 102, 100]), gave_up),
        ("an order afterwards", ordered(50, &[500, 100]), None),
    ] {
        assert_eq!(complaint(&snapshot), expected, "{what}");
    }
    let mut cannot_begin = ordered(101, &[]);
    cannot_begin.deaths = vec![Death { at: at(100), cause: Cause::Exited(127) }];
    if let SupervisorState::Known(status) = &mut cannot_begin.supervisor {
        status.cause = Some(Cause::Exited(127));
    }
    assert_eq!(complaint(&cannot_begin).as_deref(), Some("gave-up: ended with exit status 127"));
}

#[test]
fn deaths_that_were_ordered_are_no_crash_loop_and_a_rest_counts_more() {
    let judge = |snapshot: &Snapshot| crate::observe::state::judge(snapshot, at(0)).0;
    let died = |cause: Cause, count: u64, order: Option<u64>| Snapshot {
        deaths: (0..count).map(|n| Death { at: at(2 + 10 * (count - 1 - n)), cause }).collect(),
        last_order: order.map(at),
        ..up("x", 1)
    };
    let of_loop = |cause: Cause| {
        let snapshot = launched("x", 1, &["--interval", "60", "true"], Some(between_runs()));
        Snapshot { deaths: died(cause, 6, None).deaths, ..snapshot }
    };
    for (what, snapshot, expected) in [
        ("TERM", died(Cause::Killed(15), 9, None), State::Up),
        ("143", died(Cause::Exited(143), 9, None), State::Up),
        ("1, the last ordered", died(Cause::Exited(1), 9, Some(3)), State::Up),
        ("1, nobody ordered", died(Cause::Exited(1), 3, None), State::Crashing),
        ("1, ordered long ago", died(Cause::Exited(1), 3, Some(200)), State::Crashing),
        ("1, two since the order", died(Cause::Exited(1), 3, Some(13)), State::Crashing),
        ("0, the last ordered", died(Cause::Exited(0), 9, Some(3)), State::Up),
        ("0, nobody ordered", died(Cause::Exited(0), 5, None), State::Crashing),
        ("a loop that was stopped", of_loop(Cause::Exited(0)), State::Waiting),
        ("a loop that needed KILL", of_loop(Cause::Exited(137)), State::Waiting),
        ("a loop that dies", of_loop(Cause::Exited(111)), State::Crashing),
    ] {
        assert_eq!(judge(&snapshot), expected, "{what}");
    }
    let resting = Resting {
        kind: RestingKind::Program,
        reason: "unable to execute './x': not found".to_string(),
        since: clock::utc(at(1)),
        exit: 127,
    };
    let record = RunRecord { resting: Some(resting), ..RunRecord::default() };
    let mut rests = launched("x", 1, &["./x"], Some(record));
    rests.deaths = died(Cause::Exited(1), 5, None).deaths;
    assert_eq!(judge(&rests), State::Resting);
}

#[test]
fn where_no_deaths_are_recorded_only_a_start_that_is_explained_is_up() {
    let judge = |snapshot: &Snapshot| crate::observe::state::judge(snapshot, at(0)).0;
    for suite in [Suite::Runit, Suite::Daemontools] {
        let snapshot = |since: u64, pid: Option<i32>| {
            let mut snapshot = up("x", since);
            if let SupervisorState::Known(status) = &mut snapshot.supervisor {
                (status.suite, status.pid, status.cause, status.is_ready) = (suite, pid, None, None);
            }
            snapshot
        };
        let running = |since: u64| snapshot(since, Some(77));
        for (what, snapshot, expected) in [
            ("long up", running(61), State::Up),
            ("just up, of itself", running(4), State::Unknown),
            ("just up, ordered", Snapshot { last_order: Some(at(6)), ..running(4) }, State::Up),
            ("ordered long before", Snapshot { last_order: Some(at(30)), ..running(4) }, State::Unknown),
            ("a new supervisor", Snapshot { supervisor_since: Some(at(4)), ..running(4) }, State::Up),
            ("no longer new", Snapshot { supervisor_since: Some(at(90)), ..running(4) }, State::Unknown),
            ("no readiness to wait for", Snapshot { reports_readiness: true, ..running(90) }, State::Up),
            ("between two lives", snapshot(1, None), State::Unknown),
            (
                "between two, ordered",
                Snapshot { last_order: Some(at(2)), ..snapshot(1, None) },
                State::Restarting,
            ),
            ("no process", snapshot(9, None), State::CannotStart),
        ] {
            assert_eq!(judge(&snapshot), expected, "{what}");
        }
        let obstacle = Some(Obstacle {
            file: PathBuf::from("/run/service/x/run"),
            line: None,
            what: "it is not executable (mode 0644)".to_string(),
            hint: String::new(),
        });
        assert_eq!(judge(&Snapshot { obstacle, ..running(1) }), State::CannotStart);
        let mut down = snapshot(9, None);
        if let SupervisorState::Known(status) = &mut down.supervisor {
            status.wants_up = false;
        }
        assert_eq!(judge(&down), State::Down);
        let record = RunRecord { pid: 77, pid_started: Some(4711), ..between_runs() };
        let mut waits = launched("x", 1, &["--interval", "60", "true"], Some(record));
        waits.supervisor = running(1).supervisor;
        assert_eq!(judge(&waits), State::Waiting);
        let page = table::plain(&look_at(vec![running(61)]));
        assert!(page.contains("x       up    1m    -"), "{page}");
        let page: serde_json::Value = serde_json::from_str(&json::page(&look_at(vec![Snapshot {
            reports_readiness: true,
            ..running(61)
        }])))
        .expect("JSON");
        let service = &page["services"][0];
        assert_eq!(service["supervisor"], suite.word());
        assert!(service["ready"].is_null() && service["deaths_last_hour"].is_null(), "{service}");
    }
}
