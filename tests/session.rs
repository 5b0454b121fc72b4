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

use std::path::{Path, PathBuf};
use std::process::Command;

use support::docker::{Base, docker, have_containers};
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
    let session = finish(Command::new("sh").arg(script()).arg(scratch.join("bin")));
    assert_eq!((code(&session), stderr(&session)), (0, String::new()));
    assert_eq!(without_numbers(&stdout(&session)), as_told());
}

#[test]
fn the_first_service_goes_the_same_way_in_a_docker_container() {
    if !have(&[Need::Root]) || !have_containers(Base::Bookworm) {
        return;
    }
    let scratch = Scratch::new("session-docker");
    scratch.futo();
    let programs = format!("{}:/programs:ro", scratch.join("bin").display());
    let session = format!("{}:/session:ro", script().display());
    let mut words = vec!["run", "--rm", "--network", "none", "--volume", &programs, "--volume", &session];
    for directory in ["--tmpfs=/run:mode=0755,exec", "--tmpfs=/config:exec", "--tmpfs=/usr/local/bin:exec"] {
        words.push(directory);
    }
    words.extend(["--env", "FUTO_SESSION_INSIDE=yes", "--env", "FUTO_SESSION_MOUNTED=yes"]);
    words.extend([Base::Bookworm.image(), "sh", "/session", "/programs"]);
    assert_eq!(without_numbers(&docker(&words).expect("it ends well")), as_told());
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session")
}

/// The session of the page.
fn as_told() -> Vec<String> {
    let page = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/first-service.md"));
    let shown =
        page.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the session");
    without_numbers(shown)
}
