//! What it rests for.

use std::fs;
use std::time::{Duration, Instant};

use crate::READY;
use crate::support::{
    Svscan, context_switches, eventually, eventually_dead, eventually_rests, log_of, needs, occurrences,
    read, record_of, throughout, write,
};

/// Name and text of each.
type Files = &'static [(&'static str, &'static str)];

#[test]
fn whatever_it_rests_for_it_is_not_restarted_not_ready_and_reports_it_once() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("rests");
    /// Name, words, files; kind of rest, message, exit code.
    type Service = (&'static str, &'static str, Files, &'static str, &'static str, i64);
    let bad_env: Files = &[("config.env", "VALUE=$(date)\n"), ("notification-fd", "3\n")];
    let ready: Files = &[("notification-fd", "3\n")];
    let services: [Service; 7] = [
        ("rests-env", READY, bad_env, "configuration", "config.env:1", 100),
        ("rests-env-loop", "--interval 1 -- true", bad_env, "configuration", "config.env:1", 100),
        ("rests-option", "--intervall 1 -- true", ready, "configuration", "--intervall", 100),
        ("rests-user", "--user nosuchuser -- true", ready, "configuration", "nosuchuser", 100),
        ("rests-program", "-- nosuchprogram", ready, "program", "'nosuchprogram': not found", 127),
        (
            "rests-failures",
            "--interval 0.05 --max-failures 3 -- sh -c 'exit 7'",
            &[],
            "max-failures",
            "3 failures in a row",
            7,
        ),
        ("rests-done", "--once -- true", &[], "done", "the run succeeded", 0),
    ];
    for (name, words, files, ..) in services {
        svscan.add_launch(name, words, files);
    }
    let mut pids = Vec::new();
    for (name, _, _, kind, _, exit) in services {
        if name == "rests-user" {
            // nobody to own a log or record: stderr alone
            eventually("said", || svscan.stderr().contains("nosuchuser").then_some(()));
        } else {
            let record = eventually_rests(name, kind);
            assert_eq!(record["resting"]["exit"], exit, "{record}");
            assert!(record["resting"]["since"].is_string() && record["resting"]["reason"].is_string());
            assert!(record["next_due"].is_null(), "{record}");
        }
        pids.push((name, svscan.pid(name)));
    }
    let tally =
        |name: &str| fs::read(svscan.directory(name).join("supervise/death_tally")).unwrap_or_default();
    let tallies: Vec<Vec<u8>> = services.iter().map(|(name, ..)| tally(name)).collect();
    let switches = |pid: i32| context_switches(pid).0;
    // asleep for good: nothing of the rest's beginning is still going on
    let mut slept: Vec<u64> = Vec::new();
    eventually("all asleep", || {
        let now: Vec<u64> = pids.iter().map(|(_, pid)| switches(*pid)).collect();
        let same = now == slept;
        slept = now;
        std::thread::sleep(Duration::from_millis(50));
        same.then_some(())
    });
    throughout("the same processes, asleep", Duration::from_secs(3), || {
        pids.iter()
            .zip(&slept)
            .all(|((name, pid), slept)| svscan.pid(name) == *pid && switches(*pid) == *slept)
    });
    let stderr = svscan.stderr();
    for ((name, _, _, _, message, _), before) in services.iter().zip(tallies) {
        assert_eq!(tally(name), before, "{name} has died");
        assert_eq!(svscan.svstat("ready", name), ["false"], "{name}");
        let lines: Vec<&str> = stderr
            .lines()
            .filter(|line| line.contains(&format!(" {name}: ")) && line.contains(message))
            .collect();
        assert_eq!(lines.len(), 1, "{name}: {stderr}");
        if *name != "rests-user" {
            assert_eq!(occurrences(&log_of(name), message), 1, "{name}: {}", log_of(name));
            assert_eq!(occurrences(&log_of(name), "resting until"), 1, "{name}: {}", log_of(name));
        }
        let uid = read(format!("/proc/{}/status", svscan.pid(name)));
        let root = uid.contains("Uid:\t0\t");
        assert_eq!(root, *name == "rests-user", "{name} rests as the user: {uid}");
    }
    // and a stop ends each at once
    for (name, pid) in pids {
        let start = Instant::now();
        svscan.svc(&["-d"], name);
        eventually_dead(pid);
        assert!(start.elapsed() < Duration::from_secs(1), "{name}: {:?}", start.elapsed());
        eventually("down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
        assert_eq!(svscan.svstat("exitcode", name), ["0"], "{name}");
        if name != "rests-user" {
            assert!(record_of(name)["resting"].is_null(), "{name}: {}", record_of(name));
        }
    }
}

#[test]
fn a_notification_fd_that_holds_no_descriptor_rests_as_the_user_with_log_and_record() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("rests-notification");
    let services: [(&str, Option<&str>, &str); 3] = [
        ("rests-fd-one", Some("1\n"), "notification-fd: not a descriptor number of 3 or more"),
        ("rests-fd-word", Some("abc\n"), "notification-fd: not a descriptor number of 3 or more"),
        (
            "rests-fd-directory",
            None,
            "unable to read 'notification-fd': it is a directory, not a regular file",
        ),
    ];
    let mut pids = Vec::new();
    for (name, content, message) in services {
        let launcher = svscan.scratch.launcher().display().to_string();
        let hidden = svscan.scratch.join("scan").join(format!(".{name}"));
        fs::create_dir(&hidden).expect("a service directory");
        write(&hidden.join("run"), &format!("#!/bin/sh\nexec {launcher} {READY}\n"), 0o755);
        match content {
            // s6-supervise starts `run` all the same
            Some(content) => write(&hidden.join("notification-fd"), content, 0o644),
            None => fs::create_dir(hidden.join("notification-fd")).expect("a directory"),
        }
        fs::rename(&hidden, svscan.directory(name)).expect("published");
        svscan.control(&["-a"]);
        let record = eventually_rests(name, "configuration");
        assert_eq!(record["resting"]["exit"], 100, "{record}");
        assert!(record["resting"]["reason"].as_str().expect("a reason").contains(message), "{record}");
        assert!(log_of(name).contains(message), "{}", log_of(name));
        let status = read(format!("/proc/{}/status", svscan.pid(name)));
        assert!(!status.contains("Uid:\t0\t"), "{name} rests as the user: {status}");
        pids.push((name, svscan.pid(name)));
    }
    throughout("the same processes", Duration::from_millis(1500), || {
        pids.iter().all(|(name, pid)| svscan.pid(name) == *pid)
    });
    for (name, ..) in services {
        let file = svscan.directory(name).join("notification-fd");
        let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
        eventually(&format!("{name} is ready; {}", log_of(name)), || {
            log_of(name).contains("ready").then_some(())
        });
    }
}
