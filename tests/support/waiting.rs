//! Waiting with a bound.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{is_alive, read};

/// How long a test waits for what has to come, as on a machine that is very busy: where it comes this costs nothing.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until `condition` gives a value, with [`PATIENCE`]; then the test fails with `what`.
pub fn eventually<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    eventually_every(Duration::from_millis(5), what, condition)
}

/// The same with this pause between two looks, for those that cost something.
pub fn eventually_every<T>(pause: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(pause);
    }
}

/// Waits until the file contains the text; gives the whole.
pub fn eventually_contains(path: &Path, text: &str) -> String {
    eventually(&format!("{} contains {text:?}; it is {:?}", path.display(), read(path)), || {
        let content = read(path);
        content.contains(text).then_some(content)
    })
}

/// Holds for the whole time; for claims that something does not happen.
pub fn throughout(what: &str, time: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert!(condition(), "not throughout: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the process is gone.
pub fn eventually_dead(pid: i32) {
    eventually(&format!("process {pid} is gone"), || (!is_alive(pid)).then_some(()));
}
