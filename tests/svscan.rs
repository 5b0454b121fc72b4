//! The one-liner under a real s6-svscan.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by failing"
)]

mod support;

use support::{Need, Svscan, eventually_contains, have, state};

#[test]
fn a_one_line_run_file_runs_the_worker_as_abc_with_its_log() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let svscan = Svscan::start("one-liner");
    svscan.add_launch(
        "oneliner",
        "-- sh -c 'echo \"ready $(id -un) $HOME $TOKEN\"; exec sleep 1000'",
        &[("config.env", "TOKEN='a b'\n")],
    );
    let log = eventually_contains(&state("oneliner.log"), "ready");
    assert_eq!(log, "ready abc /config a b\n");
}
