//! `--schedule` and `futo next`: the same starts as systemd and as an independent reader of crontabs.

#[path = "../support/mod.rs"]
mod support;

mod crontab;
mod next;
mod systemd;

use std::process::{Command, Output};

use jiff::Timestamp;
use support::{Random, output, stderr, stdout};

const STARTS: usize = 5;

fn futo(words: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_futo")).env("TZ", "UTC").args(words))
}

/// The seconds since 1970 of the next starts.
fn next(schedule: &str, from: i64, count: usize) -> Vec<i64> {
    let output = futo(&["next", "-n", &count.to_string(), "--from", &format!("@{from}"), "--", schedule]);
    let said = stderr(&output);
    assert!(output.status.success() || said.contains("does not occur"), "{schedule}: {said}");
    let second = |line: &str| line.parse::<Timestamp>().expect(line).as_second();
    stdout(&output).lines().map(second).collect()
}

impl Random {
    fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below((last - first + 1) as usize) as u64
    }
}
