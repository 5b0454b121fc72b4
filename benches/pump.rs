//! What a logger costs: processor time per GB of 100-byte lines, in writes of 64 KiB and of a line each;
//! every contender once a round. The worker's own share is taken off.

mod support;

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitStatus, wait};
use support::{PATH, compile, option, quantile};

/// A name and its words: with `{lines}` it starts the worker itself, without it reads the worker's pipe.
const CONTENDERS: [(&str, &str); 9] = [
    // in as much memory as the others, which keep eleven files
    ("C read and write (floor)", "{dir}/copy {dir}/copy.log 11000000"),
    ("the same, a file that grows", "{dir}/copy {dir}/grown.log"),
    ("--log-live, rotated", "{dir}/futo-launch {ours} --log {dir}/abc/plain.log --log-live -- {lines}"),
    (
        "the same, --log-stamp iso",
        "{dir}/futo-launch {ours} --log {dir}/abc/iso.log --log-stamp iso -- {lines}",
    ),
    ("s6-log n10 s1000000", "s6-log n10 s1000000 {dir}/s6"),
    ("s6-log n10 s1000000 T", "s6-log n10 s1000000 T {dir}/s6-stamped"),
    ("multilog s1000000 n10", "multilog s1000000 n10 {dir}/multilog"),
    ("multilog t s1000000 n10", "multilog t s1000000 n10 {dir}/multilog-stamped"),
    ("svlogd, s1000000 n10", "svlogd {dir}/svlogd"),
];

const OURS: &str = "--state-dir {dir}/abc --log-size 1M --log-keep 10";

/// A directory on tmpfs.
struct Place(PathBuf);

impl Place {
    fn set_up() -> Place {
        let directory = PathBuf::from(format!("/dev/shm/futo-bench-{}", std::process::id()));
        fs::create_dir_all(directory.join("svlogd")).expect("a directory on tmpfs");
        fs::write(directory.join("svlogd/config"), "s1000000\nn10\n").expect("svlogd's options");
        fs::create_dir_all(directory.join("abc")).expect("a directory for abc");
        fs::write(directory.join("abc/worker"), "").expect("a file for the worker's share");
        for path in ["abc", "abc/worker"] {
            lchown(directory.join(path), Some(911), Some(911)).expect("root");
        }
        compile(&directory, "copy", "copy", &[]);
        compile(&directory, "lines", "lines", &[]);
        fs::copy(env!("CARGO_BIN_EXE_futo-launch"), directory.join("futo-launch")).expect("the launcher");
        Place(directory)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(words: &str) -> Command {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).env_clear().env("PATH", PATH);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// In microseconds: of all descendants that have ended and been waited for.
fn used() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let microseconds = |time: TimeVal| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64;
    microseconds(usage.user_time()) + microseconds(usage.system_time())
}

/// Pumps, too: whoever has lost its parent is this process's child.
fn wait_for_all() {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(_, 0)) => {}
            Err(Errno::ECHILD) => return,
            other => panic!("{other:?}"),
        }
    }
}

/// Seconds of processor time per GB of a logger, with all that belongs to it.
fn cost(directory: &Path, words: &str, bytes: usize, portion: usize) -> f64 {
    let place = directory.display().to_string();
    let lines = format!("{place}/lines {bytes} {portion} {place}/abc/worker");
    let starts_worker = words.contains("{lines}");
    let words = words.replace("{ours}", OURS).replace("{lines}", &lines).replace("{dir}", &place);
    let before = used();
    if starts_worker {
        drop(command(&words).spawn().expect("it starts"));
    } else {
        let mut worker = command(&lines).stdout(Stdio::piped()).spawn().expect("it starts");
        let pipe = worker.stdout.take().expect("a pipe");
        drop(command(&words).stdin(pipe).spawn().expect("it starts"));
        assert!(worker.wait().expect("waited for").success());
    }
    wait_for_all();
    // its pages would be missing for the next
    let _ = fs::remove_file(directory.join("grown.log"));
    let worker = fs::read_to_string(directory.join("abc/worker")).expect("the worker's share");
    let worker: f64 = worker.trim().parse().expect("a number");
    (used() - before - worker) / 1e6 / (bytes as f64 / 1e9)
}

fn is_installed(words: &str) -> bool {
    let program = words.split(' ').next().unwrap_or_default();
    program.starts_with('{') || PATH.split(':').any(|directory| Path::new(directory).join(program).is_file())
}

fn main() {
    let rounds = option("-n", 5);
    let bytes = option("-m", 256) << 20;
    nix::sys::prctl::set_child_subreaper(true).expect("a reaper");
    let place = Place::set_up();
    let contenders: Vec<_> = CONTENDERS.iter().filter(|(_, words)| is_installed(words)).collect();
    for (title, portion) in [("writes of 64 KiB", 65_536), ("a write per line", 100)] {
        let mut times: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for ((_, words), times) in contenders.iter().zip(&mut times) {
                times.push(cost(&place.0, words, bytes, portion));
            }
        }
        let floor = quantile(&mut times[0], 0.5);
        println!("{title:<27} {:>9} {:>9} {:>9} {:>8}", "s/GB", "least", "most", "floors");
        for ((name, _), times) in contenders.iter().zip(&mut times) {
            let (median, least, most) = (quantile(times, 0.5), quantile(times, 0.0), quantile(times, 1.0));
            println!("{name:<27} {median:>9.3} {least:>9.3} {most:>9.3} {:>8.2}", median / floor);
        }
    }
}
