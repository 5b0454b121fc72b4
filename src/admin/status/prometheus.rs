//! `--prometheus`: metrics in the text format of Prometheus.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::overview::Overview;
use crate::escape::label;
use crate::observe::{ServiceState, Snapshot, parse_time};
use crate::record::RunRecord;

/// A metric of a service; none where it has no value.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&Overview, &Snapshot, ServiceState) -> Option<f64>,
}

const METRICS: [Metric; 12] = [
    Metric {
        name: "futo_service_healthy",
        kind: "gauge",
        help: "Whether futo health reports no problem with the service.",
        value: |_, _, state| Some(f64::from(u8::from(state.is_healthy()))),
    },
    Metric {
        name: "futo_service_up",
        kind: "gauge",
        help: "Whether the service has a process.",
        value: |_, snapshot, _| {
            Some(f64::from(u8::from(snapshot.status().is_some_and(|status| status.pid.is_some()))))
        },
    },
    Metric {
        name: "futo_service_changed_timestamp_seconds",
        kind: "gauge",
        help: "When the service came up or went down.",
        value: |_, snapshot, _| snapshot.status().map(|status| seconds(status.changed)),
    },
    Metric {
        name: "futo_service_deaths_last_hour",
        kind: "gauge",
        help: "Number of deaths of its processes in the last hour.",
        value: |overview, snapshot, _| {
            let hour_ago = overview.now.checked_sub(std::time::Duration::from_secs(3600))?;
            snapshot.deaths_since(hour_ago).map(|deaths| number(deaths as u64))
        },
    },
    Metric {
        name: "futo_service_runs_total",
        kind: "counter",
        help: "Runs started.",
        value: |_, snapshot, _| of_record(snapshot, |record| Some(number(record.runs))),
    },
    Metric {
        name: "futo_service_run_failures_total",
        kind: "counter",
        help: "Failed runs.",
        value: |_, snapshot, _| of_record(snapshot, |record| Some(number(record.failures))),
    },
    Metric {
        name: "futo_service_consecutive_failures",
        kind: "gauge",
        help: "Failed runs since the last success.",
        value: |_, snapshot, _| of_record(snapshot, |record| Some(number(record.consecutive_failures))),
    },
    Metric {
        name: "futo_service_last_run_timestamp_seconds",
        kind: "gauge",
        help: "When the last run ended.",
        value: |_, snapshot, _| of_record(snapshot, |record| Some(seconds(parse_time(record.ended_at()?)?))),
    },
    Metric {
        name: "futo_service_last_run_status",
        kind: "gauge",
        help: "Exit code of the last run; 128 + n if signal n killed it.",
        value: |_, snapshot, _| of_record(snapshot, |record| record.ended_status().map(f64::from)),
    },
    Metric {
        name: "futo_service_last_run_duration_seconds",
        kind: "gauge",
        help: "How long the last run took.",
        value: |_, snapshot, _| of_record(snapshot, RunRecord::ended_duration),
    },
    Metric {
        name: "futo_service_next_run_timestamp_seconds",
        kind: "gauge",
        help: "When the next run is due.",
        value: |_, snapshot, _| {
            of_record(snapshot, |record| Some(seconds(parse_time(record.next_due.as_ref()?)?)))
        },
    },
    Metric {
        name: "futo_service_log_size_bytes",
        kind: "gauge",
        help: "Size of the log.",
        value: |_, snapshot, _| snapshot.log.as_ref().map(|log| number(log.size)),
    },
];

fn of_record(snapshot: &Snapshot, value: impl Fn(&RunRecord) -> Option<f64>) -> Option<f64> {
    snapshot.record.as_ref().and_then(value)
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point")]
fn number(value: u64) -> f64 {
    value as f64
}

pub(super) fn page(overview: &Overview) -> String {
    let mut page = String::new();
    for metric in METRICS {
        let _ =
            writeln!(page, "# HELP {} {}\n# TYPE {} {}", metric.name, metric.help, metric.name, metric.kind);
        for (snapshot, state, _) in &overview.services {
            if let Some(value) = (metric.value)(overview, snapshot, *state) {
                let _ = writeln!(
                    page,
                    "{}{{service=\"{}\"}} {value}",
                    metric.name,
                    label(&snapshot.service.name)
                );
            }
        }
    }
    page.push_str(
        "# HELP futo_service_state 1 for the current state of the service, 0 for all others.\n\
         # TYPE futo_service_state gauge\n",
    );
    for (snapshot, state, _) in &overview.services {
        for each in ServiceState::ALL {
            let is_current = u8::from(each == *state);
            let name = label(&snapshot.service.name);
            let _ = writeln!(
                page,
                "futo_service_state{{service=\"{name}\",state=\"{}\"}} {is_current}",
                each.word()
            );
        }
    }
    page
}
