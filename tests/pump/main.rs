//! The log pump: nothing of what a worker writes is lost, doubled or out of order, whatever is killed; no file is too
//! large; and while nothing is written it does nothing.

mod copies;
mod ends;
mod full_volume;
mod locks;
mod peers;
mod stopping;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::numbered_log::{assert_numbered, files, without_stamps};
use support::pumps::{session_of, stat_field};
use support::{context_switches, eventually, needs, signal, throughout};

fn pumps(direct: &Direct) -> Vec<i32> {
    support::pumps::pumps(&direct.scratch.launcher())
}

fn pair(direct: &Direct) -> Option<(i32, i32)> {
    support::pumps::pair(&direct.scratch.launcher())
}

fn eventually_no_pump(direct: &Direct) {
    support::pumps::eventually_no_pump(&direct.scratch.launcher());
}

fn all(log: &Path) -> Vec<u8> {
    files(log).concat()
}

fn progress(path: &Path) -> u64 {
    fs::read(path).ok().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

const LIVE: [&str; 5] = ["--log-live", "--log-size", "256K", "--log-keep", "1000"];

fn lines_words(direct: &Direct, pattern: &str, count: &str) -> Vec<String> {
    let program = direct.scratch.lines().display().to_string();
    let progress = direct.scratch.join("state/progress").display().to_string();
    vec![program, pattern.to_string(), count.to_string(), progress]
}

fn start(direct: &mut Direct, options: &[&str], words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    direct.launch(Caller::Root, options, &words);
}

/// How many lines a case writes: more with FUTO_PUMP_LINES.
fn scaled(count: u64) -> String {
    let most = std::env::var("FUTO_PUMP_LINES").ok().and_then(|count| count.parse::<u64>().ok());
    most.map_or(count, |most| most.max(count)).to_string()
}

#[test]
fn every_line_is_in_the_log_whole_once_and_in_order_across_rotations() {
    needs!(root);
    for (pattern, count) in [("bursts", 60_000), ("large", 60_000), ("lines", 40_000), ("bytes", 400)] {
        for options in [
            &LIVE[..],
            &[&LIVE[..], &["--log-gzip"]].concat(),
            &[&LIVE[..], &["--log-stamp", "iso"]].concat(),
        ] {
            let mut direct = Direct::new("whole");
            let count = scaled(count);
            let words = lines_words(&direct, pattern, &count);
            start(&mut direct, options, &words);
            assert_eq!(direct.end(), 0, "{}", direct.stderr());
            eventually_no_pump(&direct);
            let files = files(&direct.log_path());
            for file in &files {
                assert!(file.len() <= 256 << 10, "{pattern} {options:?}: {} bytes", file.len());
                assert!(file.ends_with(b"\n"), "{pattern} {options:?}: a line is cut");
            }
            let bytes = match options.contains(&"iso") {
                true => without_stamps(&files.concat()),
                false => files.concat(),
            };
            assert_eq!(assert_numbered(&bytes), count.parse::<u64>().unwrap(), "{pattern} {options:?}");
        }
    }
}

#[test]
fn a_loop_has_one_pump_for_all_its_runs() {
    needs!(root);
    let mut direct = Direct::start("runs", &["--log-live", "--every", "0.1"], "echo run");
    direct.logs("run\n");
    let first = pair(&direct).expect("a pump");
    eventually("three runs", || (direct.log().matches("run\n").count() >= 3).then_some(()));
    assert_eq!(pair(&direct), Some(first));
    direct.end_by(Signal::SIGTERM);
    eventually_no_pump(&direct);
}

/// In kB; a page of the program's file that is not yet on the disk is no memory of a process.
fn private_dirty(pid: i32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).expect("its memory");
    let mut is_written = false;
    let mut sum = 0;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Private_Dirty:"), Some(count)) if is_written => {
                sum += count.parse::<u64>().expect("a number")
            }
            (Some(_), Some(rights)) if rights.len() == 4 && rights.ends_with('p') => {
                is_written = rights.contains('w');
            }
            _ => {}
        }
    }
    sum
}

#[test]
fn an_idle_pump_sleeps_and_takes_little_memory() {
    needs!(root);
    let mut direct =
        Direct::start("idle", &["--log-live", "--log-stamp", "iso"], "echo ready; exec sleep 1000");
    direct.logs("ready");
    let (keeper, writer) = pair(&direct).expect("a pump");
    std::thread::sleep(Duration::from_millis(100));
    let before = [context_switches(keeper), context_switches(writer)];
    throughout("it sleeps", Duration::from_secs(2), || {
        [context_switches(keeper), context_switches(writer)] == before
    });
    for pid in [keeper, writer] {
        let kilobytes = private_dirty(pid);
        let most = if cfg!(debug_assertions) { 160 } else { 64 };
        assert!(kilobytes <= most, "{kilobytes} kB");
        // nothing of the service's is open in it but the pipe, stderr and the log
        let open: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("its descriptors")
            .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.display().to_string()))
            .collect();
        assert!(open.len() < 16, "{open:?}");
        assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).expect("its directory"), Path::new("/"));
    }
    // signals of its service do not reach it, and a line is in the log soon
    for number in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGUSR1] {
        signal(keeper, number);
        signal(writer, number);
    }
    assert_eq!(pair(&direct), Some((keeper, writer)));
    direct.end_by(Signal::SIGTERM);
    eventually_no_pump(&direct);
}

#[test]
fn what_a_worker_leaves_behind_keeps_its_pump_and_delays_nothing() {
    needs!(root);
    let script = "(trap '' TERM; while [ ! -e end ]; do sleep 0.1; done; echo late) & echo run";
    let mut direct = Direct::new("leftover");
    direct.write("x", "", 0o644);
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", script]);
    assert_eq!(direct.end(), 0);
    direct.logs("run");
    assert!(!pumps(&direct).is_empty());
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", "echo second"]);
    assert_eq!(direct.end(), 0);
    direct.logs("second");
    direct.write("end", "", 0o644);
    assert_eq!(direct.logs("late"), "run\nsecond\nlate\n");
    eventually_no_pump(&direct);
}

#[test]
fn the_log_is_followed_by_its_name() {
    needs!(root);
    let script = "echo one; while [ ! -e two ]; do sleep 0.05; done; echo two; while [ ! -e three ]; do sleep 0.05; done; echo three";
    let mut direct = Direct::new("named");
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", script]);
    direct.logs("one");
    // as logrotate does it with create
    let aside = direct.scratch.join("state/aside");
    fs::rename(direct.log_path(), &aside).expect("renamed");
    support::write(&direct.log_path(), "", 0o640);
    support::own_by_abc(&direct.log_path());
    direct.write("two", "", 0o644);
    assert_eq!(direct.logs("two"), "two\n");
    fs::remove_file(direct.log_path()).expect("removed");
    direct.write("three", "", 0o644);
    assert_eq!(direct.logs("three"), "three\n");
    assert_eq!(support::read(&aside), "one\n");
    assert_eq!(direct.end(), 0);
}

#[test]
fn what_is_put_in_place_of_a_log_is_not_written() {
    needs!(root);
    let script = "echo one; while [ ! -e two ]; do sleep 0.05; done; echo two";
    for kind in ["link", "fifo", "hard link", "directory"] {
        let mut direct = Direct::new("replaced");
        direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", script]);
        direct.logs("one");
        let log = direct.log_path();
        fs::remove_file(&log).expect("removed");
        let secret = direct.scratch.join("state/secret");
        support::write(&secret, "secret\n", 0o666);
        match kind {
            "link" => symlink(&secret, &log).expect("a link"),
            "fifo" => nix::unistd::mkfifo(&log, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO"),
            "hard link" => fs::hard_link(&secret, &log).expect("a name"),
            _ => fs::create_dir(&log).expect("a directory"),
        }
        direct.write("two", "", 0o644);
        eventually("it is reported", || direct.stderr().contains("unable to write log").then_some(()));
        assert_eq!(support::read(&secret), "secret\n", "{kind}");
        assert_eq!(direct.end(), 0);
        match kind {
            "directory" => fs::remove_dir(&log).expect("removed"),
            _ => fs::remove_file(&log).expect("removed"),
        }
        assert_eq!(direct.logs("two"), "two\n", "{kind}");
        eventually_no_pump(&direct);
        assert_eq!(direct.stderr().matches("unable to write log").count(), 1, "{}", direct.stderr());
        assert!(direct.stderr().contains("is written again"), "{}", direct.stderr());
    }
}

#[test]
fn a_line_longer_than_a_file_is_passed_in_pieces() {
    needs!(root);
    let script = "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end";
    for stamp in [&[][..], &["--log-stamp", "iso"]] {
        let mut direct = Direct::new("long");
        direct.launch(
            Caller::Root,
            &[&["--log-live", "--log-size", "64K", "--log-keep", "9"], stamp].concat(),
            &["sh", "-c", script],
        );
        assert_eq!(direct.end(), 0);
        eventually_no_pump(&direct);
        let files = files(&direct.log_path());
        assert!(files.iter().all(|file| file.len() <= 64 << 10));
        let text = String::from_utf8(files.concat()).expect("text");
        assert_eq!(text.matches('x').count(), 200_000);
        assert_eq!(text.matches("[continued] ").count(), if stamp.is_empty() { 0 } else { files.len() - 1 });
        assert!(text.ends_with("end\n"));
    }
}

#[test]
fn a_pump_has_the_ids_of_the_user_and_its_files_their_mode() {
    needs!(root);
    let mut direct =
        Direct::start("ids", &["--log-live", "--log-mode", "0600"], "echo ready; exec sleep 1000");
    direct.logs("ready");
    let (keeper, writer) = pair(&direct).expect("a pump");
    for pid in [keeper, writer] {
        let owner = fs::metadata(format!("/proc/{pid}")).expect("it is there");
        assert_eq!((owner.uid(), owner.gid()), (911, 911));
    }
    let worker = direct.pid();
    assert_ne!(stat_field(keeper, 1), Some(worker), "it is no child of the worker");
    let status = fs::metadata(direct.log_path()).expect("the log");
    assert_eq!((status.uid(), status.mode() & 0o777), (911, 0o600));
    direct.end_by(Signal::SIGTERM);
}

#[test]
fn the_lock_of_a_pump_is_readable_only_by_its_user() {
    needs!(root);
    let mut direct = Direct::start("private", &["--log-live", "--log-mode", "0644"], "echo one");
    direct.logs("one");
    assert_eq!(direct.end(), 0);
    let lock = format!("{}.pump", direct.log_path().display());
    let status = fs::metadata(lock).expect("the lock");
    assert_eq!((status.uid(), status.mode() & 0o777), (911, 0o600));
}
