//! When runs start: rates, schedules, what is kept over restarts; and what is done around a run.

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod hooks;
mod locks;
mod rates;
mod restarts;
mod schedules;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::direct::Direct;
use support::{own_by_abc, write};

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

/// A schedule of one minute of each day: the one that is this many seconds away.
fn minute_at(second: u64) -> String {
    let of_day = second % 86_400;
    format!("{:02}:{:02} UTC", of_day / 3600, of_day % 3600 / 60)
}
