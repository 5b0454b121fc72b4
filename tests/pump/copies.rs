//! `--log-tee`: the copy on the inherited stdout.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{mkfifo, pipe};

use crate::support::direct::{Caller, Direct};
use crate::support::numbered::line;
use crate::support::{
    context_switches, eventually, eventually_dead, eventually_every, is_alive, needs, signal,
};
use crate::{
    assert_numbered, eventually_no_pump, lines_words, private_dirty, pumps, stat_field, without_stamps,
};

/// As long as a name may be.
fn longest_name() -> String {
    "n".repeat(200)
}

/// Keeper, writer and copier: only the copier has nothing open of the log's directory.
fn trio(direct: &Direct) -> Option<(i32, i32, i32)> {
    let directory = direct.scratch.join("state");
    let has_log = |pid: i32| {
        let listed = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let mut open = listed.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        Some(open.any(|path| path.starts_with(&directory)))
    };
    let pids = pumps(direct);
    let copier = *pids.iter().find(|pid| has_log(**pid) == Some(false))?;
    let keeper = stat_field(copier, 1).filter(|keeper| pids.contains(keeper))?;
    let is_writer = |pid: &&i32| stat_field(**pid, 1) == Some(keeper) && has_log(**pid) == Some(true);
    Some((keeper, *pids.iter().find(is_writer)?, copier))
}

/// A worker that writes numbered lines and stays until there is a file `end`.
fn lines_until_end(direct: &Direct, pattern: &str, count: &str, pause: &str) -> Vec<String> {
    let mut words = lines_words(direct, pattern, count);
    words.push(pause.to_string());
    let script = "\"$@\"; while [ ! -e end ]; do sleep 0.05; done";
    [&["sh", "-c", script, "sh"].map(str::to_string)[..], &words].concat()
}

fn launch_onto(direct: &mut Direct, stdout: impl Into<Stdio>, options: &[&str], words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    direct.launch_onto(stdout, options, &words);
}

/// How many lines of this service the copy accounts for: those that it has, in order and whole, and those that it
/// reports as left out; and how many of them it has.
fn tally(copy: &[u8], name: &str) -> (u64, u64) {
    let prefix = format!("{name}: ").into_bytes();
    let (mut number, mut copied) = (0, 0);
    let whole = copy.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    for each in copy[..whole].split_inclusive(|byte| *byte == b'\n') {
        let Some(content) = each.strip_prefix(&prefix[..]) else { continue };
        let text = String::from_utf8_lossy(content);
        match text.strip_suffix(" lines are left out here\n") {
            Some(count) => number += count.parse::<u64>().expect("a number"),
            None => {
                assert!(content == line(number), "line {number} of {name} is {text:?}");
                number += 1;
                copied += 1;
            }
        }
    }
    (number, copied)
}

fn set_nonblocking(end: &impl AsFd) {
    fcntl(end.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("its flags");
}

/// Reads what there is, without waiting.
fn read_some(from: &mut (impl Read + AsFd), into: &mut Vec<u8>) {
    set_nonblocking(from);
    let _ = from.read_to_end(into);
}

fn is_full(end: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(end.as_fd(), PollFlags::POLLOUT)], 0_u16) == Ok(0)
}

#[test]
fn lines_are_copied_to_stdout_with_the_name() {
    needs!(root);
    for (option, expected) in [("--log-tee", "tee: one\ntee: two\n"), ("--log-tee=raw", "one\ntwo\n")] {
        let direct = Direct::new("tee");
        let mut command = direct.command(
            Caller::Root,
            &[option, "--log-stamp", "iso"],
            &["sh", "-c", "echo one; echo two"],
        );
        let output = command.stdout(Stdio::piped()).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        eventually_no_pump(&direct);
        assert_eq!(without_stamps(direct.log().as_bytes()), b"one\ntwo\n");
    }
}

#[test]
fn a_copy_has_every_byte_of_long_lines_and_of_a_last_one_without_an_end() {
    needs!(root);
    let long = longest_name();
    for (option, name, prefix) in [
        ("--log-tee=raw", "tee", String::new()),
        ("--log-tee", "tee", "tee: ".to_string()),
        ("--log-tee", long.as_str(), format!("{long}: ")),
    ] {
        // what a write takes beside the prefix and the end of the line
        let most = 4095 - prefix.len();
        for length in [most - 1, most, most + 1, 16_000] {
            let direct = Direct::new(name);
            let script = format!("head -c {length} /dev/zero | tr '\\0' x; echo; printf last");
            let mut command = direct.command(Caller::Root, &[option], &["sh", "-c", &script]);
            let output = command.stdout(Stdio::piped()).output().expect("it runs");
            let pieces = "x".repeat(length);
            let pieces = pieces.as_bytes().chunks(most).map(|piece| String::from_utf8_lossy(piece));
            let expected: String =
                pieces.chain(["last".into()]).map(|piece| format!("{prefix}{piece}\n")).collect();
            assert!(output.stdout == expected.as_bytes(), "{option} {length}");
            eventually_no_pump(&direct);
            assert_eq!(direct.log(), format!("{}\nlast", "x".repeat(length)));
        }
    }
}

/// A stdout, and what keeps it as it is.
fn stopped(kind: &str, scratch: &Path) -> (OwnedFd, Vec<OwnedFd>) {
    match kind {
        "pipe" | "pipe that does not block" | "pipe without a reader" => {
            let (read, write) = pipe().expect("a pipe");
            if kind == "pipe that does not block" {
                set_nonblocking(&write);
            }
            (write, if kind == "pipe without a reader" { Vec::new() } else { vec![read] })
        }
        "FIFO" => {
            let path = scratch.join("fifo");
            mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
            let both = OpenOptions::new().read(true).write(true).open(&path).expect("opened");
            let write = OpenOptions::new().write(true).open(&path).expect("opened");
            (write.into(), vec![both.into()])
        }
        "socket" => {
            let (near, far) = UnixStream::pair().expect("a pair");
            (near.into(), vec![far.into()])
        }
        "terminal" | "terminal after Ctrl-S" => {
            let pty = openpty(None, None).expect("a terminal");
            if kind == "terminal after Ctrl-S" {
                File::from(pty.master.try_clone().expect("a copy")).write_all(b"\x13").expect("typed");
            }
            (pty.slave, vec![pty.master])
        }
        _ => {
            let full = OpenOptions::new().write(true).custom_flags(libc::O_NOCTTY).open("/dev/full");
            (full.expect("opened").into(), Vec::new())
        }
    }
}

#[test]
fn a_stdout_that_takes_nothing_delays_no_log_and_leaves_no_process() {
    needs!(root);
    let kinds = [
        "pipe",
        "pipe that does not block",
        "pipe without a reader",
        "FIFO",
        "socket",
        "terminal",
        "terminal after Ctrl-S",
        "/dev/full",
    ];
    std::thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(move || {
                let mut direct = Direct::new("stopped");
                let words = lines_words(&direct, "bursts", "10000");
                let (stdout, _held) = stopped(kind, &direct.scratch.path);
                launch_onto(&mut direct, stdout, &["--log-tee"], &words);
                assert_eq!(direct.end(), 0, "{kind}: {}", direct.stderr());
                eventually_no_pump(&direct);
                let log = fs::read(direct.log_path()).expect("the log");
                assert_eq!(assert_numbered(&log), 10_000, "{kind}");
            });
        }
    });
}

#[test]
fn every_kind_of_stdout_gets_the_copy() {
    needs!(root);
    for kind in ["pipe", "pipe that does not block", "FIFO", "socket", "terminal", "file"] {
        let mut direct = Direct::new("kind");
        let path = direct.scratch.join("copy");
        let (stdout, mut held) = match kind {
            "file" => (File::create(&path).expect("a file").into(), Vec::new()),
            kind => stopped(kind, &direct.scratch.path),
        };
        let words = lines_until_end(&direct, "lines", "100", "0");
        launch_onto(&mut direct, stdout, &["--log-tee"], &words);
        let (mut reader, mut copy) = (held.pop().map(File::from), Vec::new());
        eventually(kind, || {
            match &mut reader {
                Some(reader) => read_some(reader, &mut copy),
                None => copy = fs::read(&path).expect("the copy"),
            }
            // what terminals make of the end of a line
            copy.retain(|byte| *byte != b'\r');
            (tally(&copy, "kind") == (100, 100)).then_some(())
        });
        direct.write("end", "", 0o644);
        assert_eq!(direct.end(), 0);
        eventually_no_pump(&direct);
    }
}

#[test]
fn lines_that_a_slow_reader_misses_are_counted_in_their_place() {
    needs!(root);
    for (pattern, pause) in [("bursts", Duration::ZERO), ("lines", Duration::from_millis(2))] {
        let mut direct = Direct::new("slow");
        let words = lines_until_end(&direct, pattern, "10000", "0");
        let (read, write) = pipe().expect("a pipe");
        let full = write.try_clone().expect("a copy");
        launch_onto(&mut direct, write, &["--log-tee"], &words);
        let (mut reader, mut copy) = (File::from(read), Vec::new());
        if pause.is_zero() {
            // nothing is read until all is in the log
            eventually_every(Duration::from_millis(50), "the log has all", || {
                (assert_numbered(&fs::read(direct.log_path()).ok()?) == 10_000).then_some(())
            });
            for _ in 0..3 {
                // it waits within a write
                let is_in_write = |pid: i32| {
                    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
                    call.split(' ').next() == Some(&libc::SYS_write.to_string())
                };
                let copier = eventually("a copier waits", || {
                    let (_, _, copier) = trio(&direct).filter(|_| is_full(&full))?;
                    is_in_write(copier).then_some(copier)
                });
                signal(copier, Signal::SIGKILL);
                eventually_dead(copier);
            }
        }
        let (_, copied) = eventually_every(Duration::from_millis(2), "all is accounted for", || {
            if pause.is_zero() {
                read_some(&mut reader, &mut copy);
            } else {
                set_nonblocking(&reader);
                let mut page = [0; 4096];
                let length = reader.read(&mut page).unwrap_or(0);
                copy.extend_from_slice(&page[..length]);
            }
            let tally = tally(&copy, "slow");
            assert!(tally.0 <= 10_000, "{tally:?}");
            (tally.0 == 10_000).then_some(tally)
        });
        // the worker is silent: the last report did not wait for a line
        assert!(copied >= 500, "{copied}");
        assert!(!pause.is_zero() || copied < 10_000, "nothing was left out");
        direct.write("end", "", 0o644);
        assert_eq!(direct.end(), 0);
        eventually_no_pump(&direct);
        assert_eq!(assert_numbered(&fs::read(direct.log_path()).expect("the log")), 10_000);
    }
}

#[test]
fn no_part_of_a_line_that_the_log_has_dropped_is_copied() {
    needs!(root);
    let mut direct = Direct::new("drop");
    let wait = |name: &str| format!("while [ ! -e {name} ]; do sleep 0.05; done");
    let script = format!(
        "printf begin; {}; printf 'end\\nlost\\nbegin'; {}; printf 'end\\nlast\\n'",
        wait("dropped"),
        wait("written")
    );
    let (read, write) = pipe().expect("a pipe");
    direct.launch_onto(write, &["--log-tee", "--log-full", "drop"], &["sh", "-c", &script]);
    direct.logs("begin");
    let log = direct.log_path();
    fs::rename(&log, direct.scratch.join("state/aside")).expect("renamed");
    fs::create_dir(&log).expect("a directory");
    direct.write("dropped", "", 0o644);
    let mut reader = File::from(read);
    let mut copy = Vec::new();
    // the beginning of a third one is lost already
    eventually("two lines are reported", || {
        read_some(&mut reader, &mut copy);
        (tally(&copy, "drop") == (2, 0)).then_some(())
    });
    fs::remove_dir(&log).expect("removed");
    direct.write("written", "", 0o644);
    eventually("the last line is copied", || {
        read_some(&mut reader, &mut copy);
        copy.ends_with(b"drop: last\n").then_some(())
    });
    let last = copy.strip_suffix(b"drop: last\n").expect("the last line");
    assert_eq!(tally(last, "drop"), (3, 0));
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    let text = direct.log();
    assert!(text.ends_with(" lines were dropped here\nlast\n"), "{text}");
}

#[test]
fn a_killed_copier_loses_no_line_and_repeats_at_most_one_write() {
    needs!(root);
    let mut direct = Direct::new("copier");
    let words = lines_until_end(&direct, "lines", "6000", "300");
    let (read, write) = pipe().expect("a pipe");
    launch_onto(&mut direct, write, &["--log-tee=raw"], &words);
    let (mut reader, mut copy) = (File::from(read), Vec::new());
    let (mut kills, mut killed) = (0_usize, 0);
    let progress = direct.scratch.join("state/progress");
    while crate::progress(&progress) < 400_000 {
        read_some(&mut reader, &mut copy);
        if let Some((_, _, copier)) = trio(&direct).filter(|trio| trio.2 != killed && is_alive(trio.2)) {
            killed = copier;
            kills += 1;
            signal(copier, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    eventually("the last line is there", || {
        read_some(&mut reader, &mut copy);
        copy.ends_with(&line(5999)).then_some(())
    });
    assert!(kills > 3, "only {kills} kills");
    let (mut next, mut repeats, mut left_out) = (0, 0, false);
    for each in copy.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(each);
        if text.ends_with(" lines are left out here\n") {
            left_out = true;
            continue;
        }
        let number: u64 = text.get(..10).and_then(|digits| digits.parse().ok()).expect("a number");
        assert!(each == line(number), "line {number} is {text:?}");
        if number < next {
            let repeated: usize = (number..next).map(|number| line(number).len()).sum();
            assert!(repeated <= 4096, "{repeated} bytes from line {number} on");
            repeats += 1;
        }
        assert!(number <= next || left_out, "line {next} is missing before {number}");
        (next, left_out) = (number + 1, false);
    }
    assert!(repeats <= kills, "{repeats} repeats after {kills} kills");
    direct.write("end", "", 0o644);
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
}

#[test]
fn a_copier_ends_with_its_keeper_and_the_next_keeper_has_another() {
    needs!(root);
    let mut direct = Direct::new("keeper");
    let (read, write) = pipe().expect("a pipe");
    let script = "echo one; while [ ! -e two ]; do sleep 0.05; done; echo two";
    direct.launch_onto(write, &["--log-tee"], &["sh", "-c", script]);
    let (keeper, writer, copier) = eventually("a pump", || trio(&direct));
    signal(keeper, Signal::SIGKILL);
    eventually_dead(copier);
    let next = eventually("another", || trio(&direct).filter(|next| next.0 == writer));
    assert_ne!(next.2, copier);
    direct.write("two", "", 0o644);
    let mut copy = String::new();
    // to its end: nobody else has stdout open
    File::from(read).read_to_string(&mut copy).expect("text");
    assert_eq!(copy, "keeper: one\nkeeper: two\n");
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
}

#[test]
fn services_that_share_a_stdout_mix_no_lines() {
    needs!(root);
    const COUNT: u64 = 2000;
    let names: Vec<String> = (0..9).map(|number| format!("s{number}")).chain([longest_name()]).collect();
    let (read, write) = pipe().expect("a pipe");
    let mut services: Vec<Direct> = names.iter().map(|name| Direct::new(name)).collect();
    for (number, direct) in services.iter_mut().enumerate() {
        let pattern = if number % 2 == 0 { "bursts" } else { "lines" };
        let words = lines_until_end(direct, pattern, &COUNT.to_string(), "0");
        launch_onto(direct, write.try_clone().expect("a copy"), &["--log-tee"], &words);
    }
    drop(write);
    let (mut reader, mut copy) = (File::from(read), Vec::new());
    eventually_every(Duration::from_millis(20), "all is accounted for", || {
        read_some(&mut reader, &mut copy);
        names.iter().all(|name| tally(&copy, name).0 == COUNT).then_some(())
    });
    for each in copy.split_inclusive(|byte| *byte == b'\n') {
        let is_whole = |name: &String| {
            let rest = each.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b": "));
            rest.is_some_and(|rest| rest.ends_with(b"\n"))
        };
        assert!(names.iter().any(is_whole), "{:?}", String::from_utf8_lossy(each));
    }
    for direct in &mut services {
        direct.write("end", "", 0o644);
        assert_eq!(direct.end(), 0);
        eventually_no_pump(direct);
        assert_eq!(assert_numbered(&fs::read(direct.log_path()).expect("the log")), COUNT);
    }
}

#[test]
fn an_idle_copier_sleeps_and_takes_little_memory() {
    needs!(root);
    let mut direct = Direct::new("idle");
    let (read, write) = pipe().expect("a pipe");
    direct.launch_onto(write, &["--log-tee"], &["sh", "-c", "echo ready; exec sleep 1000"]);
    let (mut reader, mut copy) = (File::from(read), Vec::new());
    eventually("it is copied", || {
        read_some(&mut reader, &mut copy);
        (copy == b"idle: ready\n").then_some(())
    });
    let (keeper, writer, copier) = eventually("a pump", || trio(&direct));
    let switches = || [keeper, writer, copier].map(context_switches);
    eventually("they sleep for two seconds", || {
        let before = switches();
        std::thread::sleep(Duration::from_secs(2));
        (switches() == before).then_some(())
    });
    let kilobytes = [keeper, writer, copier].map(private_dirty);
    eprintln!("keeper, writer, copier: {kilobytes:?} kB");
    let most = if cfg!(debug_assertions) { 160 } else { 64 };
    assert!(kilobytes.iter().all(|kilobytes| *kilobytes <= most), "{kilobytes:?} kB");
    direct.end_by(Signal::SIGTERM);
    eventually_no_pump(&direct);
}

#[test]
fn as_pid_1_the_launcher_ends_after_the_copy() {
    needs!(root, "unshare");
    let direct = Direct::new("init");
    let words = lines_words(&direct, "bursts", "1000");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let launcher = direct.command(Caller::Root, &["--log-tee"], &words);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]).arg(launcher.get_program()).args(launcher.get_args());
    let output = command.current_dir(direct.directory()).output().expect("it runs");
    assert_eq!(tally(&output.stdout, "init"), (1000, 1000), "{}", String::from_utf8_lossy(&output.stderr));
}
