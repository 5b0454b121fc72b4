//! State files are read as Python's json module reads them: random ones beside python3.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use futo_launch::boot::quota::MAX_INSTANCES;
use support::boot::Volume;
use support::launching::finish;
use support::{Random, needs, stderr, stdout};

/// As the gateway's boot module reads a state: utf-8-sig, then json, then the first key that is not None; what
/// it would end with an exception at is no state.
const ORACLE: &str = r#"
import json, pathlib, sys
states = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    state = None
    try:
        data = json.loads((path / "gateway_state.json").read_bytes().decode("utf-8-sig"))
        state = data.get("desired_state")
        if state is None:
            state = data.get("gateway_state")
            if isinstance(state, str) and state in ("draining", "degraded"):
                state = "running"
    except (ValueError, AttributeError):
        pass
    if isinstance(state, str):
        state = state.encode("utf-8", "surrogatepass").decode("utf-8", "replace")[:200]
    else:
        state = None
    states[path.name] = state
print(json.dumps(states))
"#;

impl Random {
    fn blank(&mut self) -> &'static str {
        self.one_of(&["", "", "", " ", "\n", "\t\r\n  "])
    }

    fn value(&mut self, depth: usize) -> String {
        const PLAIN: [&str; 36] = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "5",
            "-12.5e3",
            "1E+9",
            "1e999",
            "-1e-999",
            "18446744073709551616",
            "NaN",
            "Infinity",
            "-Infinity",
            "\"running\"",
            "\"stopped\"",
            "\"draining\"",
            "\"degraded\"",
            "\"starting\"",
            "\"runn\\u0069ng\"",
            "\"\"",
            "\" running\"",
            "\"\\udcff\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\ude00\\ud83d\"",
            "\"é\u{2028}\u{7f}\u{10ffff}\"",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            // what is refused
            "01",
            "1.",
            ".5",
            "-",
            "nan",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12\"",
        ];
        if depth < 4 && self.below(4) == 0 {
            let count = self.below(4);
            let parts: Vec<String> = (0..count).map(|_| self.value(depth + 1)).collect();
            if self.below(2) == 0 {
                return format!("[{}{}]", self.blank(), parts.join(","));
            }
            let members: Vec<String> = parts.iter().map(|value| format!("{}:{value}", self.key())).collect();
            return format!("{{{}{}}}", members.join(","), self.blank());
        }
        // most of them are well formed
        let known = if self.below(12) == 0 { PLAIN.len() } else { PLAIN.len() - 8 };
        self.one_of(&PLAIN[..known]).to_string()
    }

    fn key(&mut self) -> &'static str {
        self.one_of(&[
            "\"desired_state\"",
            "\"gateway_state\"",
            "\"gateway_state\"",
            "\"desired\\u005fstate\"",
            "\"pid\"",
            "\"\\udcff\"",
            "\"\"",
            "\"x\\ny\"",
        ])
    }

    fn text(&mut self) -> Vec<u8> {
        let mut text = self.one_of(&["", "", "", "\u{feff}", " \n"]).to_string();
        text.push('{');
        for number in 0..self.below(5) {
            if number > 0 {
                text.push(',');
            }
            let key = self.key();
            let value = if self.below(3) == 0 { "\"running\"".to_string() } else { self.value(0) };
            text.push_str(
                &[self.blank(), key, self.blank(), ":", self.blank(), &value, self.blank()].concat(),
            );
        }
        text.push('}');
        text.push_str(self.blank());
        let mut bytes = text.into_bytes();
        if self.below(3) == 0 {
            for _ in 0..=self.below(2) {
                self.spoil(&mut bytes);
            }
        }
        bytes
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len().max(1));
        let other = b"{}[]:,\"\\ue-+.0N \n\x00\xff\xed"[self.below(20)];
        match self.below(4) {
            0 if !bytes.is_empty() => drop(bytes.remove(at)),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, other),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = other;
                }
            }
        }
    }
}

#[test]
fn four_thousand_state_files_are_read_as_python_reads_them() {
    needs!(root, "python3");
    let volume = Volume::new("state-fuzz");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut texts: BTreeMap<String, Vec<u8>> =
        (0..4000).map(|number| (format!("p{number:04}"), random.text())).collect();
    let deep = format!("{{\"x\":{}{},\"gateway_state\":\"running\"}}", "[".repeat(500), "]".repeat(500));
    texts.insert("deep".to_string(), deep.into_bytes());
    let mut ours = BTreeMap::new();
    volume.make("read");
    // with the root instance as many as are read at once
    for some in texts.iter().collect::<Vec<_>>().chunks(MAX_INSTANCES - 1) {
        for (name, text) in some {
            volume.profile(name, text);
        }
        let ran = volume.reconcile(&["--dry-run", "--json"]);
        for row in ran.json()["services"].as_array().expect("services") {
            ours.insert(row["name"].as_str().expect("a name").to_string(), row["prior_state"].clone());
        }
        for (name, _) in some {
            let directory = volume.home("profiles").join(name);
            std::fs::rename(directory, volume.home("read").join(name)).expect("renamed");
        }
    }
    let mut oracle = Command::new("python3");
    let theirs = finish(oracle.args(["-c", ORACLE]).arg(volume.home("read")));
    let theirs: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&stdout(&theirs)).unwrap_or_else(|error| panic!("{error}: {}", stderr(&theirs)));
    assert_eq!(theirs.len(), texts.len());
    let mut running = 0;
    for (name, theirs) in &theirs {
        let text = String::from_utf8_lossy(&texts[name]);
        assert_eq!(&ours[name], theirs, "{name}: {text}");
        running += usize::from(theirs == "running");
    }
    // else they say nothing
    assert!((400..3000).contains(&running), "{running}");
    assert_eq!(theirs["deep"], "running");
    let _ = fs::remove_dir_all(volume.home("profiles"));
}
