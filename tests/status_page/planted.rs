//! Services with records, histories and logs, as if they had run for a week; some of what they wrote is hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::launching::{code, finish};
use crate::support::{Scratch, own_by_abc, stderr};

/// What could break out of a page.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "]]>--></pre></table><img src=http://127.0.0.1:9/x onerror=alert(1)>",
    "\u{202e}txet desrever\u{2066}",
    "&lt;b&gt; &amp; \"quotes\" 'and more'",
    "\u{1b}[2J\u{7f}\u{85}",
    "javascript:alert(1)",
];

pub struct Planted {
    pub scratch: Scratch,
}

impl Planted {
    /// So many services in a directory of definitions; nothing runs.
    pub fn services(name: &str, count: usize, hostile: bool) -> Planted {
        let planted = Planted { scratch: Scratch::new(name) };
        planted.scratch.directory_of_abc("state");
        fs::create_dir_all(planted.scratch.join("definitions")).expect("a directory");
        fs::create_dir_all(planted.scratch.join("scan")).expect("a directory");
        for number in 0..count {
            planted.add(number, hostile);
        }
        planted
    }

    fn add(&self, number: usize, hostile: bool) {
        const NAMES: [&str; 6] =
            ["backup", "heartbeat", "mail-digest", "feed-reader", "price-watch", "thumbnails"];
        let name = match number {
            0..6 => NAMES[number].to_string(),
            _ => format!("{}-{number}", NAMES[number % 6]),
        };
        let state = self.scratch.join("state");
        let run =
            format!("#!/bin/sh\nexec futo-launch --state-dir {} --interval 30m -- true\n", state.display());
        self.scratch.write(Path::new("definitions").join(&name).join("run"), &run, 0o755);
        let text = match hostile && number % 3 == 1 {
            true => HOSTILE[number / 3 % HOSTILE.len()].repeat(if number % 2 == 0 { 1 } else { 20 }),
            false => "connection refused".to_string(),
        };
        let now = std::time::SystemTime::now();
        let at = |minutes: u64| {
            humantime::format_rfc3339_millis(now - std::time::Duration::from_secs(minutes * 60)).to_string()
        };
        let mut history = String::new();
        for back in (0..200_u64).rev() {
            let start = at(back * 30 + 1);
            let seed = back.wrapping_mul(2_654_435_761).wrapping_add(number as u64 * 97) % 1000;
            let run = match seed {
                0..25 => {
                    serde_json::json!({"start": start, "how": "exited", "duration": 1.5, "status": 1, "what": "exit status 1", "error": text})
                }
                25..35 => {
                    serde_json::json!({"start": start, "how": "timed-out", "duration": 60.0, "status": 124, "what": "timed out after 60 s"})
                }
                35..45 => serde_json::json!({"start": start, "how": "dropped", "ticks": 2}),
                _ => {
                    serde_json::json!({"start": start, "how": "exited", "duration": 3.0 + seed as f64 / 50.0, "status": 0})
                }
            };
            history.push_str(&format!("{run}\n"));
        }
        let failed = number % 9 == 4;
        let record = serde_json::json!({
            "version": 1, "name": name, "runs": 4000 + number, "failures": 90, "consecutive_failures": u64::from(failed) * 2,
            "last_start": at(1), "last_end": at(1), "last_status": i32::from(failed), "last_duration": 1.5,
            "ended_run": {"end": at(1), "status": i32::from(failed), "duration": 1.5, "how": "exited",
                "what": if failed { "exit status 1" } else { "exit status 0" }},
            "last_errors": [text, "b".repeat(if hostile { 64 * 1024 / 40 } else { 40 })],
        });
        for (file, content) in [("json", record.to_string()), ("runs", history), ("log", format!("{text}\n"))]
        {
            let path = state.join(format!("{name}.{file}"));
            fs::write(&path, content).expect("written");
            own_by_abc(&path);
        }
        if hostile && number == 1 {
            let mut log =
                fs::OpenOptions::new().append(true).open(state.join(format!("{name}.log"))).expect("the log");
            std::io::Write::write_all(&mut log, &[0xff; 64 * 1024]).expect("written");
        }
    }

    pub fn futo(&self, words: &[&str]) -> Command {
        let mut command = self.scratch.futo_by(&[], words);
        command.arg("--scan-dir").arg(self.scratch.join("scan"));
        command.arg("--from").arg(self.scratch.join("definitions"));
        command
    }

    /// Writes the page; gives its place.
    pub fn page(&self, options: &[&str]) -> PathBuf {
        let path = self.scratch.join("page.html");
        let words: Vec<&str> = ["status", "--html", "--output", path.to_str().expect("UTF-8")]
            .iter()
            .chain(options)
            .copied()
            .collect();
        let output = finish(&mut self.futo(&words));
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        path
    }

    pub fn json(&self) -> serde_json::Value {
        let output = finish(&mut self.futo(&["status", "--json"]));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// With FUTO_SCREENSHOTS=DIR, the options that leave a picture there.
    pub fn screenshot(&self, count: usize) -> Vec<String> {
        let Some(directory) = std::env::var_os("FUTO_SCREENSHOTS") else { return Vec::new() };
        let path = Path::new(&directory).join(format!("status-{count}.png"));
        vec![format!("--screenshot={}", path.display()), "--window-size=1100,1400".to_string()]
    }
}

/// As the page shows the text of a service.
pub fn shown(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            character if futo_launch::escape::is_hidden(character) => {
                escaped.extend(character.escape_default())
            }
            character => escaped.push(character),
        }
    }
    match escaped.chars().count() > 400 {
        true => escaped.chars().take(400).chain(['…']).collect(),
        false => escaped,
    }
}
