//! Directories for unit tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new, empty directory for a single test.
pub(crate) fn directory(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("futo-{name}-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a scratch directory");
    path
}
