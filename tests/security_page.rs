//! docs/security.md against the tests: every attack names the test that holds it, and every test is named.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::names_in;

const PAGE: &str = include_str!("../docs/security.md");

/// The rows below *Attacks*, a list of cells each.
fn attacks() -> Vec<Vec<&'static str>> {
    let (_, attacks) = PAGE.split_once("## Attacks").expect("the section");
    let rows = attacks.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The names of the tests in a file, or in all files of a directory.
fn tests_of(name: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if path.is_dir() {
        let files = names_in(&path).into_iter().map(|file| format!("{name}/{file}"));
        return files.flat_map(|file| tests_of(&file)).collect();
    }
    let text = fs::read_to_string(path).expect("a file of tests");
    let mut lines = text.lines().peekable();
    let mut names = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[test]"
            && let Some(next) = lines.peek()
            && let Some(name) = next.trim().strip_prefix("fn ").and_then(|rest| rest.split('(').next())
        {
            names.insert(name.to_string());
        }
    }
    names
}

#[test]
fn every_attack_names_its_test_and_every_test_is_named() {
    let named: BTreeSet<String> = attacks()
        .iter()
        .map(|cells| match cells.as_slice() {
            [_, _, test] => test.trim_matches('`').to_string(),
            _ => panic!("attack, what holds it, test: {cells:?}"),
        })
        .collect();
    let is_of_users = |name: &String| ["attack_boot", "attack_trust"].contains(&name.trim_end_matches(".rs"));
    let here: BTreeSet<String> =
        attack_files().iter().filter(|name| is_of_users(name)).flat_map(|name| tests_of(name)).collect();
    let unnamed: Vec<_> = here.difference(&named).collect();
    assert!(unnamed.is_empty(), "not in the table: {unnamed:?}");
    let all: BTreeSet<String> = attack_files().iter().flat_map(|name| tests_of(name)).collect();
    let missing: Vec<_> = named.difference(&all).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}

/// `tests/attack*`, the attacks on a scan directory that was given away, and those on health.
fn attack_files() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let is_one = |name: &String| {
        name.starts_with("attack") || ["evidence", "hermes_live"].contains(&name.trim_end_matches(".rs"))
    };
    names_in(&directory).into_iter().filter(is_one).collect()
}

#[test]
fn what_the_page_says_of_bounds_is_what_the_program_has() {
    use futo_launch::boot::quota::{MAX_BYTES, MAX_DEFINITIONS, MAX_INSTANCES};
    let bounds = format!(
        "at most {MAX_DEFINITIONS} are published, of instances {MAX_INSTANCES}, each with {} MiB of files",
        MAX_BYTES >> 20
    );
    let page = PAGE.replace('\n', " ");
    assert!(page.contains(&bounds), "{bounds}");
}
