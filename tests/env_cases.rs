//! What bash 5.2 made of some hundred files, beside what we make of them. tests/data/config-env-cases.jsonl
//! holds a case a line; each byte of a file or value is the Latin-1 character of its number.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by failing"
)]

use std::collections::BTreeMap;

use futo_launch::ready::env_file;
use serde_json::{Map, Value};

type Variables = BTreeMap<String, Vec<u8>>;

const CASES: &str = include_str!("data/config-env-cases.jsonl");

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}

fn variables(map: &Map<String, Value>) -> Variables {
    map.iter().map(|(name, value)| (name.clone(), bytes(value))).collect()
}

/// The environment behind a file, and whether it was read otherwise than bash does on purpose.
fn ours(file: &[u8], inherited: &Variables) -> Option<(Variables, bool)> {
    let read = env_file::parse(file, &|name| inherited.get(name).map(Vec::as_slice)).ok()?;
    let mut environment = inherited.clone();
    let is_odd = read.oddity().is_some();
    for assignment in read.assignments {
        environment.insert(assignment.name, assignment.value);
    }
    Some((environment, is_odd))
}

#[test]
fn what_is_read_has_the_values_that_bash_gives() {
    let (mut plain, mut agreed, mut accepted) = (0_u32, 0_u32, 0_u32);
    let (mut differing, mut refused) = (Vec::new(), Vec::new());
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let name = case["name"].as_str().expect("a name").to_string();
        let bash = &case["bash"];
        let counts = case["class"] == "plain" && bash["complains"] == false;
        plain += u32::from(counts);
        let mut inherited = variables(case["inherited"].as_object().expect("variables"));
        for (name, value) in [("HOME", "/config"), ("PATH", "/usr/bin:/bin")] {
            inherited.entry(name.to_string()).or_insert_with(|| value.as_bytes().to_vec());
        }
        let Some((environment, is_odd)) = ours(&bytes(&case["file"]), &inherited) else {
            if counts {
                refused.push(name);
            }
            continue;
        };
        accepted += 1;
        let mut expected = bash["environment"].as_object().map(variables).unwrap_or_default();
        if is_odd {
            // docs/differences.md: a byte order mark and CR LF are read as if absent
            for value in expected.values_mut() {
                let text: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'\r').collect();
                *value = text;
            }
            if name == "px-continuation-crlf" {
                // without the CR bash takes the backslash at the line's end for a continuation
                expected.remove("B");
                expected.insert("A".to_string(), b"xB=2".to_vec());
            }
        }
        let is_byte_order_mark = bytes(&case["file"]).starts_with(b"\xef\xbb\xbf");
        if environment == expected {
            agreed += u32::from(counts);
        } else if !is_byte_order_mark {
            differing.push(name);
        }
    }
    let percentage = 100.0 * f64::from(agreed) / f64::from(plain);
    eprintln!("of {plain} plain files {agreed} agree ({percentage:.1} %); {accepted} of all are read");
    eprintln!("plain files refused: {refused:?}");
    assert_eq!(differing, [""; 0], "silently other values than bash's");
    assert!(percentage >= 97.0, "{percentage:.1} %: {refused:?}");
}
