//! Logs and run records in abc's state directory.

use std::path::{Path, PathBuf};

use super::{eventually, read};

/// Where abc's logs and records are by default.
pub fn state(file: &str) -> PathBuf {
    Path::new("/config/.local/state/futodama").join(file)
}

/// The run record of a service as JSON, once it is there.
pub fn record(path: &Path) -> serde_json::Value {
    eventually(&format!("{} is a record", path.display()), || serde_json::from_str(&read(path)).ok())
}
