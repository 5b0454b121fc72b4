//! `--json`. The form is docs/status.schema.json; fields are added, never changed.

use serde::Serialize;

use super::overview::Overview;
use crate::escape;
use crate::observe::{ServiceState, Snapshot, SupervisorState};
use crate::record::EndedRun;
use crate::record::Resting;
use crate::sys::clock;

#[derive(Serialize)]
struct StatusJson<'a> {
    version: u32,
    time: String,
    services: Vec<ServiceJson<'a>>,
    unseen: &'a [String],
    others_not_shown: usize,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    name: &'a str,
    state: &'static str,
    why: Option<&'a str>,
    healthy: bool,
    verdict: &'static str,
    definition: Option<String>,
    published: Option<String>,
    supervised: bool,
    supervisor: Option<&'static str>,
    pid: Option<i32>,
    launcher_pid: Option<i32>,
    since: Option<String>,
    ready: Option<bool>,
    wants_up: Option<bool>,
    deaths_last_hour: Option<usize>,
    is_loop: bool,
    runs: Option<RunsJson<'a>>,
    log: Option<LogJson<'a>>,
    troubles: Vec<&'a str>,
}

#[derive(Serialize)]
struct RunsJson<'a> {
    total: u64,
    failures: u64,
    consecutive_failures: u64,
    skipped: u64,
    last_start: Option<&'a str>,
    last_end: Option<&'a str>,
    last_status: Option<i32>,
    last_duration_s: Option<f64>,
    ended_run: Option<&'a EndedRun>,
    next_due: Option<&'a str>,
    waiting_for_lock: Option<&'a str>,
    last_errors: &'a [String],
    resting: Option<&'a Resting>,
}

#[derive(Serialize)]
struct LogJson<'a> {
    path: String,
    size: u64,
    last_line: Option<&'a str>,
    written: Option<String>,
    dropped: u64,
    trouble: Option<&'a str>,
}

pub(super) fn page(overview: &Overview) -> String {
    let page = StatusJson {
        version: 1,
        time: clock::utc(overview.now),
        services: overview
            .services
            .iter()
            .map(|(snapshot, state, why)| part(overview, snapshot, *state, why.as_deref()))
            .collect(),
        unseen: &overview.unseen,
        others_not_shown: overview.others,
    };
    // a struct of texts and numbers always has a JSON form
    let mut text = serde_json::to_string_pretty(&page).unwrap_or_default();
    text.push('\n');
    escape::json(&text).into_owned()
}

fn part<'a>(
    overview: &Overview,
    snapshot: &'a Snapshot,
    state: ServiceState,
    why: Option<&'a str>,
) -> ServiceJson<'a> {
    let hour_ago = overview.now.checked_sub(std::time::Duration::from_secs(3600)).unwrap_or(overview.now);
    let status = snapshot.status();
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    ServiceJson {
        name: &snapshot.service.name,
        state: state.word(),
        why,
        healthy: state.is_healthy(),
        verdict: state.verdict().word(),
        definition: path(&snapshot.service.definition),
        published: path(&snapshot.service.live),
        supervised: matches!(snapshot.supervisor, SupervisorState::Known(_)),
        supervisor: status.map(|status| status.suite.word()),
        pid: status.and_then(|status| status.pid),
        launcher_pid: snapshot.launcher.as_ref().map(|launcher| launcher.pid),
        since: status.map(|status| clock::utc(status.changed)),
        ready: status.filter(|_| snapshot.reports_readiness).and_then(|status| status.is_ready),
        wants_up: status.map(|status| status.wants_up),
        deaths_last_hour: snapshot.deaths_since(hour_ago),
        is_loop: snapshot.is_loop(),
        runs: snapshot.record.as_ref().map(|record| RunsJson {
            total: record.runs,
            failures: record.failures,
            consecutive_failures: record.consecutive_failures,
            skipped: record.skipped,
            last_start: record.last_start.as_deref(),
            last_end: record.last_end.as_deref(),
            last_status: record.last_status,
            last_duration_s: record.last_duration,
            ended_run: record.ended_run.as_ref(),
            next_due: record.next_due.as_deref(),
            waiting_for_lock: record.waiting_for_lock.as_ref().map(|lock| lock.path.as_str()),
            last_errors: &record.last_errors,
            resting: record.resting.as_ref(),
        }),
        log: snapshot.log.as_ref().map(|log| LogJson {
            path: log.path.display().to_string(),
            size: log.size,
            last_line: log.last_line.as_deref(),
            written: log.written.map(clock::utc),
            dropped: log.dropped,
            trouble: log.trouble.as_deref(),
        }),
        troubles: snapshot.troubles.iter().map(|trouble| trouble.text.as_str()).collect(),
    }
}
