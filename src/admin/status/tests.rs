//! The pages, from snapshots of services.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::observe::fixtures::{NOW, at, launched, stamp, up};
use crate::observe::{LogSummary, Snapshot, SupervisorState, judge};
use crate::record::{PastHow, PastRun, Resting, RestingKind, RunRecord};
use crate::service::supervision::{Cause, Death, Suite};
use crate::sys::clock;

/// The overview of these services.
fn overview_of(services: Vec<Snapshot>) -> Overview {
    let now = at(0);
    let judged = services.into_iter().map(|snapshot| {
        let (state, why) = judge(&snapshot, now);
        (snapshot, state, why.map(|why| why.text))
    });
    Overview { now, services: judged.collect(), others: 2, unseen: Vec::new() }
}

fn run(mark: char) -> PastRun {
    let (how, status) = match mark {
        't' => (PastHow::TimedOut, 124),
        mark => (PastHow::Exited, i32::from(mark == 'x')),
    };
    let start = "2027-01-15T08:00:00.000Z".to_string();
    PastRun {
        start,
        how,
        status: Some(status),
        duration: None,
        what: String::new(),
        error: None,
        ticks: None,
    }
}

fn some() -> Overview {
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
        written: Some(UNIX_EPOCH + Duration::from_secs(NOW - 61)),
        dropped: 0,
        trouble: None,
    });
    worker.history = "xx....x.t..".chars().map(run).collect();
    overview_of(vec![resting, crashing, worker])
}

#[test]
fn the_table_gives_the_reasons_and_fits() {
    let expected = "\
SERVICE                   STATE     SINCE  DEATHS/H  LAST RUN  CODE  FAILS  NEXT
a-service-with-a-rather…  resting      2h         0                      0
  --require: variable 'TOKEN' is not set\\nforged
crasher                   crashing     2s         4
  died 4 times in 5 minutes (last: exit status 7)
worker                    waiting      1h         0        1m     0      0    2m
  log: posted, status 200 \\u{1b}[31m
1 healthy, 2 not healthy; 2 others not shown (--all)
";
    assert_eq!(table::page(&some(), 80, Colours::Off), expected);
    let headings =
        |width: usize| table::page(&some(), width, Colours::Off).lines().next().map(str::to_string);
    let all =
        "SERVICE                   STATE     SINCE  DEATHS/H  LAST RUN  CODE  FAILS  NEXT  LOG SIZE  LOG AGE";
    assert_eq!(headings(all.len()).as_deref(), Some(all));
    assert_eq!(headings(120), Some(format!("{all}  LAST RUNS")));
    let wide = table::page(&some(), 120, Colours::Off);
    assert!(wide.lines().any(|line| line.starts_with("worker") && line.ends_with("  x....x.t..")), "{wide}");
    for width in [40, 60, 80, 100] {
        let page = table::page(&some(), width, Colours::Off);
        assert!(page.lines().all(|line| line.chars().count() <= width.max(52)), "{width}:\n{page}");
        let table: Vec<&str> = page.lines().filter(|line| !line.starts_with("  ")).collect();
        assert!(table[..4].iter().all(|line| line.chars().count() <= width), "{width}:\n{page}");
    }
    assert_eq!(headings(60).as_deref(), Some("SERVICE                  STATE    LAST RUN CODE FAILS NEXT"));
    let coloured = table::page(&some(), 80, Colours::On);
    assert!(coloured.contains("\u{1b}[38;5;9mcrashing"), "{coloured:?}");
    assert!(!table::page(&some(), 80, Colours::Off).contains('\u{1b}'));
    let one = table::page(&overview_of(vec![up("x", 500)]), 80, Colours::Off);
    assert!(one.ends_with("\n1 healthy; 2 others not shown (--all)\n"), "{one}");
}

#[test]
fn in_a_pipe_each_service_has_one_line() {
    let expected = "\
SERVICE                           STATE    SINCE DEATHS/H LAST-RUN CODE FAILS NEXT LOG-SIZE WHY
a-service-with-a-rather-long-name resting  2h    0        -        -    0     -    -        --require: variable 'TOKEN' is not set\\nforged
crasher                           crashing 2s    4        -        -    -     -    -        died 4 times in 5 minutes (last: exit status 7)
worker                            waiting  1h    0        1m       0    0     2m   2M       log: posted, status 200 \\u{1b}[31m
";
    assert_eq!(table::plain(&some()), expected);
}

#[test]
fn the_metrics_are_these() {
    assert_eq!(prometheus::page(&some()), include_str!("tests.prom"));
}

#[test]
fn metrics_escape_names_and_omit_unknown_values() {
    let page = prometheus::page(&overview_of(vec![up("a\"b\\c", 5)]));
    assert!(page.contains("futo_service_up{service=\"a\\\"b\\\\c\"} 1\n"), "{page}");
    assert!(page.contains("futo_service_state{service=\"a\\\"b\\\\c\",state=\"up\"} 1\n"), "{page}");
    assert!(page.contains("# TYPE futo_service_runs_total counter\n# HELP"), "{page}");
}

#[test]
fn values_that_a_suite_does_not_record_are_empty() {
    for suite in [Suite::Runit, Suite::Daemontools] {
        let running = || {
            let mut snapshot = up("x", 61);
            if let SupervisorState::Known(status) = &mut snapshot.supervisor {
                (status.suite, status.cause, status.is_ready) = (suite, None, None);
            }
            snapshot
        };
        let page = table::plain(&overview_of(vec![running()]));
        assert!(page.contains("x       up    1m    -"), "{page}");
        let page = json::page(&overview_of(vec![Snapshot { reports_readiness: true, ..running() }]));
        let page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
        let service = &page["services"][0];
        assert_eq!(service["supervisor"], suite.word());
        assert!(service["ready"].is_null() && service["deaths_last_hour"].is_null(), "{service}");
    }
}
