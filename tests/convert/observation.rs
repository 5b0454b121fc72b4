//! What was seen of a service: one row per fact, without what differs from one start to the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::{Case, Services};
use crate::ground::Ground;
use crate::support::{read, rights};

/// What was seen of one service.
pub struct Observation {
    /// Facts by name: `web 0 umask`, `web 0 env HOME`, `log /config/web.log`.
    pub rows: BTreeMap<String, String>,
    /// The seconds between the starts of one run and the next, of each program.
    pub gaps: Vec<f64>,
}

/// Runs these services at the same time, from start to stop.
pub fn observe(ground: &Ground, services: &Services) -> Vec<Observation> {
    ground.publish(services);
    let cases: Vec<&Case> = services.iter().map(|(case, _)| *case).collect();
    ground.have_run(&cases);
    let left = ground.stop(&cases);
    let inherited = ground.said();
    let written = ground.written();
    let logs: Vec<(&PathBuf, &PathBuf, String)> =
        written.iter().map(|(path, outside)| (path, outside, read(outside))).collect();
    cases
        .iter()
        .zip(left)
        .map(|(case, left)| {
            let reports = ground.reports(&case.name);
            let mut rows = runs(case, &reports);
            rows.insert("left after TERM".to_string(), left.join("\n"));
            let inherited = lines_of(case, &inherited);
            rows.extend((!inherited.is_empty()).then(|| ("log inherited".to_string(), inherited)));
            for (path, outside, text) in &logs {
                let lines = lines_of(case, text);
                if !lines.is_empty() {
                    rows.insert(format!("log {}", path.display()), lines);
                    rows.insert(format!("rights {}", path.display()), rights(outside));
                }
            }
            for path in &case.settings.makes {
                let outside = ground.inside(path);
                let rights = if outside.exists() { rights(&outside) } else { "not made".to_string() };
                rows.insert(format!("rights {}", path.display()), rights);
            }
            Observation { rows, gaps: gaps(case, &reports) }
        })
        .collect()
}

/// Each line that the programs of a service have printed into this file, once: how often one of a loop ran until it was
/// stopped is a matter of the moment.
fn lines_of(case: &Case, text: &str) -> String {
    let beginnings: Vec<String> =
        case.workers().map(|program| format!("{}: {program}: ", case.name)).collect();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| beginnings.iter().any(|beginning| line.contains(beginning))) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    // which of two programs was faster is not compared
    lines.sort_unstable();
    lines.join("\n")
}

/// The runs of a program, as many as the case asks for.
fn runs_of<'r>(case: &Case, reports: &'r [Value], program: &str) -> Vec<&'r Value> {
    reports.iter().filter(|report| report["program"] == program).take(case.settings.runs).collect()
}

fn runs(case: &Case, reports: &[Value]) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for program in case.workers() {
        for (number, report) in runs_of(case, reports, program).into_iter().enumerate() {
            for (field, value) in report.as_object().expect("an object") {
                let name = format!("{program} {number} {field}");
                match (field.as_str(), value) {
                    ("program" | "start" | "session", _) => {}
                    ("env" | "fds" | "limits", Value::Object(values)) => {
                        let each = values.iter().map(|(key, value)| {
                            let value = value.as_str().expect("a text");
                            (
                                format!("{name} {key}"),
                                if field == "fds" { target(value) } else { value.to_string() },
                            )
                        });
                        rows.extend(each);
                    }
                    ("signals blocked" | "signals ignored", Value::String(mask)) => {
                        drop(rows.insert(name, signals(mask)));
                    }
                    (_, Value::String(text)) => drop(rows.insert(name, text.clone())),
                    (_, other) => drop(rows.insert(name, other.to_string())),
                }
            }
        }
    }
    for program in &case.settings.checks {
        let mut words: Vec<String> = reports
            .iter()
            .filter(|report| report["program"] == program.as_str())
            .map(|report| report["argv"].to_string())
            .collect();
        words.sort();
        words.dedup();
        rows.insert(format!("{program} argv"), words.join("\n"));
    }
    for program in &case.settings.never {
        let has_run = reports.iter().any(|report| report["program"] == program.as_str());
        assert!(!has_run, "{}: {program} has run", case.name);
    }
    rows
}

/// What a descriptor leads to, without numbers and scratch paths.
fn target(path: &str) -> String {
    if path.ends_with("/svscan.log") {
        return "inherited".to_string();
    }
    for kind in ["pipe", "socket"] {
        if path.starts_with(&format!("{kind}:[")) {
            return kind.to_string();
        }
    }
    Path::new(path).display().to_string()
}

/// A mask without signals 32 and 33, which the C library keeps for itself: whether they are ignored is up to whoever
/// started the test.
fn signals(mask: &str) -> String {
    let mask = u64::from_str_radix(mask, 16).expect("a mask");
    format!("{:016x}", mask & !(0b11 << 31))
}

fn gaps(case: &Case, reports: &[Value]) -> Vec<f64> {
    let starts = |program| -> Vec<f64> {
        runs_of(case, reports, program).iter().filter_map(|report| report["start"].as_f64()).collect()
    };
    let between =
        |starts: Vec<f64>| -> Vec<f64> { starts.windows(2).map(|pair| pair[1] - pair[0]).collect() };
    case.workers().flat_map(|program| between(starts(program))).collect()
}
