//! What `futo next` prints and refuses.

use std::process::Command;

use crate::futo;
use crate::support::{output, stderr, stdout};

#[test]
fn next_prints_rfc_3339_with_the_offset_one_a_line() {
    let output = futo(&["next", "09:00 Asia/Tokyo", "-n", "2", "--from", "2026-11-22T09:00:00+09:00"]);
    assert_eq!(stdout(&output), "2026-11-23T09:00:00+09:00\n2026-11-24T09:00:00+09:00\n");
    let output = futo(&["next", "Mon", "09:00", "-n1", "--from=2026-11-22T00:00:00Z"]);
    assert_eq!(stdout(&output), "2026-11-23T09:00:00+00:00\n");
    assert_eq!(stdout(&futo(&["next", "daily"])).lines().count(), 5);
}

#[test]
fn next_refuses_what_is_no_schedule_with_100() {
    for (words, said) in [
        (vec!["next", "09:00 JST"], "write Asia/Tokyo"),
        (vec!["next", "*/60 * * * *"], "steps beyond"),
        (vec!["next", "*-02-31"], "never occurs"),
        (vec!["next", "2020-01-01"], "does not occur after"),
        (vec!["next"], "no schedule given"),
        (vec!["next", "daily", "-n", "0"], "invalid number of starts '0'"),
        (vec!["next", "daily", "--from", "soon"], "invalid time 'soon'"),
        (vec!["next", "--until", "x", "daily"], "--until"),
    ] {
        let output = futo(&words);
        assert_eq!(output.status.code(), Some(100), "{words:?}");
        assert!(stderr(&output).contains(said), "{words:?}: {}", stderr(&output));
    }
    let output = self::output(
        Command::new(env!("CARGO_BIN_EXE_futo")).env("TZ", "Asia/Tokio").args(["next", "daily"]),
    );
    assert!(stderr(&output).contains("did you mean Asia/Tokyo?"), "{}", stderr(&output));
}
