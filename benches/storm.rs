//! Five hundred services on one s6-svscan: seconds until the last worker's first instruction.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Job, PATH, option, quantile};

fn monotonic() -> f64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("a clock");
    Duration::from(now).as_secs_f64()
}

fn main() {
    let services = option("-n", 500);
    let rounds = option("-r", 3);
    let job = Job::set_up();
    let contenders = job.contenders(&format!("{} stay", job.worker.display()), "");
    let mut times: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
    // a boot's scan directory is on tmpfs
    let base = job.directory.join("tmpfs");
    fs::create_dir(&base).expect("a directory");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&base).status().expect("mount");
    assert!(mounted.success());

    for _ in 0..rounds {
        for (contender, times) in contenders.iter().zip(&mut times) {
            let scan = base.join("scan");
            fs::create_dir(&scan).expect("a scan directory");
            for number in 0..services {
                let directory = scan.join(format!("s{number:04}"));
                fs::create_dir(&directory).expect("a service directory");
                let run = directory.join("run");
                match contender.words.as_slice() {
                    [script] => fs::copy(script, &run).map(drop).expect("a run script"),
                    words => fs::write(&run, format!("#!/bin/sh\nexec {}\n", words.join(" ")))
                        .expect("a run script"),
                }
                fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("its mode");
            }
            let log = job.directory.join("log/app.log");
            fs::File::create(&log).expect("an empty log");
            Command::new("sync").status().expect("sync");

            let before = monotonic();
            let mut svscan = Command::new("s6-svscan")
                .args(["-c", &(services + 10).to_string()])
                .arg(&scan)
                .env_clear()
                .env("PATH", PATH)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("s6-svscan");
            while fs::metadata(&log).expect("the log").len() < 16 * services as u64 {
                assert!(monotonic() - before < 120.0, "{}: not all are up", contender.name);
                std::thread::sleep(Duration::from_millis(10));
            }
            let stamps = fs::read(&log).expect("the log");
            let part = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().expect("8 bytes")) as f64;
            let last = stamps.chunks_exact(16).map(|stamp| part(&stamp[..8]) + part(&stamp[8..]) / 1e9);
            times.push(last.fold(0.0, f64::max) - before);
            Command::new("s6-svscanctl").arg("-t").arg(&scan).status().expect("s6-svscanctl");
            svscan.wait().expect("waited");
            fs::remove_dir_all(&scan).expect("removed");
        }
    }
    let unmounted = Command::new("umount").arg(&base).status().expect("umount");
    assert!(unmounted.success());

    let floor = quantile(&mut times[0], 0.5);
    println!("{:<26} {:>9} {:>8}", format!("{services} services, s"), "median", "floors");
    for (contender, times) in contenders.iter().zip(&mut times) {
        let median = quantile(times, 0.5);
        println!("{:<26} {median:>9.3} {:>8.2}", contender.name, median / floor);
    }
    println!("Compiled contenders are started by a one-line run file of sh, as in real life.");
}
