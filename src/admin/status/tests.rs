//! The pages as they are, from services as they were seen.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::observe::{LogSeen, Supervision};
use crate::run::{Resting, RestingKind, RunRecord};
use crate::service::place::Service;
use crate::service::supervision::{Cause, Death, Status};

const NOW: u64 = 1_800_000_000;

fn at(ago: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW - ago)
}

fn stamp(ago: u64) -> Option<String> {
    Some(clock::utc(at(ago)))
}

fn up(name: &str, since: u64) -> Seen {
    Seen {
        service: Service {
            name: name.to_string(),
            definition: None,
            live: Some(PathBuf::from("/run/service").join(name)),
        },
        supervision: Supervision::Known(Status {
            changed: at(since),
            ready_changed: None,
            pid: Some(77),
            cause: Cause::Exited(0),
            is_paused: false,
            is_finishing: false,
            wants_up: true,
            is_ready: false,
        }),
        deaths: Vec::new(),
        is_down_by_file: false,
        tells_readiness: false,
        plan: None,
        record: None,
        log: None,
        troubles: Vec::new(),
    }
}

/// As it was seen, and judged; the plan of a loop is not at hand here.
fn look_at(services: Vec<Seen>) -> Look {
    let now = at(0);
    let judged = services.into_iter().map(|seen| {
        let (state, why) = crate::observe::state::judge(&seen, now);
        (seen, state, why)
    });
    Look { now, services: judged.collect(), unseen: Vec::new() }
}

fn some() -> Look {
    let mut crashing = up("crasher", 2);
    crashing.deaths = (0..4).map(|n| Death { at: at(20 - n), cause: Cause::Exited(7) }).collect();
    let mut resting = up("a-service-with-a-rather-long-name", 90_000);
    resting.record = Some(RunRecord {
        pid: 77,
        resting: Some(Resting {
            kind: RestingKind::Configuration,
            reason: "--require: variable 'TOKEN' is not set\nforged".to_string(),
            since: clock::utc(at(7200)),
            exit: 100,
        }),
        ..RunRecord::default()
    });
    let mut worker = up("worker", 4000);
    worker.record = Some(RunRecord {
        pid: 77,
        runs: 12,
        failures: 1,
        last_start: stamp(70),
        last_end: stamp(65),
        last_status: Some(0),
        last_duration: Some(5.25),
        next_due: Some(clock::utc(UNIX_EPOCH + Duration::from_secs(NOW + 130))),
        ..RunRecord::default()
    });
    worker.log = Some(LogSeen {
        path: PathBuf::from("/config/.local/state/futodama/worker.log"),
        size: 2_500_000,
        last_line: Some("posted, status 200 \u{1b}[31m".to_string()),
    });
    look_at(vec![resting, crashing, worker])
}

#[test]
fn the_table_fits_on_80_columns_and_tells_why() {
    let page = table::page(&some(), 80, false);
    let expected = "\
SERVICE                   STATE     SINCE  1H  LAST  CODE  FAILS  NEXT  LOG
a-service-with-a-rather…  resting      2h   0                  0
  --require: variable 'TOKEN' is not set\\nforged
crasher                   crashing     2s   4
  died 4 times in 5 minutes, the last by exit status 7
worker                    up           1h   0    1m     0      0    2m   2M
  log: posted, status 200 \\u{1b}[31m
3 services, 2 not well
";
    assert_eq!(page, expected);
    assert!(page.lines().all(|line| line.chars().count() <= 80));
    let coloured = table::page(&some(), 80, true);
    assert!(coloured.contains("\u{1b}[38;5;9mcrashing"), "{coloured:?}");
    assert!(!page.contains('\u{1b}'));
}

#[test]
fn in_a_pipe_a_service_is_a_line() {
    let expected = "\
SERVICE                           STATE    SINCE 1H LAST CODE FAILS NEXT LOG WHY
a-service-with-a-rather-long-name resting  2h    0  -    -    0     -    -   --require: variable 'TOKEN' is not set\\nforged
crasher                           crashing 2s    4  -    -    -     -    -   died 4 times in 5 minutes, the last by exit status 7
worker                            up       1h    0  1m   0    0     2m   2M  log: posted, status 200 \\u{1b}[31m
";
    assert_eq!(table::plain(&some()), expected);
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
    let judge = |seen: &Seen| crate::observe::state::judge(seen, at(0)).0;
    let mut seen = up("x", 61);
    seen.deaths = (0..9).map(|n| Death { at: at(100 - n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&seen), State::Up);
    let mut seen = up("x", 1);
    let orderly =
        |count: u64| (0..count).map(|n| Death { at: at(20 - n), cause: Cause::Killed(15) }).collect();
    seen.deaths = orderly(4);
    assert_eq!(judge(&seen), State::Up);
    seen.deaths = orderly(5);
    assert_eq!(judge(&seen), State::Crashing);
    // of yesterday
    seen.deaths = (0..9).map(|n| Death { at: at(90_000 + n), cause: Cause::Exited(1) }).collect();
    assert_eq!(judge(&seen), State::Up);
}

#[test]
fn down_is_well_only_if_someone_wants_it() {
    let complaint = |seen: &Seen| crate::observe::state::complaint(seen, at(0), None);
    let down = |cause: Cause, wants_up: bool| {
        let mut seen = up("x", 100);
        if let Supervision::Known(status) = &mut seen.supervision {
            (status.pid, status.cause, status.wants_up) = (None, cause, wants_up);
        }
        seen
    };
    assert_eq!(complaint(&down(Cause::Killed(15), false)), None);
    assert_eq!(
        complaint(&down(Cause::Exited(3), false)),
        Some("gave-up: ended with exit status 3".to_string())
    );
    let mut by_file = down(Cause::Exited(3), false);
    by_file.is_down_by_file = true;
    assert_eq!(complaint(&by_file), None);
}
