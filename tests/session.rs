//! docs/first-service.md is what happens: tests/session, with s6-svscan as the first process of its namespace.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::path::Path;
use std::process::Command;

use support::launching::{code, finish};
use support::{Need, Scratch, have, read, stderr, stdout};

/// Times and sizes differ from run to run.
fn without_numbers(text: &str) -> Vec<String> {
    let shape = |word: &str| match word.trim_end_matches(['s', 'm', 'h']) {
        number
            if !number.is_empty()
                && number.len() < word.len()
                && number.chars().all(|c| c.is_ascii_digit()) =>
        {
            "SPAN".to_string()
        }
        _ if word.len() == 20 && word.ends_with('Z') && word.contains('T') => "TIME".to_string(),
        _ => word.to_string(),
    };
    text.lines().map(|line| line.split_whitespace().map(shape).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_first_service_goes_as_its_page_tells() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let scratch = Scratch::new("session");
    scratch.futo();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session");
    let session = finish(Command::new("sh").arg(script).arg(scratch.join("bin")));
    assert_eq!((code(&session), stderr(&session)), (0, String::new()));
    let page = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/first-service.md"));
    let shown =
        page.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the session");
    assert_eq!(without_numbers(&stdout(&session)), without_numbers(shown));
}
