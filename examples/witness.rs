//! The worker of tests/convert, under any name: writes down, as JSON, what it was started with, prints a line to stdout
//! and one to stderr, and does what the test has set for a program of its name: exits, or stays until a signal.
//!
//! Reports are files in `/run/witness/SERVICE/reports`, numbered from 0; SERVICE is what the s6-supervise above it
//! supervises. `/run/witness/SERVICE/acts/PROGRAM` holds `stays`, or an exit code for each call, of which the last
//! counts for all further calls; `listens` stays too, with a port open: `listens 80`, or its first argument.
#![no_main]
#![expect(unsafe_code, reason = "a C main: Rust's start-up would change SIGPIPE and open descriptors")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

/// Exits as the act says; with 111 if it finds no place for its report.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> std::ffi::c_int {
    // first of all: reading /proc opens descriptors of its own
    let descriptors = descriptors();
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default().to_string();
    let Some(service) = service() else { return 111 };
    let place = Path::new("/run/witness").join(&service);
    let facts = facts(&program, &words, &descriptors);
    let print = |line: &str| {
        let _ = writeln!(std::io::stdout(), "{service}: {program}: {line}");
    };
    // once it has reported, it may be asked to end
    let asked = asked_to_end();
    let _ = asked.thread_block();
    print("stdout");
    // one write: others write to the same log
    let _ = std::io::stderr().write_all(format!("{service}: {program}: stderr\n").as_bytes());
    let Some(call) = report(&place, &program, &facts) else { return 111 };
    let act = fs::read_to_string(place.join("acts").join(&program)).unwrap_or_else(|_| "stays".to_string());
    let listens = act.trim().strip_prefix("listens").map(str::trim_start);
    let codes: Vec<&str> = act.split_whitespace().filter(|_| listens.is_none()).collect();
    if let Some(code) = codes.get(call.min(codes.len().saturating_sub(1))).and_then(|word| word.parse().ok())
    {
        return code;
    }
    let port = listens.and_then(|port| port.parse().or(words.get(1)?.parse()).ok());
    let _listener = port.map(|port: u16| std::net::TcpListener::bind(("127.0.0.1", port)));
    print(&format!("got {}", asked.wait().map_or("nothing", Signal::as_str)));
    0
}

/// The signals that ask it to end.
fn asked_to_end() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// Number and target of each open descriptor.
fn descriptors() -> BTreeMap<String, String> {
    let target = |fd: i32| fs::read_link(format!("/proc/self/fd/{fd}")).ok();
    (0..1024).filter_map(|fd| Some((fd.to_string(), target(fd)?.to_string_lossy().into_owned()))).collect()
}

/// The name of the service: what s6-supervise, the nearest process above of this name, has as its argument. One that
/// probes for another is nobody's child, but still in its session.
fn service() -> Option<String> {
    let session = nix::unistd::getsid(None).ok()?;
    supervised(std::process::id().cast_signed()).or_else(|| supervised(session.as_raw()))
}

fn supervised(mut pid: i32) -> Option<String> {
    while pid > 0 {
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = words.split('\0');
        if words.next() == Some("s6-supervise") {
            return words.next().map(str::to_string);
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        pid = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
    }
    None
}

/// Everything that a worker inherits.
fn facts(program: &str, words: &[String], descriptors: &BTreeMap<String, String>) -> Value {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rows: BTreeMap<&str, String> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    let row = |name: &str| rows.get(name).cloned().unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limits: BTreeMap<&str, String> = limits
        .lines()
        .skip(1)
        .filter_map(|line| Some((line.get(..26)?.trim(), line.get(26..68)?)))
        .map(|(name, values)| (name, values.split_whitespace().collect::<Vec<_>>().join(":")))
        .collect();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let stat: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    json!({
        "program": program,
        "start": now.as_secs_f64(),
        "session": stat.get(3),
        "argv": words,
        "env": variables,
        "fds": descriptors,
        "limits": limits,
        "cwd": std::env::current_dir().unwrap_or_else(|_| PathBuf::from("?")),
        "uids": row("Uid"), "gids": row("Gid"), "groups": row("Groups"), "umask": row("Umask"),
        "signals blocked": row("SigBlk"), "signals ignored": row("SigIgn"),
        "capabilities": row("CapEff"), "bounding set": row("CapBnd"), "no_new_privs": row("NoNewPrivs"),
        "nice": stat.get(16),
        "oom_score_adj": fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default().trim(),
    })
}

/// Publishes the report, whole, under the next free number; how many of this program there were before it.
fn report(place: &Path, program: &str, facts: &Value) -> Option<usize> {
    let reports = place.join("reports");
    let draft = place.join("drafts").join(std::process::id().to_string());
    fs::write(&draft, facts.to_string()).ok()?;
    let mut number = 0;
    let mut before = 0;
    loop {
        let path = reports.join(number.to_string());
        match fs::hard_link(&draft, &path) {
            Ok(()) => return Some(before),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let other: Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
                before += usize::from(other["program"] == program);
                number += 1;
            }
            Err(_) => return None,
        }
    }
}
