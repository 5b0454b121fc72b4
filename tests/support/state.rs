//! Logs and run records in abc's state directory.

use std::path::{Path, PathBuf};

use super::{eventually, eventually_contains, read};

/// Where abc's logs and records are by default.
pub fn state(file: &str) -> PathBuf {
    Path::new("/config/.local/state/futodama").join(file)
}

/// The run record of a service as JSON, once it is there.
pub fn record(path: &Path) -> serde_json::Value {
    eventually(&format!("{} is a record", path.display()), || serde_json::from_str(&read(path)).ok())
}

/// The run record of a service of this name, null until there is one.
pub fn record_of(name: &str) -> serde_json::Value {
    serde_json::from_str(&read(state(&format!("{name}.json")))).unwrap_or_default()
}

/// The log of a service of this name.
pub fn log_of(name: &str) -> String {
    read(state(&format!("{name}.log")))
}

/// Waits until the log of a service contains the text; gives the whole.
pub fn logs(name: &str, text: &str) -> String {
    eventually_contains(&state(&format!("{name}.log")), text)
}

/// Waits until the service rests for a reason of this kind; gives the record.
pub fn eventually_rests(name: &str, kind: &str) -> serde_json::Value {
    eventually(&format!("{name} rests as {kind}; {}; {}", record_of(name), log_of(name)), || {
        let record = record_of(name);
        (record["resting"]["kind"] == kind).then_some(record)
    })
}
