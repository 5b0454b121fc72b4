//! Words of abc's: how long they are, and which characters they have.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::boot::Definitions;
use crate::support::launching::{code, command, finish};
use crate::support::{needs, said, stderr, stdout};
use crate::{CPU, link_into, sync_through};

#[test]
fn words_of_any_length_cost_little_time_and_little_output() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let long = "x".repeat(65_000);
    for (what, text) in [
        ("an unknown option", format!("#!/bin/sh\nexec futo-launch --{long} -- id\n")),
        ("an unknown key", format!("#!/usr/local/bin/futo-launch --file\n{long} = 1\nexec = ['id']\n")),
        ("a zone", format!("#!/bin/sh\nexec futo-launch --schedule '09:00 {long}' -- id\n")),
        ("a value", format!("#!/bin/sh\nexec futo-launch --interval {long} -- id\n")),
        ("a capability", format!("#!/bin/sh\nexec futo-launch --cap-drop {long} -- id\n")),
        ("a user", format!("#!/bin/sh\nexec futo-launch --user '{long}:' -- id\n")),
    ] {
        let definitions = Definitions::new("attack-words");
        link_into(&definitions, &text, 200);
        definitions.write_roots("roots/run", "#!/bin/sh\nexec futo-launch -- id\n");
        let ran = sync_through(&definitions, &CPU, &[]);
        assert_eq!(ran.code, 1, "{what}: it is not killed, and says what failed");
        assert_eq!(ran.stdout.matches("action=failed").count(), 200, "{what}");
        assert!(definitions.scan("roots/run").exists(), "{what}: root's is published");
        assert!(ran.stderr.len() < 500_000, "{what}: {} bytes", ran.stderr.len());
        let longest = ran.stderr.lines().map(str::len).max().unwrap_or(0);
        assert!(longest < 2_000, "{what}: a line of {longest} bytes");
    }
}

#[test]
fn a_zone_of_a_megabyte_costs_health_no_time() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-zone");
    let zone = "x".repeat(1_000_000);
    definitions.line("zone", &format!("--schedule '09:00 {zone}' -- id"));
    let run = definitions.abcs("zone");
    symlink(&run, definitions.scan("zone")).expect("as an old hook links it");
    let mut health = command(&CPU, Path::new("/"));
    health.arg(definitions.scratch.futo()).args(["health", "--from"]).arg(definitions.abcs(""));
    health.arg("--scan-dir").arg(definitions.scan(""));
    let output = finish(&mut health);
    assert_eq!(code(&output), 1, "not killed: {}", said(&output));
    assert!(stdout(&output).len() + stderr(&output).len() < 10_000);
}

#[test]
fn no_hidden_character_of_abcs_reaches_a_terminal_or_a_program() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-hidden");
    let names = [
        "a\u{202e}b",
        "a\u{61c}b",
        "a\u{200b}b",
        "a\u{2066}b",
        "a\u{9b}31mb",
        "up yes",
        "a\u{2028}b",
        "a\u{ad}b",
    ];
    for name in names {
        definitions.line(name, &format!("--{name} -- id"));
    }
    let ran = definitions.sync(&[]);
    let json = definitions.sync(&["--json"]);
    let is_hidden = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for text in [&ran.stdout, &ran.stderr, &json.stdout, &json.stderr] {
        assert!(!text.contains(is_hidden), "{text:?}");
    }
    assert!(ran.stdout.contains("service=up\\u{20}yes action=failed"), "{}", ran.stdout);
    let shown: Vec<String> = json.json()["services"]
        .as_array()
        .expect("services")
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_string())
        .collect();
    for name in names {
        assert!(shown.iter().any(|each| each == name), "JSON keeps the value: {name:?}");
    }
}
