//! A stop of the watcher between many definitions, and the bound on profiles.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::boot::{Definitions, Volume};
use crate::support::{PATIENCE, children, eventually, needs};
use crate::{CPU, link_into, support};

#[test]
fn a_stop_of_the_watcher_is_seen_between_definitions() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-stop");
    link_into(&definitions, "#!/bin/sh\nexec futo-launch -- id\n", 300);
    let published = stopped_at_the_first(&definitions.command(&["--watch"]), &definitions.scan(""));
    assert!(published < 250, "it has published them all first: {published}");
}

#[test]
fn a_stop_of_the_watcher_is_seen_between_profiles() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-stop-profiles");
    for number in 0..140 {
        volume.bare_profile(&format!("p{number:03}"));
    }
    let published = stopped_at_the_first(&volume.command(&["--watch"]), &volume.scan(""));
    assert!(published < 120, "it has published them all first: {published}");
}

/// Sends TERM to this watcher when it has published something; gives how many names there are when it has ended.
fn stopped_at_the_first(ours: &Command, scan: &Path) -> usize {
    // each of them takes root a while
    let mut watcher = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=mkdirat", "-e", "inject=mkdirat:delay_enter=100000"])
        .arg(ours.get_program())
        .args(ours.get_args())
        .env_clear()
        .envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", support::launching::PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace starts");
    let published = || fs::read_dir(scan).expect("listed").count();
    eventually("the first one is published", || (published() > 2).then_some(()));
    let pid = children(watcher.id().cast_signed())[0];
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("signalled");
    let start = Instant::now();
    let ended = loop {
        match watcher.try_wait().expect("waited") {
            Some(status) => break status.code(),
            None if start.elapsed() > PATIENCE => {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                let _ = watcher.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(ended, Some(0));
    published()
}

#[test]
fn more_profiles_than_there_is_room_for_leave_room_for_roots_services() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-room");
    for number in 0..200 {
        volume.bare_profile(&format!("p{number:03}"));
    }
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("action=registered").count(), 150, "{}", ran.stderr);
    let said = "there are more than 150 instances: 51 are not published, starting with 'p149'";
    assert!(ran.stderr.contains(said) && !ran.stdout.contains("p149"), "{}", ran.stderr);
    assert!(volume.scan("gateway-default/run").exists() && volume.scan("gateway-p000/run").exists());
    // what is published stays, whatever comes before it
    volume.bare_profile("a-new-one");
    let ran = volume.reconcile(&["--prune"]);
    assert!(ran.stderr.contains(": 52 are not published, starting with 'a-new-one'"), "{}", ran.stderr);
    assert!(volume.scan("gateway-p148/run").exists(), "{}", ran.stdout);
}

#[test]
fn what_there_is_no_room_for_is_not_read() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-read");
    let state = format!("{{\"x\": \"{}\", \"gateway_state\": \"running\"}}", "x".repeat(60_000));
    let first = volume.profile("p0000", state);
    volume.make("profiles/p0000/state");
    volume.write("profiles/p0000/state/gateway.lifecycle.json", vec![b' '; 1 << 20]);
    // by hard links, so that it costs hermes nothing
    for number in 1..3000 {
        let directory = volume.make(&format!("profiles/p{number:04}"));
        volume.make(&format!("profiles/p{number:04}/state"));
        for file in ["SOUL.md", "gateway_state.json", "state/gateway.lifecycle.json"] {
            fs::hard_link(first.join(file), directory.join(file)).expect("linked");
        }
    }
    let ran = volume.reconcile_through(&CPU, &[]);
    assert_eq!(ran.code, 1, "not killed: {}", ran.stderr);
    assert!(ran.stderr.contains("2851 are not published, starting with 'p0149'"), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("action=started").count(), 149, "{}", ran.stderr);
    assert!(ran.stdout.len() + ran.stderr.len() < 50_000);
    // what is no instance is not listed for ever either
    for number in 0..500 {
        volume.make(&format!("profiles/Q{number:03}/x"));
        std::os::unix::fs::symlink("/", volume.home(format!("profiles/r{number:03}"))).expect("a link");
    }
    let ran = volume.reconcile_through(&CPU, &[]);
    assert!(ran.stdout.len() + ran.stderr.len() < 50_000, "{}", ran.stderr);
}
