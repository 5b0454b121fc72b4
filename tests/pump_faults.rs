//! A pump whose system calls are refused, or that is killed at them: nothing is lost, doubled or out of order.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::numbered::line;
use support::numbered_log::{files, without_stamps};
use support::{EndedBy, children, eventually, eventually_contains, names_in, needs, read, signal};

const LINES: u64 = 4000;

/// Traces the two processes of the pump with this fault.
fn attach(direct: &Direct, fault: &str, out: &Path) -> (Child, i32) {
    let launcher = direct.scratch.launcher();
    let is_keeper = |pid: &i32| {
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        program.is_ok_and(|program| program == launcher) && !children(*pid).is_empty()
    };
    let keeper = eventually("a keeper", || {
        names_in(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok()).find(is_keeper)
    });
    let writer = eventually("a writer", || children(keeper).first().copied());
    let said = direct.scratch.join("traced");
    let trace = Command::new("strace")
        .args(["-f", "-p", &keeper.to_string(), "-p", &writer.to_string(), "-e", fault, "-o"])
        .arg(out)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&said).expect("a file"))
        .spawn()
        .expect("strace runs");
    for pid in [keeper, writer] {
        eventually_contains(&said, &format!("Process {pid} attached"));
    }
    (trace, writer)
}

fn survives(fault: &str, options: &[&str]) {
    let direct = Direct::new("faults");
    let lines = direct.scratch.lines().display().to_string();
    let script = format!("echo ready; while [ ! -e go ]; do sleep 0.02; done; exec {lines} bursts {LINES}");
    let mut direct = direct;
    let options = [&["--log-size", "32K", "--log-keep", "200"], options].concat();
    direct.launch(Caller::Root, &options, &["sh", "-c", &script]);
    direct.logs("ready");
    let (mut trace, _) = attach(&direct, fault, Path::new("/dev/null"));
    direct.write("go", "", 0o644);
    assert_eq!(direct.end(), 0, "{fault}");
    eventually(&format!("{fault}: the pump ends; {}", read(direct.scratch.join("stderr"))), || {
        trace.try_wait().expect("waited for")
    });
    let bytes = files(&direct.log_path()).concat();
    let bytes = if options.contains(&"iso") { without_stamps(&bytes) } else { bytes };
    let expected: Vec<u8> = (0..LINES).flat_map(line).collect();
    let got = bytes.strip_prefix(b"ready\n").unwrap_or_else(|| panic!("{fault}: no first line"));
    let same = got.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    assert!(
        got == expected,
        "{fault} {options:?}: differs at {same} of {}, {} long",
        expected.len(),
        got.len()
    );
}

#[test]
fn a_pump_that_is_refused_a_system_call_loses_nothing() {
    needs!(root, "strace");
    for fault in [
        "renameat:error=ENOSPC:when=3",
        "renameat:error=EACCES:when=2+5",
        "openat:error=EMFILE:when=2",
        "openat:error=EROFS:when=3",
        "splice:error=EIO:when=4",
        "splice:error=EINVAL:when=5",
        "splice:error=ENOSPC:when=6+3",
        "tee:error=ENOMEM:when=2",
        "pwrite64:error=ENOSPC:when=2+3",
        "pwrite64:error=EIO:when=3",
        // a volume that its file system has made read-only
        "splice:error=EROFS:when=5+3",
        "pwrite64:error=EROFS:when=3+3",
        "newfstatat:error=EACCES:when=9",
        "ioctl:error=EIO:when=5",
        "flock:error=ENOLCK:when=2",
        "pread64:error=EIO:when=2",
    ] {
        for options in [&["--log-live"][..], &["--log-stamp", "iso"]] {
            survives(&format!("inject={fault}"), options);
        }
    }
}

// the calls are counted in each process: a writer must come further than the one before it
#[test]
fn a_writer_that_is_killed_at_a_system_call_loses_nothing() {
    needs!(root, "strace");
    for call in [
        "renameat:when=3",
        "openat:when=9",
        "splice:when=5",
        "tee:when=3",
        "pwrite64:when=3",
        "read:when=3",
        "newfstatat:when=90",
    ] {
        let (call, when) = call.split_once(':').expect("two parts");
        for options in [&["--log-live"][..], &["--log-stamp", "iso"]] {
            survives(&format!("inject={call}:signal=KILL:{when}"), options);
        }
    }
}

#[test]
fn a_compression_that_fails_or_is_killed_loses_nothing() {
    needs!(root, "strace");
    for fault in [
        "write:error=ENOSPC:when=1",
        "fsync:error=EIO:when=1",
        "fchmod:error=EPERM:when=1",
        "utimensat:error=EPERM:when=1",
        "unlinkat:error=EROFS:when=1",
        "fsync:signal=KILL:when=1",
        "write:signal=KILL:when=1",
    ] {
        survives(&format!("inject={fault}"), &["--log-live", "--log-gzip"]);
    }
}

#[test]
fn a_writer_that_cannot_start_is_reported_once_and_tried_again_less_and_less_often() {
    needs!(root, "strace");
    for (fault, reports) in [("error=EMFILE", 1), ("signal=KILL", 0)] {
        let script = "echo one; while [ ! -e two ]; do sleep 0.02; done; echo two";
        let mut direct = Direct::start("unstarted", &["--log-live"], script);
        direct.logs("one\n");
        let out = direct.scratch.join("trace");
        // the first that a writer makes
        let (trace, writer) = attach(&direct, &format!("inject=pipe2:{fault}"), &out);
        let trace = EndedBy(Signal::SIGINT, trace);
        signal(writer, Signal::SIGKILL);
        direct.write("two", "", 0o644);
        assert_eq!(direct.end(), 0);
        let attempts = || read(&out).matches("pipe2(").count();
        eventually("it is tried again", || (attempts() >= 5).then_some(()));
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert!(attempts() < 30, "{} attempts", attempts());
        assert_eq!(direct.stderr().matches("no process for it: ").count(), reports, "{}", direct.stderr());
        assert_eq!(direct.log(), "one\n");
        // it lets them go
        drop(trace);
        direct.logs("two\n");
    }
}
