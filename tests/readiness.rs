//! Readiness under a real s6: each form of `--ready`, what never becomes ready, and who gets the descriptor.

mod support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use support::{
    Svscan, children, context_switches, eventually, eventually_dead, logs, needs, output, quoted, read,
    state, stderr, stdout, throughout, write,
};

const NOTIFIED: (&str, &str) = ("notification-fd", "5\n");
/// Says which descriptors it has, and then stays.
const STAYS: &str =
    "for fd in /proc/self/fd/*; do echo \"fd ${fd##*/} $(readlink $fd)\"; done; echo all; exec sleep 1000";

fn is_ready(svscan: &Svscan, name: &str) -> bool {
    svscan.svstat("ready", name) == ["true"]
}

fn never_ready(svscan: &Svscan, name: &str) {
    throughout(&format!("{name} is not ready"), Duration::from_millis(400), || !is_ready(svscan, name));
}

/// `s6-svwait -U`, with a bound.
fn becomes_ready(svscan: &Svscan, name: &str) {
    svscan.pid(name);
    let waited = output(Command::new("s6-svwait").args(["-U", "-t", "10000"]).arg(svscan.directory(name)));
    assert!(waited.status.success(), "{name}: {}{}", stderr(&waited), svscan.stderr());
    assert!(is_ready(svscan, name), "{name}");
}

/// A script that the worker is, in its service directory.
fn add(svscan: &Svscan, name: &str, options: &str, script: &str) -> PathBuf {
    svscan.add_launch(name, &format!("{options} -- sh -c {}", quoted(script)), &[NOTIFIED])
}

fn has_no_pipe(name: &str) {
    let open = logs(name, "all\n");
    assert!(!open.contains("fd 5 "), "the worker never gets it: {open}");
}

#[test]
fn start_is_notified_before_the_worker_begins_and_it_never_gets_the_descriptor() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-start");
    for (name, options) in [
        ("rs-exec", "--ready start"),
        ("rs-loop", "--ready start --interval 1000"),
        ("rs-schedule", "--schedule '2199-01-01 UTC'"),
    ] {
        add(&svscan, name, options, STAYS);
        becomes_ready(&svscan, name);
    }
    has_no_pipe("rs-exec");
    has_no_pipe("rs-loop");
}

#[test]
fn a_program_that_cannot_be_executed_is_not_ready() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-missing");
    for (name, form) in [("rm-start", "start"), ("rm-file", "file:/"), ("rm-cmd", "cmd:true")] {
        let directory = svscan.add_launch(name, &format!("--ready {form} -- ./appears"), &[NOTIFIED]);
        eventually("it rests", || {
            read(state(&format!("{name}.json"))).contains("\"kind\":\"program\"").then_some(())
        });
        never_ready(&svscan, name);
        // fixed without a restart of the launcher, readiness is notified all the same
        write(&directory.join("appears"), "#!/bin/sh\nexec sleep 1000\n", 0o755);
        becomes_ready(&svscan, name);
    }
}

/// Without notification-fd nobody listens, which no form of `--ready` leaves unsaid.
#[test]
fn ready_without_notification_fd_is_reported() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-unheard");
    let text = "--ready has no effect: the service directory has no file 'notification-fd'";
    let check = |name: &str| {
        let mut futo = Command::new(svscan.scratch.futo());
        futo.args(["check", name, "--scan-dir"]).arg(svscan.scratch.join("scan"));
        futo.arg("--from").arg(svscan.scratch.join("definitions"));
        stdout(&output(&mut futo))
    };
    let worker = "-- sh -c 'echo begins; exec sleep 1000'";
    for (name, options) in [
        ("ru-start", "--ready start"),
        ("ru-file", "--ready file:/"),
        ("ru-loop", "--interval 60 --ready first-success"),
        ("ru-word", "--interval 60 --ready sd_notify"),
    ] {
        let directory = svscan.add_launch(name, &format!("{options} {worker}"), &[]);
        let log_text = logs(name, "begins\n");
        assert_eq!(log_text.matches(&format!("warning: {text}")).count(), 1, "{name}: {log_text}");
        let said = check(name);
        assert!(said.contains(&format!("{name}: {text}\n  hint: run echo 3 > notification-fd")), "{said}");
        write(&directory.join("notification-fd"), "3\n", 0o644);
        let said = check(name);
        assert!(!said.contains(text), "{said}");
    }
    let quiet = svscan.add_launch("ru-none", worker, &[]);
    assert!(quiet.exists() && !logs("ru-none", "begins\n").contains("--ready"));
}

#[test]
fn a_file_a_port_and_a_command_make_ready_in_every_mode() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-checks");
    let port = {
        // one that was free a moment ago
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").port()
    };
    for (mode, pace) in [("exec", ""), ("loop", "--interval 1000"), ("every", "--every 1000")] {
        let name = format!("rc-file-{mode}");
        let directory = add(&svscan, &name, &format!("{pace} --ready file:now"), STAYS);
        has_no_pipe(&name);
        never_ready(&svscan, &name);
        write(&directory.join("now"), "", 0o644);
        becomes_ready(&svscan, &name);

        let name = format!("rc-cmd-{mode}");
        let command = quoted("test -e now && test \"$(id -u)\" = 911 && test \"$GREETING\" = hello");
        let directory =
            add(&svscan, &name, &format!("{pace} --env GREETING=hello --ready cmd:{command}"), STAYS);
        has_no_pipe(&name);
        never_ready(&svscan, &name);
        write(&directory.join("now"), "", 0o644);
        becomes_ready(&svscan, &name);

        let name = format!("rc-tcp-{mode}");
        add(&svscan, &name, &format!("{pace} --ready tcp:{port}"), STAYS);
        has_no_pipe(&name);
        never_ready(&svscan, &name);
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        becomes_ready(&svscan, &name);
        drop(listener);
    }
}

/// The processes whose parent is `pid`, or all that run our program.
fn helpers_of(svscan: &Svscan) -> Vec<i32> {
    let launcher = svscan.scratch.launcher();
    let is_launcher =
        |pid: i32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == launcher);
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_launcher(*pid))
        .collect()
}

#[test]
fn in_exec_mode_the_helper_is_no_child_and_ends_with_readiness_with_the_worker_or_in_time() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-helper");
    let directory = add(&svscan, "rh-exec", "--ready file:now", STAYS);
    has_no_pipe("rh-exec");
    let worker = svscan.pid("rh-exec");
    let helpers = eventually("one helper", || {
        let helpers = helpers_of(&svscan);
        (helpers.len() == 1).then_some(helpers)
    });
    assert!(children(worker).is_empty(), "the worker knows of no child");
    write(&directory.join("now"), "", 0o644);
    becomes_ready(&svscan, "rh-exec");
    eventually_dead(helpers[0]);
    std::fs::remove_file(directory.join("now")).expect("removed");

    svscan.svc(&["-r"], "rh-exec");
    let helpers = eventually("one helper again", || {
        let helpers = helpers_of(&svscan);
        (helpers.len() == 1 && svscan.pid("rh-exec") != worker).then_some(helpers)
    });
    svscan.svc(&["-d"], "rh-exec");
    eventually_dead(helpers[0]);

    add(&svscan, "rh-late", "--ready file:never --ready-timeout '${PATIENCE:-0.3}'", STAYS);
    logs("rh-late", "not ready after 0.3 s: waited until 'never' exists");
    eventually("no helper", || helpers_of(&svscan).is_empty().then_some(()));
    never_ready(&svscan, "rh-late");
    assert_eq!(svscan.svstat("up", "rh-late"), ["true"]);
}

#[test]
fn in_a_loop_the_helper_ends_with_the_launcher_and_a_rest() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-loop-helper");
    let directory = add(
        &svscan,
        "rl-rest",
        "--interval 0.05 --max-failures 2 --ready file:now",
        "[ -e ok ] && exec sleep 1000; exit 3",
    );
    eventually("it rests", || {
        read(state("rl-rest.json")).contains("\"kind\":\"max-failures\"").then_some(())
    });
    eventually("the launcher alone", || (helpers_of(&svscan).len() == 1).then_some(()));
    write(&directory.join("now"), "", 0o644);
    never_ready(&svscan, "rl-rest");
    write(&directory.join("ok"), "", 0o644);
    svscan.svc(&["-a"], "rl-rest");
    becomes_ready(&svscan, "rl-rest");

    add(&svscan, "rl-kill", "--interval 1000 --ready file:never", "exit 0");
    eventually("two launchers and a helper", || (helpers_of(&svscan).len() == 3).then_some(()));
    svscan.svc(&["-O", "-k"], "rl-kill");
    eventually("one launcher", || (helpers_of(&svscan).len() == 1).then_some(()));
}

#[test]
fn first_success_is_notified_after_it() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-first");
    let directory = add(
        &svscan,
        "rf-loop",
        "--interval 0.05 --ready first-success",
        "[ -e ok ]; status=$?; for fd in /proc/self/fd/*; do echo \"fd ${fd##*/} $(readlink $fd)\"; done; echo all; exit $status",
    );
    has_no_pipe("rf-loop");
    never_ready(&svscan, "rf-loop");
    write(&directory.join("ok"), "", 0o644);
    becomes_ready(&svscan, "rf-loop");
}

/// A worker that talks as systemd's do.
const TALKS: &str = "
import os, socket, sys, time
address = os.environ['NOTIFY_SOCKET']
print('socket', address, os.path.exists('/proc/self/fd/5'), flush=True)
talk = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
talk.connect('\\0' + address[1:] if address[0] == '@' else address)
talk.send(b'STATUS=starting\\nNOTREADY=1')
print('started', flush=True)
while not os.path.exists('now'): time.sleep(0.02)
talk.send(b'STATUS=up\\nREADY=1\\n')
talk.send(b'WATCHDOG=1')
print('told', flush=True)
time.sleep(1000)
";

#[test]
fn sd_notify_is_bridged_and_nobody_elses_word_counts() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-notify");
    let directory = svscan.add_launch(
        "rn-loop",
        "--interval 1000 --env NOTIFY_SOCKET=/nowhere --ready sd_notify -- /usr/bin/python3 -c \"$(cat ./talks)\"",
        &[NOTIFIED, ("talks", TALKS)],
    );
    let said = logs("rn-loop", "started");
    let path = state("rn-loop.notify");
    assert!(said.contains(&format!("socket {} False", path.display())), "{said}");
    // root is somebody else
    let stranger = std::os::unix::net::UnixDatagram::unbound().expect("a socket");
    stranger.send_to(b"READY=1", &path).expect("sent");
    never_ready(&svscan, "rn-loop");
    write(&directory.join("now"), "", 0o644);
    becomes_ready(&svscan, "rn-loop");
    logs("rn-loop", "told");
}

#[test]
fn once_notified_or_not_a_loop_sleeps() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-idle");
    for (name, options) in [
        ("ri-notify", "--interval 1000 --ready sd_notify"),
        ("ri-first", "--interval 1000 --ready first-success"),
        ("ri-file", "--interval 1000 --ready file:/"),
        ("ri-never", "--interval 1000 --ready file:never"),
    ] {
        add(&svscan, name, options, "exit 3");
        eventually("it waits", || {
            read(state(&format!("{name}.json"))).contains("next_due\":\"").then_some(())
        });
        let pid = svscan.pid(name);
        // the helper of one that is ready has to be reaped first
        eventually("it is asleep for a while", || {
            let before = context_switches(pid);
            std::thread::sleep(Duration::from_millis(500));
            (context_switches(pid) == before).then_some(())
        });
    }
}

#[test]
fn what_cannot_be_waited_for_is_100() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-refused");
    for (options, said) in [
        ("--ready first-success", "--ready: needs a timing option"),
        ("--ready sd_notify", "--ready: needs a timing option"),
        ("--ready soon", "has an unknown form"),
        ("--ready tcp:localhost:80", "has no valid port"),
        ("--ready cmd:", "is empty"),
        ("--ready-timeout 5", "no condition to wait for"),
        ("--ready start --ready-timeout 5", "no condition to wait for"),
        ("--ready file:x --ready-timeout 0", "must be greater than zero"),
        ("--ready file:x --ready-timeout '${PATIENCE:?is not set}'", "PATIENCE"),
    ] {
        let script = format!("exec {} {options} -- true", svscan.scratch.launcher().display());
        let refused = output(Command::new("sh").args(["-c", &script]).current_dir("/"));
        assert_eq!(refused.status.code(), Some(100), "{options}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(said), "{options}: {}", stderr(&refused));
    }
}

#[test]
fn explain_reports_each_mistake_once() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ready-once");
    for (options, said, count) in [
        ("--schedule 09:00 --grace -1 --ready-timeout 0 --ready file:x", "--grace: invalid value", 2),
        ("--schedule 09:00 --every 5", "cannot be combined with", 1),
        ("--interval 0 --ready sd_notify", "must be greater than zero", 1),
    ] {
        let script = format!("exec {} --explain=json {options} -- true", svscan.scratch.launcher().display());
        let explained = output(Command::new("sh").args(["-c", &script]).current_dir("/"));
        let page: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
        let problems = page["problems"].as_array().expect("a list");
        assert_eq!(problems.len(), count, "{problems:?}");
        assert!(problems.iter().any(|problem| problem["text"].to_string().contains(said)), "{problems:?}");
    }
}
