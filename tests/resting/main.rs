//! Resting under s6-svscan and runsv: what a restart every second cannot fix is reported once, and fixed
//! by a change of the file that is wrong.

#[path = "../support/mod.rs"]
mod support;

mod edits;
mod kinds;
mod supervisor;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{eventually, log_of, own_by_abc, record_of, write};

/// Waits until the log contains the text and gives how long after `start` that was.
fn logged_after(start: Instant, name: &str, text: &str) -> Duration {
    eventually(&format!("{text:?} in {:?}", log_of(name)), || {
        log_of(name).contains(text).then(|| start.elapsed())
    })
}

/// A file of abc's in a service directory, replaced by a rename, as editors do it.
fn edit(directory: &Path, file: &str, text: &str, mode: u32) {
    let part = directory.join(format!(".{file}.new"));
    write(&part, text, mode);
    own_by_abc(&part);
    fs::rename(&part, directory.join(file)).expect("renamed");
}

fn is_within_a_second(time: Duration, what: &str) {
    eprintln!("{what}: worker live after {time:?}");
    assert!(time < Duration::from_secs(1), "{what}: {time:?}");
}

const READY: &str = "-- sh -c 'echo \"ready $VALUE\"; exec sleep 1000'";

fn record_is_clear(name: &str) -> bool {
    record_of(name)["resting"].is_null()
}
