//! Signals at rest, runit, and no supervisor at all.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::direct::{Caller, Direct};
use crate::support::{
    Scratch, Svscan, eventually, eventually_rests, is_alive, log_of, needs, output, read, record_of, runsv,
    state, stdout, throughout, write,
};
use crate::{READY, edit, is_within_a_second, record_is_clear};

#[test]
fn hup_and_alrm_try_again() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("tries-again");
    for (name, option) in [("again-hup", "-h"), ("again-alrm", "-a")] {
        // something that no watch sees: the worker's own condition
        let words = "--interval 0.05 --max-failures 2 -- sh -c 'echo run; exit 3'";
        svscan.add_launch(name, words, &[]);
        eventually_rests(name, "max-failures");
        let pid = svscan.pid(name);
        assert_eq!(record_of(name)["runs"], 2);
        svscan.svc(&[option], name);
        eventually("two more runs and a rest", || {
            let record = record_of(name);
            (record["runs"] == 4 && !record["resting"].is_null()).then_some(())
        });
        assert_eq!(svscan.pid(name), pid);
    }
    for (name, option) in [("again-run-hup", "-h"), ("again-run-alrm", "-a")] {
        svscan.add_launch(name, "--user futonew:911 -- sh -c 'echo ready'", &[]);
        eventually("said", || svscan.stderr().contains(&format!(" {name}: fatal")).then_some(()));
        let pid = svscan.pid(name);
        eventually("it takes signals", || {
            let status = read(format!("/proc/{pid}/status"));
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            (u64::from_str_radix(caught.trim(), 16).ok()? & 1 != 0).then_some(())
        });
        svscan.svc(&[option], name);
        eventually("another process", || (svscan.pid(name) != pid).then_some(()));
        assert!(!is_alive(pid));
    }
}

#[test]
fn one_that_was_killed_at_rest_leaves_nothing_in_the_record_of_the_next() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("killed-at-rest");
    for (name, words) in
        [("killed-exec", READY), ("killed-loop", "--interval 1000 --initial-delay 1000 -- true")]
    {
        let directory = svscan.add_launch(name, words, &[("config.env", "VALUE=$(date)\n")]);
        eventually_rests(name, "configuration");
        // down first, so that the next start finds a good file
        svscan.svc(&["-d", "-k"], name);
        eventually("down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
        // as a container that was killed leaves it
        let mut stale = record_of(name);
        stale["resting"] =
            serde_json::json!({"kind": "configuration", "reason": "r", "since": "s", "exit": 100});
        edit(&state(""), &format!("{name}.json"), &stale.to_string(), 0o640);
        edit(&directory, "config.env", "VALUE=good\n", 0o600);
        svscan.svc(&["-u"], name);
        eventually(&format!("{name}: {}", record_of(name)), || record_is_clear(name).then_some(()));
    }
}

#[test]
fn without_a_supervisor_the_exit_code_comes_at_once() {
    needs!(root, "s6-svscan");
    let cases: [(&[&str], &[&str], &str, i32); 6] = [
        (&[], &["true"], "VALUE=$(date)\n", 100),
        (&["--interval", "1"], &["true"], "VALUE=$(date)\n", 100),
        (&["--intervall", "1"], &["true"], "", 100),
        (&[], &["nosuchprogram"], "", 127),
        (&["--interval", "0.01", "--max-failures", "2"], &["false"], "", 1),
        (&["--once"], &["true"], "", 0),
    ];
    for (options, worker, text, code) in cases {
        let mut direct = Direct::new("unsupervised");
        direct.write("config.env", text, 0o600);
        direct.launch(Caller::Root, options, worker);
        assert_eq!(direct.end(), code, "{options:?} {worker:?}: {}", direct.stderr());
        assert!(direct.record()["resting"].is_null(), "{options:?} {worker:?}: {}", direct.record());
    }
}

#[test]
fn under_runit_it_rests_and_restarts_too() {
    needs!(root, "runsv");
    let scratch = Scratch::new("runit-rests");
    let launcher = scratch.launcher();
    let mut running = Vec::new();
    for (name, words, kind) in [
        ("runit-env", READY, "configuration"),
        ("runit-option", "--intervall 1 -- true", "configuration"),
        ("runit-program", "-- ./hook", "program"),
        ("runit-failures", "--interval 0.05 --max-failures 2 -- sh -c 'exit 7'", "max-failures"),
        ("runit-done", "--once -- true", "done"),
    ] {
        let directory = scratch.directory_of_abc(name);
        let run = format!("#!/bin/sh\nexec {} {words}\n", launcher.display());
        scratch.write(Path::new(name).join("run"), &run, 0o755);
        let text = if name == "runit-env" { "VALUE=$(date)\n" } else { "VALUE=good\n" };
        edit(&directory, "config.env", text, 0o600);
        let runsv = runsv(&directory, &scratch.join(format!("{name}.err")));
        running.push((name, kind, directory, runsv));
    }
    let pid = |directory: &Path| read(directory.join("supervise/pid")).trim().parse::<i32>().unwrap_or(0);
    let pids: Vec<i32> = running
        .iter()
        .map(|(name, kind, directory, _)| {
            eventually_rests(name, kind);
            pid(directory)
        })
        .collect();
    let all_same =
        || running.iter().zip(&pids).all(|((_, _, directory, _), before)| pid(directory) == *before);
    throughout("the same processes", Duration::from_secs(3), all_same);
    let good = format!("#!/bin/sh\nexec {} {READY}\n", launcher.display());
    for (name, _, directory, _) in &running {
        let before = log_of(name).len();
        let start = Instant::now();
        match *name {
            "runit-env" => edit(directory, "config.env", "VALUE=good\n", 0o600),
            "runit-program" => edit(directory, "hook", "#!/bin/sh\necho ready good\nsleep 1000\n", 0o755),
            "runit-option" => write(&directory.join("run"), &good, 0o755),
            "runit-failures" => {
                let done = output(Command::new("sv").arg("alarm").arg(directory));
                assert!(done.status.success(), "{}", stdout(&done));
                eventually("two more runs", || (record_of(name)["runs"] == 4).then_some(()));
                continue;
            }
            _ => {
                let done = output(Command::new("sv").args(["-w", "9", "stop"]).arg(directory));
                assert!(done.status.success(), "{}", stdout(&done));
                assert!(record_is_clear(name), "{}", record_of(name));
                continue;
            }
        }
        let time =
            eventually(name, || log_of(name)[before..].contains("ready good").then(|| start.elapsed()));
        if *name != "runit-option" {
            is_within_a_second(time, name);
        }
        assert!(record_is_clear(name), "{name}: {}", record_of(name));
    }
}
