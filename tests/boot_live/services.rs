//! Services that come, change, run on and go.

use std::fs;
use std::process::Command;

use crate::support::boot::Definitions;
use crate::support::launching::finish;
use crate::support::live::Live;
use crate::support::{Svscan, eventually, eventually_contains, is_alive, needs, read, rights, throughout};

#[test]
fn a_gateway_runs_as_the_original_does_and_its_logger_writes_with_stamps() {
    needs!(root, "s6-svscan");
    let live = Live::new("as-original");
    live.volume.profile_in("coder", "running");
    live.volume.write("gateway_state.json", r#"{"gateway_state":"running"}"#);
    live.reconcile(&[]);
    let home = live.volume.home("").display().to_string();
    let home = home.trim_end_matches('/');
    let venv = live.volume.scratch.join("venv").display().to_string();
    for (profile, words) in
        [("coder", "-p coder gateway run --replace"), ("default", "gateway run --replace")]
    {
        let log = live.volume.home(format!("logs/gateways/{profile}/current"));
        let line = eventually_contains(&log, "gateway run");
        let (stamp, said) = line.split_once("  ").unwrap_or_else(|| panic!("a stamp: {line}"));
        assert_eq!(said, format!("{words} {home} {home} {venv} hermes {home}\n"));
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00 00:00:00.000000000", "{line}");
        assert!(rights(&log).ends_with("10000:10000"), "{}", rights(&log));
    }
}

#[test]
fn a_hundred_runs_leave_every_process_as_it_is() {
    needs!(root, "s6-svscan");
    let live = Live::new("hundred");
    for profile in ["a", "b"] {
        live.volume.profile_in(profile, "running");
    }
    live.volume.bare_profile("idle");
    live.reconcile(&[]);
    let services = ["gateway-a", "gateway-b"];
    let before = services.map(|service| live.pids(service));
    live.volume.write("profiles/a/gateway.pid", "7");
    for run in 0..100 {
        // also changes, back and forth: of files only
        live.volume.profile_in("b", if run % 10 == 5 { "stopped" } else { "running" });
        live.reconcile(&["--prune"]);
    }
    assert_eq!(services.map(|service| live.pids(service)), before);
    assert_eq!(read(live.volume.home("profiles/a/gateway.pid")), "7", "what runs needs it");
    assert_eq!(live.svscan.svstat("up", "gateway-idle"), ["false"]);
    assert_eq!(live.svscan.svstat("up", "gateway-idle/log"), ["false"]);
    for pid in before.as_flattened() {
        assert!(is_alive(*pid));
    }
}

#[test]
fn a_state_that_changes_starts_and_stops_nothing_that_is_there() {
    needs!(root, "s6-svscan");
    let live = Live::new("nothing-starts");
    live.volume.profile_in("up", "running");
    live.volume.profile_in("down", "stopped");
    live.reconcile(&[]);
    let before = live.pids("gateway-up");
    live.volume.profile_in("up", "stopped");
    live.volume.profile_in("down", "running");
    live.reconcile(&[]);
    assert!(!live.volume.starts("gateway-up") && live.volume.starts("gateway-down"));
    throughout("as it was", std::time::Duration::from_millis(500), || {
        live.pids("gateway-up") == before && live.svscan.svstat("up", "gateway-down") == ["false"]
    });
}

#[test]
fn a_new_profile_is_started_while_the_others_run() {
    needs!(root, "s6-svscan");
    let live = Live::new("added");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let before = live.pids("gateway-a");
    live.volume.profile_in("b", "running");
    live.reconcile(&[]);
    live.pids("gateway-b");
    assert_eq!(live.pids("gateway-a"), before);
}

#[test]
fn a_profile_that_has_gone_is_stopped_and_removed_and_no_other() {
    needs!(root, "s6-svscan");
    let live = Live::new("pruned");
    for profile in ["a", "b"] {
        live.volume.profile_in(profile, "running");
    }
    live.reconcile(&[]);
    let (gone, stays) = (live.pids("gateway-a"), live.pids("gateway-b"));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    live.reconcile(&["--prune"]);
    for pid in gone {
        assert!(!is_alive(pid), "its supervisor has left before the directory is removed");
    }
    assert!(!live.volume.scan("gateway-a").exists());
    let names: Vec<String> = fs::read_dir(live.volume.scan(""))
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with(".futo-gone")), "{names:?}");
    assert_eq!(live.pids("gateway-b"), stays);
    // and comes back
    live.volume.profile_in("a", "running");
    live.reconcile(&["--prune"]);
    assert_ne!(live.pids("gateway-a"), gone);
}

#[test]
fn finish_of_a_service_that_is_taken_away_knows_its_name_and_does_not_rest() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("last-finish");
    definitions.line("mine", "--log - -- sleep 1000");
    definitions.write("mine/finish", "#!/bin/sh\nexec futo-launch --log - -- true\n");
    let svscan = Svscan::on_directory("last-finish", &definitions.scan(""), &[]);
    definitions.sync(&[]);
    svscan.pid("mine");
    fs::rename(definitions.abcs("mine/run"), definitions.abcs("mine/no-run")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert!(ran.code == 0 && ran.stderr.contains("no longer contains run"), "{}", ran.stderr);
    assert_eq!(svscan.svstat("up", "mine"), ["true"], "only a directory that has gone is gone");
    // the directory in which finish is executed has another name by then, and the definition's is not there
    fs::rename(definitions.abcs("mine"), definitions.abcs(".mine")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "sync: service=mine action=pruned\n"), "{}", ran.stderr);
    let said = svscan.stderr();
    assert!(
        said.contains("mine: fatal: unable to change to directory") && !said.contains("resting"),
        "{said}"
    );
    assert!(!said.contains("SIGKILL"), "{said}");
}

#[test]
fn a_logger_that_comes_or_goes_is_reported_and_leaves_no_supervisor_without_its_run() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("loggers");
    definitions.line("comes", "--log - -- sleep 1000");
    definitions.line("goes", "--log - -- sleep 1000");
    let logger = "#!/bin/sh\nexec futo-launch --log - -- sleep 1000\n";
    definitions.write("goes/log/run", logger);
    let svscan = Svscan::on_directory("loggers", &definitions.scan(""), &[]);
    assert_eq!(definitions.sync(&[]).stderr, "");
    let before = [svscan.pid("comes"), svscan.pid("goes"), svscan.pid("goes/log")];
    definitions.write("comes/log/run", logger);
    fs::remove_dir_all(definitions.abcs("goes/log")).expect("removed");
    for changes in [["updated", "unchanged"], ["unchanged", "unchanged"]] {
        let ran = definitions.sync(&["--json"]);
        assert_eq!([ran.change("comes"), ran.change("goes")], changes);
        assert_eq!(
            ran.stdout.matches("the change to its logger takes effect when").count(),
            2,
            "{}",
            ran.stdout
        );
    }
    assert!(definitions.scan("comes/log/run").exists());
    svscan.svc(&["-r"], "goes/log");
    eventually("it is started again", || (svscan.pid("goes/log") != before[2]).then_some(()));
    // another change of the service does not take it away either
    definitions.line("goes", "--log - -- sleep 1001");
    assert_eq!(definitions.sync(&["--json"]).change("goes"), "updated");
    assert!(definitions.scan("goes/log/run").exists() && read(definitions.scan("goes/run")).contains("1001"));
    assert_eq!([svscan.pid("comes"), svscan.pid("goes")], before[..2]);
}

#[test]
fn a_service_that_is_started_by_hand_starts_its_logger_too() {
    needs!(root, "s6-svscan");
    let live =
        Live::with("by-hand", "head -c 300000 /dev/zero | tr '\\0' 'x'; echo; echo written; exec sleep 1000");
    live.volume.bare_profile("a");
    live.reconcile(&[]);
    let listens = || finish(Command::new("s6-svok").arg(live.volume.scan("gateway-a"))).status.success();
    eventually("its supervisor listens", || listens().then_some(()));
    live.svscan.svc(&["-u"], "gateway-a");
    let log = live.volume.home("logs/gateways/a/current");
    // more than a pipe holds
    eventually("all of it is read", || read(&log).ends_with("written\n").then_some(()));
}

#[test]
fn finish_ends_a_crash_loop_of_exit_78_and_no_other() {
    needs!(root, "s6-svscan");
    let live = Live::with("crash", "echo x >> \"$HOME/starts-$2\"; exit $(cat \"$HOME/code-$2\")");
    for (profile, code) in [("config", "78"), ("asked", "0"), ("crash", "1")] {
        live.volume.profile_in(profile, "running");
        live.volume.write(&format!("code-{profile}"), code);
    }
    live.reconcile(&[]);
    let starts = |profile: &str| read(live.volume.home(format!("starts-{profile}"))).lines().count();
    eventually("the crash is started again", || (starts("crash") >= 3).then_some(()));
    for profile in ["config", "asked"] {
        assert_eq!(starts(profile), 1, "{profile}");
        assert_eq!(live.svscan.svstat("up,wantedup", &format!("gateway-{profile}")), ["false", "false"]);
    }
}

#[test]
fn s6_takes_a_dangling_link_for_an_absent_file_and_uses_it_once_it_leads_somewhere() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("dangling");
    definitions.line("a", "--log - -- sleep 1000");
    definitions.write("a/down", "");
    definitions.write("a/timeout-kill", "5000\n");
    definitions.sync(&[]);
    for file in ["down", "timeout-kill"] {
        fs::remove_file(definitions.abcs("a").join(file)).expect("removed");
    }
    assert_eq!(definitions.sync(&["--json"]).change("a"), "updated");
    let down = definitions.scan("a/down");
    assert!(down.symlink_metadata().is_ok() && !down.exists(), "a dangling link");
    let svscan = Svscan::on_directory("dangling", &definitions.scan(""), &[]);
    let pid = svscan.pid("a");
    definitions.write("a/finish", "#!/bin/sh\nexec futo-launch --log - -- touch ./finished\n");
    definitions.sync(&[]);
    assert_eq!(svscan.pid("a"), pid);
    svscan.svc(&["-r"], "a");
    eventually("finish is executed", || definitions.abcs("a/finished").exists().then_some(()));
}
