//! What the system refuses in a loop or before a rest: reported, and no loop ends of it.

mod support;

use std::process::Command;

use nix::sys::signal::Signal;
use support::direct::Direct;
use support::{Svscan, eventually, needs, own_by_abc};

/// A launcher of a loop, whose system calls are refused as strace's `inject` has it.
fn refused(name: &str, inject: &str, options: &[&str], worker: &[&str]) -> Direct {
    let mut direct = Direct::new(name);
    let rule = format!("inject={inject}");
    direct.launch_through(&["strace", "-D", "-o", "/dev/null", "-e", &rule], options, worker);
    direct
}

#[test]
fn a_lock_that_the_system_does_not_release_as_asked_ends_no_loop_and_is_free_between_runs() {
    needs!(root, "strace", "flock");
    // each run makes two calls: lock, unlock
    for (errno, calls) in [("ENOLCK", "2+2"), ("EINTR", "2+2"), ("EIO", "2+2"), ("EINTR", "1+2")] {
        let inject = format!("flock:error={errno}:when={calls}");
        let name = format!("refused-{}-{}", errno.to_lowercase(), &calls[..1]);
        let options = ["--interval", "0.1", "--lock", "lock"];
        let mut direct =
            refused(&name, &inject, &options, &["sh", "-c", "flock -n lock true && echo free; echo run"]);
        eventually(&format!("three good runs: {}{}", direct.log(), direct.stderr()), || {
            (direct.record()["runs"].as_u64() > Some(2)).then_some(())
        });
        let (code, _) = direct.end_by(Signal::SIGTERM);
        assert_eq!(code, 0, "{name}: {}", direct.stderr());
        assert_eq!(direct.record()["failures"], 0, "{name}: {}", direct.log());
        assert!(!direct.log().contains("free"), "held during a run: {}", direct.log());
        let lock = direct.directory().join("lock");
        let free = Command::new("flock").arg("-n").arg(lock).arg("true").status().expect("flock starts");
        assert!(free.success(), "{name}");
    }
}

#[test]
fn a_clock_that_is_set_while_a_time_is_waited_for_ends_no_loop_and_loses_no_run() {
    needs!(root, "strace", "flock");
    // as the kernel answers the first call after a setting; the timer is armed again
    for calls in ["1", "1..3"] {
        let inject = format!("timerfd_settime:error=ECANCELED:when={calls}");
        let mut direct = refused(
            &format!("clock-set-{}", calls.len()),
            &inject,
            &["--schedule", "*:*:*"],
            &["echo", "run"],
        );
        eventually(&format!("two runs: {}{}", direct.log(), direct.stderr()), || {
            (direct.record()["runs"].as_u64() > Some(1)).then_some(())
        });
        assert_eq!(direct.record()["skipped"], 0, "{}", direct.record());
        assert_eq!(direct.end_by(Signal::SIGTERM).0, 0, "{}", direct.stderr());
    }
}

#[test]
fn what_a_rest_needs_and_the_system_refuses_is_reported() {
    needs!(root, "s6-svscan", "strace");
    let svscan = Svscan::start("rest-refused");
    // name, words, config.env
    let rests = [
        ("option", "--intervall 1 -- true", ""),
        ("program", "-- nosuchprogram", ""),
        ("file", "-- true", "A=$(date)\n"),
        ("gate", "--if-file /does/not/exist -- true", ""),
        ("over", "--interval 0.05 --max-failures 1 -- false", ""),
    ];
    for (call, errno, words) in [
        ("socketpair", "EMFILE", "unable to set up signal handling"),
        ("timerfd_create", "ENFILE", "unable to set up signal handling"),
        ("poll", "ENOMEM", "unable to wait"),
    ] {
        for (rest, launch, text) in rests {
            let name = format!("refused-{call}-{rest}");
            let launcher = svscan.scratch.launcher();
            let run = format!(
                "#!/bin/sh\nexec strace -D -o /dev/null -e inject={call}:error={errno} {} {launch}\n",
                launcher.display()
            );
            let directory = svscan.add(&name, &[("run", &run), ("config.env", text)]);
            own_by_abc(&directory.join("config.env"));
            eventually(&format!("{name}: {words:?} in {}", svscan.stderr()), || {
                let stderr = svscan.stderr();
                stderr
                    .lines()
                    .any(|line| line.contains(&format!(" {name}: ")) && line.contains(words))
                    .then_some(())
            });
            svscan.svc(&["-d"], &name);
        }
    }
}

#[test]
fn a_loop_that_is_refused_its_stream_of_signals_reports_it_without_a_supervisor_too() {
    needs!(root, "strace", "flock");
    let mut direct = refused("refused-stream", "socketpair:error=EMFILE", &["--interval", "1"], &["true"]);
    assert_eq!(direct.end(), 111);
    assert!(
        direct.stderr().contains("unable to set up signal handling: too many open files"),
        "{}",
        direct.stderr()
    );
}
