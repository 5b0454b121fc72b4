//! Recorded answers of compose's reader.

use serde_json::{Value, json};

use crate::{alone, ours, theirs};

/// What compose-go 2 (July 2026) makes of each file, and whether it is accepted here. What is refused is
/// read differently by others, or loses a value in compose itself.
const CASES: &str = include_str!("../data/dotenv-cases.jsonl");

#[test]
fn what_is_accepted_has_composes_value_and_the_rest_is_refused() {
    let _alone = alone();
    let mut count = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let file = case["file"].as_str().expect("a text");
        match ours(file) {
            Ok(ours) => {
                assert_eq!(case["read"], true, "{file:?} is accepted");
                assert_eq!(Some(ours), theirs(&json!({ "values": case["compose"] })), "{file:?}");
            }
            Err(refusals) => assert_eq!(case["read"], false, "{file:?}: {refusals:?}"),
        }
        count += 1;
    }
    assert!(count > 150, "{count}");
}
