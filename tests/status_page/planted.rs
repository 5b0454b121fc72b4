//! Services with records, histories and logs, as if they had run for some days; some of what they write is hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::launching::{code, finish};
use crate::support::{Scratch, Svscan, eventually, names_in, own_by_abc, read, stderr};

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
    svscan: Svscan,
}

impl Planted {
    /// So many services that run under s6-svscan, once each half hour; every ninth fails.
    pub fn live(name: &str, count: usize, hostile: bool) -> Planted {
        let planted = Planted::defined(name, count, hostile);
        for (name, run) in planted.definitions() {
            planted.svscan.add(&name, &[("run", run.as_str())]);
        }
        let has_run = |service: &serde_json::Value| !service["runs"]["last_end"].is_null();
        eventually("each has run", || {
            let json = planted.json();
            json["services"].as_array()?.iter().all(has_run).then_some(())
        });
        planted
    }

    /// So many services that are defined; nothing runs.
    pub fn defined(name: &str, count: usize, hostile: bool) -> Planted {
        let planted = Planted { svscan: Svscan::start(name) };
        planted.scratch().directory_of_abc("state");
        fs::create_dir_all(planted.scratch().join("definitions")).expect("a directory");
        for number in 0..count {
            planted.add(number, hostile);
        }
        planted
    }

    pub fn scratch(&self) -> &Scratch {
        &self.svscan.scratch
    }

    fn definitions(&self) -> Vec<(String, String)> {
        let directory = self.scratch().join("definitions");
        let run = |name: String| {
            let run = read(directory.join(&name).join("run"));
            (name, run)
        };
        names_in(&directory).into_iter().map(run).collect()
    }

    fn add(&self, number: usize, hostile: bool) {
        const NAMES: [&str; 6] =
            ["backup", "heartbeat", "mail-digest", "feed-reader", "price-watch", "thumbnails"];
        let name = match number {
            0..6 => NAMES[number].to_string(),
            _ => format!("{}-{number}", NAMES[number % 6]),
        };
        let state = self.scratch().join("state");
        let failed = number % 9 == 4;
        let said = state.join(format!("{name}.said"));
        let run = format!(
            "#!/bin/sh\nexec {} --state-dir {} --interval 30m -- sh -c 'cat \"$1\"; exit \"$2\"' sh {} {}\n",
            self.scratch().launcher().display(),
            state.display(),
            said.display(),
            i32::from(failed),
        );
        self.scratch().write(Path::new("definitions").join(&name).join("run"), &run, 0o755);
        let text = match hostile && number % 3 == 1 {
            true => HOSTILE[number / 3 % HOSTILE.len()].repeat(if number.is_multiple_of(2) { 1 } else { 20 }),
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
                    serde_json::json!({"how": "exited", "duration": 1.5, "status": 1, "what": "exit status 1", "error": text})
                }
                25..35 => {
                    serde_json::json!({"how": "timed-out", "duration": 60.0, "status": 124, "what": "timed out after 60 s"})
                }
                35..45 => serde_json::json!({"how": "dropped", "ticks": 2}),
                _ => {
                    serde_json::json!({"how": "exited", "duration": 3.0 + seed as f64 / 50.0, "status": 0})
                }
            };
            // as the launcher writes it, the time comes first
            let rest = run.to_string();
            history.push_str(&format!("{{\"start\":\"{start}\",{}\n", &rest[1..]));
        }
        let record = serde_json::json!({
            "version": 1, "name": name, "runs": 4000 + number, "failures": 90, "consecutive_failures": u64::from(failed) * 2,
            "last_start": at(1), "last_end": at(1), "last_status": i32::from(failed), "last_duration": 1.5,
            "ended_run": {"end": at(1), "status": i32::from(failed), "duration": 1.5, "how": "exited",
                "what": if failed { "exit status 1" } else { "exit status 0" }},
            "last_errors": if hostile { vec![text.clone(), "b".repeat(1600)] } else { vec![text.clone()] },
        });
        for (file, content) in [
            ("json", record.to_string()),
            ("runs", history),
            ("said", format!("{text}\n")),
            ("log", format!("{text}\n")),
        ] {
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
        self.svscan.futo(&[], words)
    }

    /// Writes the page; gives its place.
    pub fn page(&self, options: &[&str]) -> PathBuf {
        let path = self.scratch().join("page.html");
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
        vec![
            format!("--screenshot={}", path.display()),
            format!(
                "--window-size={}",
                match count {
                    1 => "390,700",
                    6 => "900,760",
                    _ => "1100,1900",
                }
            ),
        ]
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
