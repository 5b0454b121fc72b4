//! The sessions of docs/first-service.md, docs/convert.md and README.md are what happens: tests/session, with s6-svscan as the first
//! process of its namespace.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::docker::{Base, docker, have_containers};
use support::launching::{code, finish};
use support::{Scratch, needs, read, stderr, stdout};

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
fn the_first_service_goes_as_its_page_shows() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::new("session");
    scratch.futo();
    let session = finish(Command::new("sh").arg(script()).arg(scratch.join("bin")));
    assert_eq!((code(&session), stderr(&session)), (0, String::new()));
    assert_eq!(without_numbers(&stdout(&session)), recorded("docs/first-service.md").1);
}

/// But for the warnings: no hook publishes the service again.
#[test]
fn the_two_commands_of_the_readme_go_as_recorded() {
    needs!(root, "s6-svscan", "python3");
    let scratch = Scratch::new("session-readme");
    scratch.futo();
    let (commands, shown) = recorded("README.md");
    assert_eq!(commands.len(), 2);
    let session = finish(Command::new("sh").arg(script()).arg(scratch.join("bin")).args(commands));
    assert_eq!((code(&session), stderr(&session)), (0, String::new()));
    let mut printed = without_numbers(&stdout(&session));
    printed.retain(|line| !line.starts_with("futo: "));
    assert_eq!(printed, shown);
}

#[test]
fn twelve_converted_services_go_as_their_page_shows() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::new("session-convert");
    scratch.futo();
    let (commands, shown) = recorded("docs/convert.md");
    assert_eq!(commands.len(), 5);
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/handwritten");
    let session = finish(
        Command::new("sh")
            .arg(script())
            .arg(scratch.join("bin"))
            .args(commands)
            .env("FUTO_SESSION_DEFINITIONS", definitions),
    );
    assert_eq!((code(&session), stderr(&session)), (0, String::new()));
    assert_eq!(without_numbers(&stdout(&session)), shown);
}

#[test]
fn the_first_service_goes_the_same_way_in_a_docker_container() {
    needs!(root);
    if !have_containers(Base::Bookworm) {
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
    assert_eq!(without_numbers(&docker(&words).expect("it ends well")), recorded("docs/first-service.md").1);
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session")
}

/// The commands of a page's session, and all of it.
fn recorded(page: &str) -> (Vec<String>, Vec<String>) {
    let page = read(Path::new(env!("CARGO_MANIFEST_DIR")).join(page));
    let (_, session) = page.split_once("```console\n").expect("a session");
    let (session, _) = session.split_once("```").expect("its end");
    let commands = session.lines().filter_map(|line| line.strip_prefix("$ ")).map(String::from);
    (commands.collect(), without_numbers(session))
}
