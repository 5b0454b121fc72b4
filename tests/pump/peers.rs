//! What a log loses when its logger is killed five times on a full pipe: ours and the supervisors' loggers.
//! FUTO_PUMP_LINES is the number of lines if it is more than a million. A table on stderr:
//! `sh tests/run --test pump -- --ignored --nocapture peers`

use std::fs;
use std::io::{Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::numbered;
use crate::support::numbered_log::without_stamps;
use crate::support::pumps::pair_without;
use crate::support::{Scratch, names_in, needs, signal};
use crate::{all, eventually_no_pump, scaled};

/// Each with limits that keep everything.
const PEERS: [(&str, &[&str]); 3] = [
    ("s6-log", &["-l", "0", "n1000", "s1000000"]),
    ("multilog", &["s1000000", "n1000"]),
    // its limits are in a file
    ("svlogd", &[]),
];

const KILLS: u64 = 5;

/// Without NUL bytes, which s6-log takes for line ends.
fn line(number: u64) -> Vec<u8> {
    let mut line = numbered::line(number);
    line.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'0');
    line
}

struct Loss {
    /// Lines that are not in the log whole.
    lost: u64,
    /// What is in the log between line ends and is no line.
    torn: u64,
    doubled: u64,
}

fn loss(log: &[u8], count: u64) -> Loss {
    let mut seen = vec![false; count as usize];
    let (mut torn, mut doubled) = (0, 0);
    for got in log.split_inclusive(|byte| *byte == b'\n') {
        let digits = got.get(..10).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| digits.parse::<u64>().ok());
        match number.filter(|number| *number < count && line(*number) == got) {
            None => torn += 1,
            Some(number) if seen[number as usize] => doubled += 1,
            Some(number) => seen[number as usize] = true,
        }
    }
    Loss { lost: seen.iter().filter(|seen| !**seen).count() as u64, torn, doubled }
}

fn report(name: &str, kills: u64, loss: &Loss) {
    eprintln!("{name:<28} {kills:>5} {:>6} {:>5} {:>8}", loss.lost, loss.torn, loss.doubled);
}

/// All lines in a file: what a worker reads from it and writes fills any pipe.
fn write_lines(path: &Path, count: u64) -> u64 {
    let mut file = std::io::BufWriter::new(fs::File::create(path).expect("a file"));
    (0..count).for_each(|number| file.write_all(&line(number)).expect("written"));
    file.flush().expect("written");
    fs::metadata(path).expect("its size").len()
}

/// Calls `kill` at places in the output that are spread over the whole; it gives the number of the call.
fn kill_while_it_writes(worker: i32, total: u64, kills: u64, mut kill: impl FnMut(u64)) {
    for number in 0..kills {
        let due = total / (kills + 1) * (number + 1) + number * 12_345;
        loop {
            let counts = fs::read_to_string(format!("/proc/{worker}/io")).expect("the worker");
            let written = counts.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
            if written.expect("the worker has not ended") >= due {
                break;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        kill(number);
    }
}

/// A logger whose pipe outlives it, as with a supervisor; it is started again at once.
fn peer(program: &str, options: &[&str], lines: &Path, total: u64, kills: u64) -> Vec<u8> {
    let scratch = Scratch::new("peer");
    let log: PathBuf = scratch.join("log");
    fs::create_dir(&log).expect("a directory");
    if program == "svlogd" {
        fs::write(log.join("config"), "s1000000\nn1000\n").expect("its options");
    }
    let (reader, writer) = pipe().expect("a pipe");
    let start = || {
        let mut command = Command::new(program);
        command.args(options).arg(&log).stdin(reader.try_clone().expect("a copy")).stdout(Stdio::null());
        command.spawn().expect("it starts")
    };
    let mut logger = start();
    let mut worker = Command::new("cat").arg(lines).stdout(writer).spawn().expect("it starts");
    kill_while_it_writes(worker.id().cast_signed(), total, kills, |_| {
        logger.kill().expect("it is there");
        logger.wait().expect("waited for");
        logger = start();
    });
    assert!(worker.wait().expect("waited for").success());
    assert!(logger.wait().expect("waited for").success());
    // those with a time in their name in the order of time
    let names = names_in(&log).into_iter().filter(|name| name.starts_with('@'));
    let files = names.chain(["current".to_string()]);
    files.flat_map(|name| fs::read(log.join(name)).expect("a log")).collect()
}

/// KILLs of writer and keeper in turn, the writer first.
fn ours(stamp: &[&str], lines: &Path, total: u64, kills: u64) -> Vec<u8> {
    let mut direct = Direct::new("peers");
    let live = ["--log-live", "--log-size", "1M", "--log-keep", "1000"];
    let lines = lines.display().to_string();
    direct.launch(Caller::Root, &[&live[..], stamp].concat(), &["cat", &lines]);
    let mut killed = 0;
    kill_while_it_writes(direct.pid(), total, kills, |number| {
        let (keeper, writer) = pair_without(&direct.scratch.launcher(), killed);
        killed = if number % 2 == 0 { writer } else { keeper };
        signal(killed, Signal::SIGKILL);
        assert!(direct.is_running(), "the worker has ended before it");
    });
    assert_eq!(direct.end(), 0, "{}", direct.stderr());
    eventually_no_pump(&direct);
    let log = all(&direct.log_path());
    if stamp.is_empty() { log } else { without_stamps(&log) }
}

#[test]
#[ignore = "a measure"]
fn peers_lose_lines_when_they_are_killed_and_the_pump_none() {
    needs!(root, "s6-log", "multilog", "svlogd");
    let scratch = Scratch::new("peers-lines");
    let lines = scratch.join("lines");
    let count: u64 = scaled(1_000_000).parse().expect("a number");
    let total = write_lines(&lines, count);
    eprintln!("{:<28} {:>5} {:>6} {:>5} {:>8}", "logger", "KILLs", "lost", "torn", "doubled");
    for kills in [0, KILLS, KILLS, KILLS] {
        for (program, options) in PEERS {
            report(program, kills, &loss(&peer(program, options, &lines, total, kills), count));
        }
        for (name, stamp) in
            [("--log-live", &[][..]), ("--log-live --log-stamp iso", &["--log-stamp", "iso"])]
        {
            let loss = loss(&ours(stamp, &lines, total, kills), count);
            report(name, kills, &loss);
            assert_eq!((loss.lost, loss.torn, loss.doubled), (0, 0, 0), "{name}");
        }
    }
}
