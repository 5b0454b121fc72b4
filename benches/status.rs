//! A look at 500 services with full histories: `futo status`, its page, and s6-svstat once for each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SERVICES: usize = 500;
const ROUNDS: usize = 15;

fn main() {
    let directory = std::env::temp_dir().join(format!("futo-status-{}", std::process::id()));
    let scan = directory.join("scan");
    let state = directory.join("state");
    fs::create_dir_all(&state).expect("a directory");
    let history: String = (0..200)
        .map(|run| {
            let (hour, minute) = (run / 12, run % 12 * 5);
            format!(
                "{{\"start\":\"2026-11-{:02}T{:02}:{minute:02}:54.000Z\",\"how\":\"exited\",\"duration\":1.0,\"status\":0}}\n",
                21 + hour / 24,
                hour % 24,
            )
        })
        .collect();
    std::os::unix::fs::chown(&state, Some(911), Some(911)).expect("root, in benches/run");
    for number in 0..SERVICES {
        let service = scan.join(format!("svc{number:03}"));
        fs::create_dir_all(&service).expect("a service directory");
        let run =
            format!("#!/bin/sh\nexec futo-launch --state-dir {} --interval 5m -- true\n", state.display());
        fs::write(service.join("run"), run).expect("written");
        fs::set_permissions(service.join("run"), fs::Permissions::from_mode(0o755)).expect("its mode");
        // supervised, and quiet while it is measured
        fs::write(service.join("down"), "").expect("written");
        let record = format!(
            "{{\"version\":1,\"name\":\"svc{number:03}\",\"runs\":7,\"last_start\":\"2026-11-22T03:45:54Z\",\
             \"last_end\":\"2026-11-22T03:45:55Z\",\"last_status\":0,\"last_duration\":1.0}}"
        );
        let texts =
            [("json", record.as_str()), ("runs", history.as_str()), ("log", "hello\nposted, status 200\n")];
        for (suffix, text) in texts {
            let path = state.join(format!("svc{number:03}.{suffix}"));
            fs::write(&path, text).expect("written");
            std::os::unix::fs::chown(&path, Some(911), Some(911)).expect("root");
        }
    }
    let mut svscan = Command::new("s6-svscan")
        .args(["-c", "1000"])
        .arg(&scan)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("s6-svscan");
    let last = scan.join(format!("svc{:03}/supervise/status", SERVICES - 1));
    while !last.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // the other ones, and what they write
    std::thread::sleep(Duration::from_secs(2));

    let ours = |words: &[&str]| {
        let mut futo = Command::new(env!("CARGO_BIN_EXE_futo"));
        futo.arg("status").args(words).args(["--from", "/nonexistent", "--scan-dir"]).arg(&scan);
        time(&mut futo)
    };
    let script = format!("for s in {}/*; do s6-svstat $s; done", scan.display());
    let names = ["futo status", "futo status --json", "futo status --html", "s6-svstat, 500 times"];
    let mut rows: Vec<(&str, Vec<Duration>)> = names.map(|name| (name, Vec::new())).to_vec();
    for _ in 0..ROUNDS {
        rows[0].1.push(ours(&[]));
        rows[1].1.push(ours(&["--json"]));
        rows[2].1.push(ours(&["--html"]));
        rows[3].1.push(time(Command::new("sh").args(["-c", &script])));
    }
    for (name, mut times) in rows {
        times.sort();
        println!("{name:<24} {:>8.1} ms", times[times.len() / 2].as_secs_f64() * 1000.0);
    }
    stop(&mut svscan, &scan);
    fs::remove_dir_all(&directory).expect("removed");
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("it starts");
    assert!(status.success());
    start.elapsed()
}

fn stop(svscan: &mut std::process::Child, scan: &Path) {
    Command::new("s6-svscanctl").arg("-t").arg(scan).status().expect("s6-svscanctl");
    svscan.wait().expect("waited");
}
