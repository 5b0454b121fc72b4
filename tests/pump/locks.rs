//! Several pumps of one log, and the lock by which they take turns.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::numbered::line;
use crate::support::{eventually, eventually_contains, needs, own_by_abc, read, signal, write};
use crate::{all, assert_numbered, eventually_no_pump, pumps};

fn lock(direct: &Direct) -> PathBuf {
    PathBuf::from(format!("{}.pump", direct.log_path().display()))
}

/// A worker that ends and leaves a process behind that writes numbered lines; gives its pid.
fn leave_behind(direct: &mut Direct, options: &[&str], count: &str, pause: &str) -> i32 {
    let lines = direct.scratch.lines().display().to_string();
    let script = format!("{lines} bursts {count} '' {pause} & echo $! >left");
    direct.launch(Caller::Root, options, &["sh", "-c", &script]);
    assert_eq!(direct.end(), 0, "{}", direct.stderr());
    read(direct.directory().join("left")).trim().parse().expect("a pid")
}

/// What both of two writers wrote, whose lines may be cut into each other only where a portion of one ends within a
/// line: so that all bytes of one are there in order once the whole lines of the other are taken out.
fn assert_both(bytes: &[u8], second: &str, count: usize, first: u64) {
    let mut rest = bytes.to_vec();
    for number in 0..count {
        let expected = format!("{second} {number}\n").into_bytes();
        let at = memchr::memmem::find(&rest, &expected);
        let at = at.unwrap_or_else(|| panic!("'{second} {number}' is not in the log"));
        rest.drain(at..at + expected.len());
    }
    let expected: Vec<u8> = (0..first).flat_map(line).collect();
    let same = rest.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    assert!(rest == expected, "differs at {same} of {}, {} long", expected.len(), rest.len());
}

#[test]
fn what_is_in_place_of_a_lock_is_reported_with_its_place_and_remedy() {
    needs!(root);
    for (kind, said) in [
        ("link", "is a symbolic link"),
        ("fifo", "is a FIFO"),
        ("hard link", "has 2 hard links"),
        ("directory", "is a directory"),
    ] {
        let mut direct = Direct::new("lock");
        let secret = direct.scratch.join("state/secret");
        write(&secret, "secret\n", 0o666);
        own_by_abc(&secret);
        let lock = lock(&direct);
        put(kind, &secret, &lock);
        direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", "echo one"]);
        assert_eq!(direct.end(), 0);
        let stderr = direct.stderr();
        assert!(stderr.contains(said) && stderr.contains("'lock.log.pump'"), "{kind}: {stderr}");
        assert!(stderr.contains(&format!("mv -T '{}'", lock.display())), "{kind}: {stderr}");
        assert!(stderr.ends_with("one\n"), "{kind}: as where the log cannot be opened: {stderr}");
        assert_eq!(read(&secret), "secret\n", "{kind}");
        eventually_no_pump(&direct);
    }
}

fn put(kind: &str, secret: &PathBuf, place: &PathBuf) {
    match kind {
        "link" => symlink(secret, place).expect("a link"),
        "fifo" => nix::unistd::mkfifo(place, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO"),
        "hard link" => fs::hard_link(secret, place).expect("a name"),
        _ => fs::create_dir(place).expect("a directory"),
    }
}

#[test]
fn what_is_put_in_place_of_a_lock_stops_the_log_until_it_is_gone() {
    needs!(root);
    let script = "echo one; while [ ! -e two ]; do sleep 0.05; done; echo two";
    for kind in ["link", "fifo", "hard link", "directory"] {
        let mut direct = Direct::start("lock", &["--log-live"], script);
        direct.logs("one");
        let (secret, lock) = (direct.scratch.join("state/secret"), lock(&direct));
        write(&secret, "secret\n", 0o666);
        fs::remove_file(&lock).expect("removed");
        put(kind, &secret, &lock);
        direct.write("two", "", 0o644);
        eventually_contains(&direct.scratch.join("stderr"), "unable to open its lock 'lock.log.pump'");
        assert_eq!(direct.end(), 0);
        assert_eq!((direct.log().as_str(), read(&secret).as_str()), ("one\n", "secret\n"), "{kind}");
        match kind {
            "directory" => fs::remove_dir(&lock).expect("removed"),
            _ => fs::remove_file(&lock).expect("removed"),
        }
        assert_eq!(direct.logs("two"), "one\ntwo\n", "{kind}");
        eventually_no_pump(&direct);
        assert!(fs::metadata(&lock).expect("another lock").is_file());
    }
}

#[test]
fn a_lock_that_is_removed_again_and_again_keeps_two_pumps_from_overwriting_each_other() {
    needs!(root);
    let options = ["--log-live", "--log-size", "256K", "--log-keep", "1000"];
    let mut direct = Direct::new("removed");
    leave_behind(&mut direct, &options, "30000", "5000");
    let script = "n=0; while [ $n -lt 300 ]; do echo second $n; n=$((n + 1)); sleep 0.003; done";
    direct.launch(Caller::Root, &options, &["sh", "-c", script]);
    while direct.is_running() {
        let _ = fs::remove_file(lock(&direct));
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    assert_both(&all(&direct.log_path()), "second", 300, 30_000);
}

#[test]
fn what_is_left_behind_and_writes_without_a_pause_does_not_hold_up_the_next_run() {
    needs!(root);
    for options in [&["--log-live"][..], &["--log-live", "--log-stamp", "iso"]] {
        let mut direct = Direct::new("starved");
        let options = [&["--log-size", "1M", "--log-keep", "3"], options].concat();
        let left = leave_behind(&mut direct, &options, "1000000000", "0");
        let script = "echo second >&2; while [ ! -e go ]; do sleep 0.02; done; echo third";
        direct.launch(Caller::Root, &options, &["sh", "-c", script]);
        let log = direct.log_path();
        let has = |text: &str| memchr::memmem::find(&all(&log), text.as_bytes()).is_some();
        eventually("the next run's line is in the log", || has("second\n").then_some(()));
        direct.write("go", "", 0o644);
        eventually("and another", || has("third\n").then_some(()));
        assert_eq!(direct.end(), 0);
        assert_eq!(pumps(&direct).len(), 2, "what was left behind keeps its own");
        signal(left, Signal::SIGKILL);
        eventually_no_pump(&direct);
    }
}

#[test]
fn a_log_that_stays_unwritable_costs_no_process_for_ever_and_what_is_lost_is_reported() {
    needs!(root);
    let mut direct = Direct::new("lost");
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", "echo one"]);
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    let script = "while [ ! -e go ]; do sleep 0.02; done; echo two; echo three";
    for _ in 0..3 {
        let _ = fs::remove_file(direct.directory().join("go"));
        direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", script]);
        eventually("a pump", || crate::pair(&direct));
        let aside = direct.scratch.join("state/aside");
        if direct.log_path().is_file() {
            fs::rename(direct.log_path(), &aside).expect("renamed");
            fs::create_dir(direct.log_path()).expect("a directory");
        }
        direct.write("go", "", 0o644);
        assert_eq!(direct.end(), 0);
        if direct.log_path().is_dir() {
            // the next launcher finds a log that it can open
            eventually("its pump has gone", || pumps(&direct).is_empty().then_some(()));
            fs::remove_dir(direct.log_path()).expect("removed");
            fs::rename(&aside, direct.log_path()).expect("renamed");
            let noted = read(lock(&direct));
            assert!(noted.contains("it is a directory") && noted.contains("up to 10 bytes"), "{noted}");
        }
    }
    let stderr = direct.stderr();
    assert_eq!(stderr.matches("gave up on log").count(), 3, "{stderr}");
    assert!(stderr.contains("up to 10 bytes of its output are lost"), "{stderr}");
    // over with the next line that is written
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", "echo four"]);
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    assert_eq!(direct.log(), "one\nfour\n");
    assert!(read(lock(&direct)).contains("\"trouble\":null"), "{}", read(lock(&direct)));
}

#[test]
fn a_log_directory_that_is_renamed_does_not_take_the_log_with_it() {
    needs!(root);
    let script = "echo one; while [ ! -e two ]; do sleep 0.05; done; echo two";
    let mut direct = Direct::start("renamed", &["--log-live"], script);
    direct.logs("one");
    let aside = direct.scratch.join("aside");
    fs::rename(direct.scratch.join("state"), &aside).expect("renamed");
    direct.scratch.directory_of_abc("state");
    // it looks at the directory at most once a second
    std::thread::sleep(std::time::Duration::from_millis(1100));
    direct.write("two", "", 0o644);
    assert_eq!(direct.logs("two"), "two\n");
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    assert_eq!(read(aside.join("renamed.log")), "one\n");
    assert!(lock(&direct).is_file());
}

#[test]
fn our_own_lines_of_a_launcher_without_a_pump_are_not_overwritten_by_an_older_pump() {
    needs!(root);
    let mut direct = Direct::new("own");
    let options = ["--log-live", "--log-size", "100M"];
    leave_behind(&mut direct, &options, "30000", "5000");
    direct.launch(Caller::Root, &["--every", "0.01", "--log-size", "0"], &["false"]);
    let failed = |count: u64| format!("({count} times in a row)");
    eventually("many failures", || direct.log().contains(&failed(60)).then_some(()));
    direct.end_by(Signal::SIGTERM);
    eventually_no_pump(&direct);
    let mut bytes = fs::read(direct.log_path()).expect("the log");
    // they may stand within a line of which the pump had a part
    let mut own = 0;
    while let Some(at) = memchr::memmem::find(&bytes, b" own: warning: worker failed") {
        let end = at + memchr::memchr(b'\n', &bytes[at..]).expect("a whole line");
        bytes.drain(at - "2026-11-27T13:37:07Z".len()..=end);
        own += 1;
    }
    assert!(own >= 60, "{own}");
    assert_eq!(assert_numbered(&bytes), 30_000);
}
