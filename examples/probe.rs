//! Prints what a worker gets: ids, groups, directory, mask, descriptors, signals, environment names.
//! Try it: `futo-launch --umask 027 -- target/…/examples/probe`
#![no_main]
#![expect(unsafe_code, reason = "a C main: Rust's start-up would change SIGPIPE and open descriptors")]

use std::fmt::Write as _;
use std::fs;

/// Prints, and exits with 0 if everything could be printed.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> std::ffi::c_int {
    let mut page = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(page, "{name}={value}");
    };
    // first of all: reading /proc opens descriptors of its own
    let open: Vec<String> = (0..1024)
        .filter_map(|fd| {
            let target = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
            Some(format!("{fd}:{}", target.display()))
        })
        .collect();
    row("fds", open.join(" "));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (field, name) in [
        ("Uid:", "uids"),
        ("Gid:", "gids"),
        ("Groups:", "groups"),
        ("SigBlk:", "blocked"),
        ("SigIgn:", "ignored"),
        ("SigCgt:", "caught"),
        ("CapEff:", "capabilities"),
        ("NoNewPrivs:", "no_new_privs"),
        ("Umask:", "umask"),
    ] {
        let value = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        row(name, value.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |index: usize| numbers.get(index).copied().unwrap_or_default().to_string();
    row("pid", std::process::id().to_string());
    row("ppid", number(1));
    row("pgid", number(2));
    row("sid", number(3));
    row("nice", number(16));
    row("cwd", std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default());
    for line in fs::read_to_string("/proc/self/limits").unwrap_or_default().lines() {
        if let Some(values) = line.strip_prefix("Max open files") {
            row("nofile", values.split_whitespace().take(2).collect::<Vec<_>>().join(":"));
        }
    }
    let score = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    row("oom_score_adj", score.trim().to_string());
    row("args", std::env::args().skip(1).collect::<Vec<_>>().join(" "));
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    variables.sort();
    for (name, value) in variables {
        row(&format!("env.{name}"), value);
    }
    use std::io::Write as _;
    let written = std::io::stdout().write_all(page.as_bytes()).and_then(|()| std::io::stdout().flush());
    i32::from(written.is_err())
}
