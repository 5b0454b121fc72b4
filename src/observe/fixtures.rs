//! Snapshots for tests.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Children, Launcher, Process, Snapshot, SupervisorState};
use crate::machine::Machine;
use crate::record::RunRecord;
use crate::service::place::Service;
use crate::service::supervision::{Cause, Status, Suite};
use crate::sys::clock;

/// The time of the snapshots, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn at(ago: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW - ago)
}

pub(crate) fn stamp(ago: u64) -> Option<String> {
    Some(clock::utc(at(ago)))
}

pub(crate) fn up(name: &str, since: u64) -> Snapshot {
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
        ..Snapshot::empty(Service {
            name: name.to_string(),
            definition: None,
            live: Some(PathBuf::from("/run/service").join(name)),
        })
    }
}

/// A service whose launcher has this record, if any, and these arguments.
pub(crate) fn launched(name: &str, since: u64, words: &[&str], record: Option<RunRecord>) -> Snapshot {
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
        record_doubt: Some("run record 'x.json' does not exist".into()),
        ..up(name, since)
    }
}

/// What the record of a loop between two runs holds.
pub(crate) fn between_runs() -> RunRecord {
    RunRecord {
        runs: 3,
        last_start: stamp(20),
        last_end: stamp(10),
        last_status: Some(0),
        next_due: Some(clock::utc(UNIX_EPOCH + Duration::from_secs(NOW + 50))),
        ..RunRecord::default()
    }
}
