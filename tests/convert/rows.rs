//! docs/migrating.md and the corpus: each row of the page has a case that proves it, or is here.

use std::collections::BTreeSet;

use crate::case::{self, Case};
use crate::support::documents::page;

/// Rows whose old side does not run here: what they begin with, and what holds them to their meaning beside
/// tests/documents.rs, where the launcher reads every new side.
const BY_MEANING: &[(&str, &str)] = &[
    ("while :; do if [ \"$(date +%H:%M)\" = 09:00 ]", "a day long; loop-clock polls the same way"),
    ("[ \"$(date +%u%H)\" = 721 ]", "a week long; loop-clock polls the same way"),
    ("crontab: ", "tests/schedule, beside croniter"),
    ("supercronic", "not in Debian"),
    ("TZ=Asia/Tokyo supercronic", "not in Debian"),
    ("systemd: ", "has to be PID 1"),
    ("supervisord: stdout_logfile_maxbytes", "sizes: tests/log_files.rs"),
    ("supervisord: startretries", "what follows is s6's"),
    ("supervisord: stopasgroup", "tests/stopping.rs"),
    ("supervisord: autostart", "s6's file down"),
    ("supervisord: numprocs", "nothing to run"),
    ("supervisord: priority", "tests/gates.rs"),
    ("docker run --init", "tests/init.rs"),
    ("file_env TOKEN", "a function of the official images; tests/environment/secret.rs"),
    ("ENTRYPOINT", "tests/init.rs"),
];

/// The rows of the tables of what you wrote and what it is now, without the marks of code.
fn rows() -> Vec<(String, String)> {
    let text = page("docs/migrating.md");
    let tables = text.split("| you wrote | now it is |\n|---|---|\n").skip(1);
    let rows = tables.flat_map(|table| table.lines().take_while(|line| line.starts_with('|')));
    rows.map(|row| {
        let plain = row.trim_matches('|').replace("\\|", "\0");
        let (old, new) = plain.split_once('|').expect("two cells");
        let whole = |cell: &str| cell.replace('\0', "|").trim().to_string();
        (whole(old).replace('`', ""), whole(new))
    })
    .collect()
}

/// The options that a line names.
fn options(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "`'(".contains(c));
    words.filter(|word| word.starts_with("--") && word.len() > 2).collect()
}

#[test]
fn each_row_has_a_case_or_says_why_not() {
    let cases = case::all();
    let claims = |case: &Case, old: &str| case.settings.rows.iter().any(|row| row.replace('`', "") == old);
    let mut wrong = Vec::new();
    let rows = rows();
    for (old, new) in &rows {
        let proofs: Vec<&Case> = cases.iter().filter(|case| claims(case, old)).collect();
        let by_meaning = BY_MEANING.iter().filter(|(beginning, _)| old.starts_with(beginning)).count();
        if proofs.is_empty() == (by_meaning == 0) {
            wrong.push(format!("{old}: {} cases, {by_meaning} times by its meaning", proofs.len()));
        }
        // `nothing: …` and what a page adds in words are not for the line
        let line = new.split('`').nth(1).filter(|_| new.starts_with('`')).unwrap_or_default();
        for case in proofs {
            let now = case.settings.now.as_deref().unwrap_or_default();
            if !options(now).is_superset(&options(line)) {
                wrong.push(format!("{old}: {} has {now}", case.name));
            }
        }
    }
    for case in &cases {
        for row in &case.settings.rows {
            if !rows.iter().any(|(old, _)| *old == row.replace('`', "")) {
                wrong.push(format!("{}: no row {row}", case.name));
            }
        }
    }
    for (beginning, _) in BY_MEANING {
        if !rows.iter().any(|(old, _)| old.starts_with(beginning)) {
            wrong.push(format!("no row begins with {beginning}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
