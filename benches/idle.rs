//! A loop that sleeps: memory of its whole process tree and context switches; then CPU per tick; then
//! TERM in mid-sleep.

mod support;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeVal;
use nix::unistd::Pid;
use support::{Job, PATH, option, quantile};

/// A name, and the words with `{interval}` and `{worker}`.
const CONTENDERS: [(&str, &str); 4] = [
    ("C static glibc", "{job}/interval {interval} {worker}"),
    ("futo-launch", "{job}/futo-launch --home {job}/home --interval {interval} -- {worker}"),
    ("dash loop", "/bin/dash {job}/loop.sh {interval} {worker}"),
    ("bash loop", "/bin/bash {job}/loop.sh {interval} {worker}"),
];

fn start(job: &Job, words: &str, interval: &str) -> Child {
    let words = words
        .replace("{job}", &job.directory.display().to_string())
        .replace("{interval}", interval)
        .replace("{worker}", "/bin/true");
    let mut words = words.split(' ');
    Command::new(words.next().expect("a program"))
        .args(words)
        .env_clear()
        .env("PATH", PATH)
        .current_dir(&job.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// The process and all below it.
fn tree(root: i32) -> Vec<i32> {
    let mut found = vec![root];
    let mut index = 0;
    while let Some(pid) = found.get(index).copied() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        index += 1;
    }
    found
}

fn field(file: String, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

fn switches(pid: i32) -> u64 {
    let status = format!("/proc/{pid}/status");
    field(status.clone(), "voluntary_ctxt_switches:") + field(status, "nonvoluntary_ctxt_switches:")
}

/// Microseconds of CPU, user and system, of a loop of 0.1 s and all it ran in `seconds`.
fn cpu(job: &Job, words: &str, seconds: u64) -> f64 {
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
        let microseconds = |time: TimeVal| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64;
        microseconds(usage.user_time()) + microseconds(usage.system_time())
    };
    let before = used();
    let mut child = start(job, words, "0.1");
    std::thread::sleep(Duration::from_secs(seconds));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("it is there");
    child.wait().expect("waited");
    used() - before
}

fn end(mut child: Child) {
    for pid in tree(child.id().cast_signed()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    child.wait().expect("waited");
}

fn main() {
    let seconds = option("-s", 20) as u64;
    let job = Job::set_up();
    fs::write(job.directory.join("loop.sh"), "while true; do \"$2\"; sleep \"$1\"; done\n")
        .expect("a script");

    println!("{:<16} {:>9} {:>8} {:>8} {:>12}", "asleep", "processes", "PSS kB", "dirty kB", "switches/min");
    let children: Vec<Child> = CONTENDERS.iter().map(|(_, words)| start(&job, words, "600")).collect();
    std::thread::sleep(Duration::from_secs(2));
    let before: Vec<u64> = children.iter().map(|child| switches(child.id().cast_signed())).collect();
    std::thread::sleep(Duration::from_secs(seconds));
    for (((name, _), child), before) in CONTENDERS.iter().zip(children).zip(before) {
        let pids = tree(child.id().cast_signed());
        let sum =
            |name: &str| pids.iter().map(|pid| field(format!("/proc/{pid}/smaps_rollup"), name)).sum::<u64>();
        let per_minute = (switches(child.id().cast_signed()) - before) * 60 / seconds.max(1);
        println!(
            "{name:<16} {:>9} {:>8} {:>8} {per_minute:>12}",
            pids.len(),
            sum("Pss:"),
            sum("Private_Dirty:")
        );
        end(child);
    }

    println!("\n{:<16} {:>9} {:>8}", "CPU per tick", "µs", "of C");
    let mut rows: Vec<Vec<f64>> = CONTENDERS.iter().map(|_| Vec::new()).collect();
    for _ in 0..3 {
        for ((_, words), row) in CONTENDERS.iter().zip(&mut rows) {
            row.push((cpu(&job, words, 6) - cpu(&job, words, 1)) / 50.0);
        }
    }
    let least = quantile(&mut rows[0], 0.5);
    for ((name, _), row) in CONTENDERS.iter().zip(&mut rows) {
        let median = quantile(row, 0.5);
        println!("{name:<16} {median:>9.0} {:>8.2}", median / least);
    }

    println!("\n{:<16} {:>9} {:>8}", "TERM in sleep", "median ms", "max");
    for (name, words) in CONTENDERS {
        let mut times = Vec::new();
        for _ in 0..20 {
            let mut child = start(&job, words, "600");
            std::thread::sleep(Duration::from_millis(300));
            let below = tree(child.id().cast_signed());
            let before = Instant::now();
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("it is there");
            child.wait().expect("waited");
            times.push(before.elapsed().as_secs_f64() * 1e3);
            for pid in below.into_iter().skip(1) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        println!("{name:<16} {:>9.3} {:>8.3}", quantile(&mut times, 0.5), quantile(&mut times, 1.0));
    }
}
