//! What the worker inherits: the process, descriptors and signals.

use std::fs;
use std::path::Path;

use crate::support::launching::{command, finish};
use crate::support::{Probe, Scratch, Svscan, eventually, logs, needs, path_str, read};
use crate::{ended, words};

/// What the probe says behind `PREFIX… futo-launch OPTIONS`.
fn probe_behind(scratch: &Scratch, prefix: &[&str], options: &[&str]) -> Probe {
    let mut command = scratch.launch_by(prefix, &scratch.path, options);
    Probe::of(&finish(command.arg("--").arg(scratch.probe())))
}

#[test]
fn the_worker_takes_the_launchers_place() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("place");
    let prefix = ["sh", "-c", "echo shell=$$; exec \"$@\"", "sh"];
    let probe = probe_behind(&scratch, &prefix, &[]);
    assert_eq!(probe.get("pid"), probe.get("shell"));
    assert_eq!(probe.get("ppid"), std::process::id().to_string());
    // no handler, no other process is left
    assert_eq!(probe.get("caught"), "0000000000000000");
}

/// Leaks three descriptors, as a careless parent does.
const LEAKS: [&str; 4] = ["bash", "-c", "exec 7</dev/null 20</dev/null 300</dev/null; exec \"$@\"", "bash"];

#[test]
fn leaked_descriptors_do_not_reach_the_worker() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("leaks");
    let mut bare = command(&LEAKS, &scratch.path);
    let leaked = Probe::of(&finish(bare.arg(scratch.probe()))).descriptors();
    assert!([7, 20, 300].iter().all(|fd| leaked.contains(fd)), "{leaked:?}");
    assert_eq!(probe_behind(&scratch, &LEAKS, &[]).descriptors(), [0, 1, 2]);
    assert_eq!(probe_behind(&scratch, &LEAKS, &["--once"]).descriptors(), [0, 1, 2]);
}

#[test]
fn an_old_kernel_without_close_range_and_openat2_closes_and_opens_all_the_same() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("old-kernel");
    scratch.service("exec-oldkernel");
    for (error, log) in [("ENOSYS", "a"), ("EPERM", "b")] {
        let close = format!("inject=close_range:error={error}");
        let open = format!("inject=openat2:error={error}");
        let strace = ["strace", "-o", "/dev/null", "-e", &close, "-e", &open];
        let prefix: Vec<&str> = LEAKS.iter().copied().chain(strace).collect();
        let path = scratch.directory_of_abc("logs").join(log);
        let mut command =
            scratch.launch_by(&prefix, &scratch.join("exec-oldkernel"), &["--log", path_str(&path), "--"]);
        let output = finish(command.arg(scratch.probe()));
        assert_eq!(ended(&output), (0, String::new()), "{error}");
        assert_eq!(Probe::parse(&read(&path)).descriptors(), [0, 1, 2], "{error}");
    }
}

#[test]
fn keep_fd_hands_on_just_these_and_refuses_what_is_not_open() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("keep-fd");
    assert_eq!(probe_behind(&scratch, &LEAKS, &["--keep-fd", "20"]).descriptors(), [0, 1, 2, 20]);
    let all = ["--keep-fd", "300", "--keep-fd", "7", "--keep-fd", "20", "--keep-fd", "7"];
    assert_eq!(probe_behind(&scratch, &LEAKS, &all).descriptors(), [0, 1, 2, 7, 20, 300]);
    let refusal = "TIME true: fatal: --keep-fd: descriptor 9 is not open\n\
                   TIME true: fatal: --keep-fd: descriptor 12 is not open\n";
    assert_eq!(words(&scratch, &["--keep-fd", "9", "--keep-fd", "12", "true"]), (100, refusal.to_string()));
    let refusal =
        "futo-launch: fatal: --keep-fd: invalid value '2': is not a whole number from 3 to 1048576\n";
    assert_eq!(words(&scratch, &["--keep-fd", "2", "true"]), (100, refusal.to_string()));
}

#[test]
fn the_notification_descriptor_is_handed_on_in_exec_mode_and_written_in_a_loop() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("notification");
    let service = scratch.service("exec-notification");
    scratch.write("exec-notification/notification-fd", "20\n", 0o644);
    let probe = scratch.probe();
    let run = |options: &[&str], notified: &Path| {
        // a pipe, as a supervisor gives one
        let script = format!("exec 7</dev/null 20> >(exec cat > {}); exec \"$@\"", notified.display());
        let mut command = scratch.launch_by(&["bash", "-c", &script, "bash"], &service, &["--log", "-"]);
        Probe::of(&finish(command.args(options).arg("--").arg(&probe)))
    };
    let notified = scratch.join("notified");
    assert_eq!(run(&[], &notified).descriptors(), [0, 1, 2, 20]);
    assert_eq!(read(&notified), "");
    assert_eq!(run(&["--once"], &notified).descriptors(), [0, 1, 2]);
    eventually("it is notified", || (read(&notified) == "\n").then_some(()));

    // a file that somebody left open there is not a supervisor's
    let secret = scratch.write("secret", "untouched", 0o600);
    for options in [&["--log", "-"][..], &["--log", "-", "--once"]] {
        let script = format!("exec 20<>{}; exec \"$@\"", secret.display());
        let mut command = scratch.launch_by(&["bash", "-c", &script, "bash"], &service, options);
        assert_eq!(Probe::of(&finish(command.arg("--").arg(&probe))).descriptors(), [0, 1, 2]);
        assert_eq!(read(&secret), "untouched");
    }

    // started by hand there is nobody to notify
    let output = finish(scratch.launch(&service, &["--log", "-", "--"]).arg(&probe));
    assert_eq!(Probe::of(&output).descriptors(), [0, 1, 2]);
    scratch.write("exec-notification/notification-fd", "three\n", 0o644);
    let refusal = "TIME exec-notification: fatal: notification-fd: not a descriptor number of 3 or more\n\
                   TIME exec-notification: hint: write a single number such as 3, or remove the file\n";
    let output = finish(&mut scratch.launch(&service, &["--log", "-", "true"]));
    assert_eq!(ended(&output), (100, refusal.to_string()));
}

#[test]
fn a_worker_under_s6_becomes_ready_through_its_notification_descriptor() {
    needs!(root, "bash", "python3", "strace", "s6-svscan");
    let svscan = Svscan::start("exec-ready");
    svscan.add_launch(
        "execready",
        "-- sh -c 'echo $$; echo >&5; exec sleep 1000'",
        &[("notification-fd", "5\n")],
    );
    eventually("ready", || (svscan.svstat("ready", "execready") == ["true"]).then_some(()));
    let log = logs("execready", "\n");
    assert_eq!(log, format!("{}\n", svscan.pid("execready")));
}

/// Runs a program with signals blocked and ignored, as a careless parent does.
const CARELESS: [&str; 3] = [
    "python3",
    "-c",
    "import os, signal, sys\n\
     signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n\
     signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n\
     os.execvp(sys.argv[1], sys.argv[1:])",
];

#[test]
fn the_mask_is_empty_and_sigpipe_kills_whatever_the_parent_did() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("signals");
    let bare = Probe::of(&finish(command(&CARELESS, &scratch.path).arg(scratch.probe())));
    assert_ne!(bare.get("blocked"), "0000000000000000");
    let pipe = 1_u64 << (nix::libc::SIGPIPE - 1);
    let ignored = |probe: &Probe| u64::from_str_radix(probe.get("ignored"), 16).expect("a mask");
    assert_eq!(ignored(&bare) & pipe, pipe);
    for options in [[].as_slice(), &["--once"]] {
        let probe = probe_behind(&scratch, &CARELESS, options);
        assert_eq!(probe.get("blocked"), "0000000000000000", "{options:?}");
        assert_eq!(ignored(&probe) & pipe, 0, "{options:?}");
    }
}

#[test]
fn closed_standard_descriptors_are_filled_and_the_log_is_still_both_outputs() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("closed");
    let service = scratch.service("exec-closed");
    for options in [[].as_slice(), &["--once"]] {
        for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"] {
            let log = scratch.directory_of_abc("logs").join("log");
            let _ = fs::remove_file(&log);
            let script = format!("exec {closed}; exec \"$@\"");
            let prefix = ["bash", "-c", &script, "bash"];
            let mut command = scratch.launch_by(&prefix, &service, &["--log", path_str(&log)]);
            finish(command.args(options).arg("--").arg(scratch.probe()));
            let probe = Probe::parse(&read(&log));
            assert_eq!(probe.descriptors(), [0, 1, 2], "{closed} {options:?}");
            for output in [1, 2] {
                let place = format!(" {output}:{}", log.display());
                assert!(probe.get("fds").contains(&place), "{closed} {options:?}: {}", probe.get("fds"));
            }
        }
    }
}
