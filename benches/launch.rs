//! From just before the fork to the worker's first instruction, in microseconds: every contender once
//! a round, in random order.

mod support;

use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Job, PATH, option, quantile};

fn monotonic() -> f64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("a clock");
    Duration::from(now).as_secs_f64() * 1e6
}

fn main() {
    let rounds = option("-n", 300);
    let job = Job::set_up();
    let contenders = job.contenders(&job.worker.display().to_string(), " --keep-fd 9");
    let mut times: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();

    // the worker writes its first instruction's time to descriptor 9
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).expect("a pipe");
    let ninth = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_DUPFD(9)).expect("a copy");
    assert_eq!(ninth.as_raw_fd(), 9, "descriptor 9 is free");
    let mut reader = std::fs::File::from(reader);

    let mut seed: u64 = 88_172_645_463_325_252;
    for round in 0..rounds + 5 {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        for index in (1..order.len()).rev() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            order.swap(index, seed as usize % (index + 1));
        }
        for index in order {
            let words = &contenders[index].words;
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).env_clear().env("PATH", PATH).env("HOME", "/root");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let before = monotonic();
            let mut child = command.spawn().expect("it starts");
            let mut stamp = [0_u8; 16];
            reader.read_exact(&mut stamp).expect("the worker's time");
            assert!(child.wait().expect("waited").success(), "{}", contenders[index].name);
            let part = |from: usize| i64::from_ne_bytes(stamp[from..from + 8].try_into().expect("8 bytes"));
            if round >= 5 {
                times[index].push(part(0) as f64 * 1e6 + part(8) as f64 / 1e3 - before);
            }
        }
    }

    let floor = quantile(&mut times[0], 0.5);
    println!("{:<26} {:>9} {:>9} {:>9} {:>8}", "launch, µs", "median", "p10", "p90", "floors");
    for (contender, times) in contenders.iter().zip(&mut times) {
        let median = quantile(times, 0.5);
        let (low, high) = (quantile(times, 0.1), quantile(times, 0.9));
        println!("{:<26} {median:>9.1} {low:>9.1} {high:>9.1} {:>8.2}", contender.name, median / floor);
    }
}
