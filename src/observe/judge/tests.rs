//! The state of services, from snapshots.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::observe::fixtures::{at, between_runs, launched, stamp, up};
use crate::observe::launcher::{Children, Process};
use crate::observe::snapshot::PreviousLoop;
use crate::record::{LockWait, Resting, RestingKind, RunRecord};
use crate::service::executable::Obstacle;
use crate::service::place::Service;
use crate::service::supervision::{Cause, Death, Status, Suite};
use crate::sys::clock;
use crate::sys::proc::Halt;

/// The record while a run is in progress.
fn in_progress(since: u64) -> RunRecord {
    RunRecord { runs: 3, last_start: stamp(since), ..RunRecord::default() }
}

#[test]
fn a_running_launcher_is_healthy_only_with_a_record_of_its_own() {
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
            reason: "closed until '/x' exists".to_string(),
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
    let unseen = Snapshot { process: Process::Unknown("no /proc".into()), ..up("x", 900) };
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
        ("between runs", launched(&every, Some(between_runs())), ServiceState::Waiting),
        ("a run", launched(&every, Some(in_progress(5))), ServiceState::Running),
        ("a long run", launched(&every, Some(in_progress(80_000))), ServiceState::Running),
        ("a run within its time", launched(&with_timeout, Some(in_progress(600))), ServiceState::Running),
        ("a run over its time", launched(&with_timeout, Some(in_progress(700))), ServiceState::Overdue),
        (
            "a run without a process",
            with_children(Children::None, in_progress(80_000)),
            ServiceState::Overdue,
        ),
        (
            "a run other than the recorded one",
            with_children(young, in_progress(80_000)),
            ServiceState::Overdue,
        ),
        ("a run that has just ended", with_children(Children::None, in_progress(20)), ServiceState::Running),
        ("due a moment ago", launched(&every, Some(due(30))), ServiceState::Waiting),
        ("due long ago", launched(&every, Some(due(90))), ServiceState::Overdue),
        ("a missed day", launched(&daily, Some(due(3600))), ServiceState::Overdue),
        ("waiting for a lock", launched(&every, Some(locked(900))), ServiceState::Waiting),
        ("waiting for it forever", launched(&every, Some(locked(4000))), ServiceState::Overdue),
        ("waiting for a previous loop", for_previous(90_000, PreviousLoop::Running), ServiceState::Waiting),
        (
            "waiting for a lock held by another process",
            for_previous(90, PreviousLoop::Gone),
            ServiceState::Overdue,
        ),
        (
            "waiting for a previous loop that is ending",
            for_previous(30, PreviousLoop::Gone),
            ServiceState::Waiting,
        ),
        (
            "no next run",
            launched(&every, Some(RunRecord { next_due: None, ..due(0) })),
            ServiceState::Waiting,
        ),
        ("a gate", launched(&["--if-file", "/x", "true"], Some(gate(9000))), ServiceState::Gated),
        (
            "a gate that is awaited",
            launched(&["--wait-for", "file:/x", "true"], Some(gate(90))),
            ServiceState::Gated,
        ),
        (
            "one that stays closed",
            launched(&["--wait-for", "file:/x", "true"], Some(gate(900))),
            ServiceState::NotReady,
        ),
        ("no record", launched(&every, None), ServiceState::Unknown),
        ("no record in exec mode", launched(&["true"], None), ServiceState::Unknown),
        ("another pid", foreign(&|record| record.pid = 78), ServiceState::Unknown),
        ("a reused pid", foreign(&|record| record.pid_started = Some(4712)), ServiceState::Unknown),
        (
            "a record of an older launcher",
            foreign(&|record| record.pid_started = None),
            ServiceState::Waiting,
        ),
        ("stopped without s6's knowledge", stopped, ServiceState::Paused),
        ("held by a debugger", traced, ServiceState::Paused),
        ("a run script before its launcher", before(30), ServiceState::Starting),
        ("a run script that never reaches it", before(900), ServiceState::NotReady),
        ("a process that cannot be inspected", unseen, ServiceState::Unknown),
        ("a process that has gone", gone, ServiceState::Unknown),
    ] {
        let (judged, why) = judge(&snapshot, at(0));
        assert_eq!(judged, state, "{what}: {why:?}");
        assert_eq!(snapshot.service.name, "x");
        assert!(judged.is_healthy() || why.is_some_and(|why| !why.text.is_empty()), "{what}: no reason");
    }
    let mut new = launched(&every, None);
    new.launcher.as_mut().expect("a launcher").age = Duration::from_secs(2);
    assert_eq!(judge(&new, at(0)).0, ServiceState::Starting);
    let idle = RunRecord { next_due: None, last_end: stamp(200), ..between_runs() };
    assert_eq!(judge(&launched(&every, Some(idle)), at(0)).0, ServiceState::Overdue);
}

#[test]
fn max_age_does_not_invent_a_last_run() {
    let complaint = |record, max_age| {
        let snapshot = launched("x", 90_000, &["--interval", "60", "true"], Some(record));
        complaint(&snapshot, at(0), Some(Duration::from_secs(max_age)))
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
fn a_service_that_should_be_up_has_a_process_within_seconds() {
    let down = |ago: u64, change: &dyn Fn(&mut Status)| {
        let mut snapshot = up("x", ago);
        snapshot.process = Process::None;
        if let SupervisorState::Known(status) = &mut snapshot.supervisor {
            status.pid = None;
            change(status);
        }
        snapshot
    };
    let judge = |snapshot: &Snapshot| judge(snapshot, at(0));
    assert_eq!(judge(&down(1, &|_| ())).0, ServiceState::Restarting);
    let mut snapshot = down(9, &|_| ());
    assert_eq!(judge(&snapshot).0, ServiceState::CannotStart);
    snapshot.obstacle = Some(Obstacle {
        file: PathBuf::from("/run/service/x/run"),
        line: None,
        what: "is not executable (mode 0644)".to_string(),
        hint: String::new(),
    });
    let why = "has had no process for 9s: run: is not executable (mode 0644)";
    assert_eq!(judge(&snapshot), (ServiceState::CannotStart, Some(why.into())));
    snapshot.deaths = vec![Death { at: at(9), cause: Cause::Exited(3) }];
    assert_eq!(judge(&snapshot).1, Some(format!("ended with exit status 3, and {why}").into()));
    // crashed before, and cannot even be executed now
    snapshot.deaths = (0..9).map(|n| Death { at: at(20 - n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot).0, ServiceState::CannotStart);
    assert_eq!(judge(&down(9, &|status| status.is_finishing = true)).0, ServiceState::Restarting);
    assert_eq!(judge(&down(90, &|status| status.is_finishing = true)).0, ServiceState::CannotStart);
    // since finish has ended, not since the process died
    assert_eq!(judge(&down(9, &|status| status.ready_changed = Some(at(1)))).0, ServiceState::Restarting);
}

#[test]
fn readiness_is_awaited_but_not_forever() {
    for (since, state) in
        [(10, ServiceState::Starting), (300, ServiceState::Starting), (400, ServiceState::NotReady)]
    {
        let snapshot = Snapshot { reports_readiness: true, ..up("x", since) };
        assert_eq!(judge(&snapshot, at(0)).0, state, "{since}");
    }
}

#[test]
fn a_definition_should_be_published_unless_it_is_disabled() {
    let service = Service { name: "x".into(), definition: Some("/config/s6-services/x".into()), live: None };
    let snapshot = Snapshot::empty(service.clone());
    let complaint = |snapshot: &Snapshot| complaint(snapshot, at(0), None);
    assert_eq!(complaint(&snapshot).as_deref(), Some("unpublished: it is defined, but not published"));
    let disabled = Snapshot { is_disabled: true, ..Snapshot::empty(service) };
    assert_eq!((complaint(&disabled), judge(&disabled, at(0)).0), (None, ServiceState::Down));
}

#[test]
fn a_disabled_service_is_marked_even_while_it_is_up() {
    let disabled = |snapshot: Snapshot| judge(&Snapshot { is_disabled: true, ..snapshot }, at(0));
    let will_not = "disabled: will not be started at the next boot";
    assert_eq!(disabled(up("x", 100)), (ServiceState::Up, Some(will_not.into())));
    let waits = || launched("x", 900, &["--interval", "60", "true"], Some(between_runs()));
    assert_eq!(disabled(waits()), (ServiceState::Waiting, Some(will_not.into())));
    let mut down = up("x", 100);
    if let SupervisorState::Known(status) = &mut down.supervisor {
        (status.pid, status.wants_up) = (None, false);
    }
    assert_eq!(disabled(down), (ServiceState::Down, Some("disabled".into())));
    let failed = RunRecord { consecutive_failures: 1, last_status: Some(1), ..between_runs() };
    let (state, why) = disabled(launched("x", 900, &["--interval", "60", "true"], Some(failed)));
    assert_eq!((state, why), (ServiceState::Failing, Some("1 run failed with status 1".into())));
}

#[test]
fn a_settled_service_is_not_crashing_and_orderly_deaths_weigh_less() {
    let judge = |snapshot: &Snapshot| judge(snapshot, at(0)).0;
    let mut snapshot = up("x", 61);
    snapshot.deaths = (0..9).map(|n| Death { at: at(100 - n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot), ServiceState::Up);
    let mut snapshot = up("x", 1);
    let orderly =
        |count: u64| (0..count).map(|n| Death { at: at(20 - n), cause: Cause::Exited(0) }).collect();
    snapshot.deaths = orderly(4);
    assert_eq!(judge(&snapshot), ServiceState::Up);
    snapshot.deaths = orderly(5);
    assert_eq!(judge(&snapshot), ServiceState::Crashing);
    // from yesterday
    snapshot.deaths = (0..9).map(|n| Death { at: at(90_000 + n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&snapshot), ServiceState::Up);
}

#[test]
fn down_is_a_problem_unless_it_is_intentional() {
    let complaint = |snapshot: &Snapshot| complaint(snapshot, at(0), None);
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
fn ordered_deaths_are_not_a_crash_loop_and_resting_outweighs_deaths() {
    let judge = |snapshot: &Snapshot| judge(snapshot, at(0)).0;
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
        ("TERM", died(Cause::Killed(15), 9, None), ServiceState::Up),
        ("143", died(Cause::Exited(143), 9, None), ServiceState::Up),
        ("1, the last ordered", died(Cause::Exited(1), 9, Some(3)), ServiceState::Up),
        ("1, not ordered", died(Cause::Exited(1), 3, None), ServiceState::Crashing),
        ("1, ordered long ago", died(Cause::Exited(1), 3, Some(200)), ServiceState::Crashing),
        ("1, two since the order", died(Cause::Exited(1), 3, Some(13)), ServiceState::Crashing),
        ("0, the last ordered", died(Cause::Exited(0), 9, Some(3)), ServiceState::Up),
        ("0, not ordered", died(Cause::Exited(0), 5, None), ServiceState::Crashing),
        ("a loop that was stopped", of_loop(Cause::Exited(0)), ServiceState::Waiting),
        ("a loop that needed KILL", of_loop(Cause::Exited(137)), ServiceState::Waiting),
        ("a loop that dies", of_loop(Cause::Exited(111)), ServiceState::Crashing),
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
    assert_eq!(judge(&rests), ServiceState::Resting);
}

#[test]
fn without_a_death_tally_only_an_explained_start_is_up() {
    let judge = |snapshot: &Snapshot| judge(snapshot, at(0)).0;
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
            ("long up", running(61), ServiceState::Up),
            ("just up, by itself", running(4), ServiceState::Unknown),
            ("just up, ordered", Snapshot { last_order: Some(at(6)), ..running(4) }, ServiceState::Up),
            (
                "ordered long before",
                Snapshot { last_order: Some(at(30)), ..running(4) },
                ServiceState::Unknown,
            ),
            ("a new supervisor", Snapshot { supervisor_since: Some(at(4)), ..running(4) }, ServiceState::Up),
            (
                "no longer new",
                Snapshot { supervisor_since: Some(at(90)), ..running(4) },
                ServiceState::Unknown,
            ),
            (
                "no readiness to wait for",
                Snapshot { reports_readiness: true, ..running(90) },
                ServiceState::Up,
            ),
            ("between two processes", snapshot(1, None), ServiceState::Unknown),
            (
                "between two, ordered",
                Snapshot { last_order: Some(at(2)), ..snapshot(1, None) },
                ServiceState::Restarting,
            ),
            ("no process", snapshot(9, None), ServiceState::CannotStart),
        ] {
            assert_eq!(judge(&snapshot), expected, "{what}");
        }
        let obstacle = Some(Obstacle {
            file: PathBuf::from("/run/service/x/run"),
            line: None,
            what: "it is not executable (mode 0644)".to_string(),
            hint: String::new(),
        });
        assert_eq!(judge(&Snapshot { obstacle, ..running(1) }), ServiceState::CannotStart);
        let mut down = snapshot(9, None);
        if let SupervisorState::Known(status) = &mut down.supervisor {
            status.wants_up = false;
        }
        assert_eq!(judge(&down), ServiceState::Down);
        let record = RunRecord { pid: 77, pid_started: Some(4711), ..between_runs() };
        let mut waits = launched("x", 1, &["--interval", "60", "true"], Some(record));
        waits.supervisor = running(1).supervisor;
        assert_eq!(judge(&waits), ServiceState::Waiting);
    }
}
