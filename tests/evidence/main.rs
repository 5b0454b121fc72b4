//! Health needs evidence: what a service does is taken from its live process and from the record that this very
//! process wrote, whatever the run script looks like; what proves nothing is unknown, and not healthy.

mod launchers;
mod records;
mod states;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use support::launching::{code, finish};
use support::{Svscan, eventually_every, own_by_abc, read, stderr, stdout, write};

fn futo(svscan: &Svscan, words: &[&str]) -> Output {
    finish(&mut svscan.futo(&[], words))
}

fn page(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("JSON: {}", stderr(output)))
}

/// Word and reason of each service.
fn states(svscan: &Svscan, words: &[&str]) -> Vec<(String, String, String)> {
    let services = page(&futo(svscan, &[&["status", "--json"], words].concat()))["services"].clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    let row = |each: &serde_json::Value| (text(&each["name"]), text(&each["state"]), text(&each["why"]));
    services.as_array().expect("a list").iter().map(row).collect()
}

/// Between two looks at a launcher, which is looked at when it is several seconds old.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until the service is in this state; gives the reason.
fn becomes(svscan: &Svscan, name: &str, state: &str) -> String {
    eventually_every(PAUSE, &format!("{name} is {state}"), || {
        let all = states(svscan, &[]);
        let (_, word, why) = all.iter().find(|(each, ..)| each == name).expect("it is shown").clone();
        // a supervisor that has just been started has not written its status yet
        (word == state && !why.contains("supervise/status")).then_some(why)
    })
}

/// What `futo health` says of it.
fn health(svscan: &Svscan, name: &str) -> (i32, String) {
    let output = futo(svscan, &["health", name]);
    (code(&output), stdout(&output))
}

fn metric_of_health(svscan: &Svscan, name: &str) -> String {
    let metrics = stdout(&futo(svscan, &["status", "--prometheus"]));
    let line = format!("futo_service_healthy{{service=\"{name}\"}} ");
    metrics.lines().find_map(|each| each.strip_prefix(line.as_str())).expect("a metric").to_string()
}

fn mount_tmpfs(options: &str, at: &Path) {
    let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).status();
    assert!(status.expect("mount starts").success());
}

fn change(record: &Path, change: impl Fn(&mut serde_json::Value)) {
    let mut page: serde_json::Value = serde_json::from_str(&read(record)).expect("a record");
    change(&mut page);
    write(record, &page.to_string(), 0o640);
    own_by_abc(record);
}
