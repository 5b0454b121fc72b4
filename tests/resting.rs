//! Resting under s6-svscan and runsv: what a restart every second cannot fix is reported once, and fixed
//! by a change of the file that is wrong.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::direct::{Caller, Direct};
use support::{
    Scratch, Svscan, context_switches, eventually, eventually_dead, eventually_rests, is_alive, log_of,
    needs, occurrences, output, own_by_abc, read, record_of, runsv, set_mode, state, stdout, throughout,
    write,
};

/// Waits until the log contains the text and gives how long after `start` that was.
fn logged_after(start: Instant, name: &str, text: &str) -> Duration {
    eventually(&format!("{text:?} in {:?}", log_of(name)), || {
        log_of(name).contains(text).then(|| start.elapsed())
    })
}

/// A file of abc's in a service directory, replaced by a rename, as editors do it.
fn edit(directory: &Path, file: &str, text: &str, mode: u32) {
    let part = directory.join(format!(".{file}.new"));
    write(&part, text, mode);
    own_by_abc(&part);
    fs::rename(&part, directory.join(file)).expect("renamed");
}

fn is_within_a_second(time: Duration, what: &str) {
    eprintln!("{what}: worker live after {time:?}");
    assert!(time < Duration::from_secs(1), "{what}: {time:?}");
}

/// Name and text of each.
type Files = &'static [(&'static str, &'static str)];

const READY: &str = "-- sh -c 'echo \"ready $VALUE\"; exec sleep 1000'";

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
        ("rests-done", "--once -- true", &[], "done", "the one run has succeeded", 0),
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
        ("rests-fd-one", Some("1\n"), "notification-fd: is not a descriptor from 3 up"),
        ("rests-fd-word", Some("abc\n"), "notification-fd: is not a descriptor from 3 up"),
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

/// A worker that fails again and again: the interpreter is right, what it is given is not.
#[test]
fn an_edit_of_a_file_among_the_arguments_ends_every_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("arguments");
    let give_up = "--interval 0.05 --max-failures 2";
    let work = svscan.scratch.directory_of_abc("work");
    let there = work.display();
    write(&work.join("in-chdir.sh"), "echo oops; exit 3\n", 0o644);
    // name, words, the file that is edited, what it becomes
    let cases = [
        ("arg-script", format!("{give_up} -- sh ./worker.sh"), "worker.sh", "echo ready; exec sleep 1000\n"),
        (
            "arg-option",
            format!("{give_up} -- sh -e worker.sh x"),
            "worker.sh",
            "echo ready; exec sleep 1000\n",
        ),
        (
            "arg-chdir",
            format!("{give_up} --chdir {there} -- sh in-chdir.sh"),
            "in-chdir.sh",
            "echo ready; exec sleep 1000\n",
        ),
        (
            "arg-second",
            format!(
                "{give_up} -- sh -c 'echo oops; grep -q yes \"$1\" || exit 3; echo ready; exec sleep 1000' sh data"
            ),
            "data",
            "yes\n",
        ),
    ];
    for (name, words, file, after) in &cases {
        svscan.add_launch(name, words, &[("worker.sh", "echo oops; exit 3\n"), ("data", "no\n")]);
        let rests = eventually_rests(name, "max-failures");
        assert_eq!(rests["last_errors"].as_array().and_then(|lines| lines.last()), Some(&"oops".into()));
        let start = Instant::now();
        let place = if *file == "in-chdir.sh" { work.clone() } else { svscan.directory(name) };
        edit(&place, file, after, 0o644);
        logged_after(start, name, "ready\n");
    }
    // its own log among them wakes nobody
    let own = format!("{give_up} -- sh -c 'exit 3' sh {}", state("arg-own.log").display());
    svscan.add_launch("arg-own", &own, &[]);
    let before = eventually_rests("arg-own", "max-failures");
    throughout("it rests on", Duration::from_millis(600), || record_of("arg-own") == before);
}

#[test]
fn an_edit_of_config_env_by_abc_brings_the_worker_up_within_a_second() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("edits");
    type Edit = fn(&Path);
    let edits: [(&str, Edit, &str); 5] = [
        (
            "edit-rename",
            |directory| edit(directory, "config.env", "VALUE=renamed\n", 0o600),
            "ready renamed\n",
        ),
        (
            "edit-in-place",
            |directory| {
                // opened and emptied, written, closed
                let path = directory.join("config.env");
                fs::write(&path, "VALUE=in-place\n").expect("written");
            },
            "ready in-place\n",
        ),
        (
            "edit-remove",
            |directory| fs::remove_file(directory.join("config.env")).expect("removed"),
            "ready \n",
        ),
        (
            "edit-away-and-new",
            |directory| {
                // as vim does: away with the old one, then the new one
                let path = directory.join("config.env");
                fs::rename(&path, directory.join("config.env~")).expect("renamed");
                std::thread::sleep(Duration::from_millis(30));
                let mut file = fs::File::create(&path).expect("created");
                own_by_abc(&path);
                std::thread::sleep(Duration::from_millis(30));
                std::io::Write::write_all(&mut file, b"VALUE=new\n").expect("written");
            },
            "ready new\n",
        ),
        (
            "edit-mode",
            |directory| {
                // it could not be read: root made it their own
                let path = directory.join("config.env");
                fs::write(&path, "VALUE=mode\n").expect("written");
                own_by_abc(&path);
            },
            "ready mode\n",
        ),
    ];
    for (name, ..) in edits {
        let directory = svscan.add_launch(name, READY, &[("config.env", "VALUE=$(date)\n")]);
        own_by_abc(&directory);
        if name == "edit-mode" {
            set_mode(directory.join("config.env"), 0o600);
        } else {
            own_by_abc(&directory.join("config.env"));
        }
    }
    for (name, change, expected) in edits {
        eventually_rests(name, "configuration");
        let pid = svscan.pid(name);
        let start = Instant::now();
        change(&svscan.directory(name));
        let time = logged_after(start, name, "ready");
        is_within_a_second(time, name);
        assert!(log_of(name).ends_with(expected), "{name}: {}", log_of(name));
        assert_eq!(svscan.pid(name), pid, "{name}: in the same process");
        assert!(record_of(name)["resting"].is_null(), "{name}: {}", record_of(name));
        assert_eq!(occurrences(&log_of(name), "fatal"), 1, "{name}: {}", log_of(name));
    }
}

#[test]
fn an_edit_that_is_still_wrong_is_reported_once_more_if_it_is_wrong_in_another_way() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("still-wrong");
    let directory = svscan.add_launch("still-wrong", READY, &[("config.env", "VALUE=$(date)\n")]);
    eventually_rests("still-wrong", "configuration");
    let pid = svscan.pid("still-wrong");
    // the same fault, then another one
    edit(&directory, "config.env", "VALUE=$(date)\n# edited\n", 0o600);
    edit(&directory, "config.env", "# edited\nVALUE=$(date)\n", 0o600);
    let start = Instant::now();
    logged_after(start, "still-wrong", "config.env:2");
    assert_eq!(occurrences(&log_of("still-wrong"), "config.env:1"), 1, "{}", log_of("still-wrong"));
    edit(&directory, "config.env", "VALUE=good\n", 0o600);
    logged_after(Instant::now(), "still-wrong", "ready good");
    assert_eq!(occurrences(&log_of("still-wrong"), "fatal"), 2, "{}", log_of("still-wrong"));
    assert_eq!(svscan.pid("still-wrong"), pid);
}

#[test]
fn a_program_that_appears_is_live_within_a_second() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("appears");
    let tools = svscan.scratch.directory_of_abc("tools");
    let script = "#!/bin/sh\necho ready\nexec sleep 1000\n";
    // at its path, in PATH, in a directory that is made only then, by gaining its mode
    let deep = tools.join("deep/er/hook");
    let mode = svscan.scratch.write("tools/mode-hook", script, 0o644);
    own_by_abc(&mode);
    type Place = (&'static str, String, PathBuf);
    let path = format!("--env PATH={}:/usr/bin:/bin", tools.display());
    let places: [Place; 4] = [
        ("appears-path", format!("-- {}/hook", tools.display()), tools.join("hook")),
        ("appears-search", format!("{path} -- searched-hook"), tools.join("searched-hook")),
        ("appears-deep", format!("-- {}", deep.display()), deep.clone()),
        ("appears-mode", format!("-- {}", mode.display()), mode.clone()),
    ];
    for (name, words, _) in &places {
        svscan.add_launch(name, words, &[]);
    }
    for (name, _, program) in &places {
        let record = eventually_rests(name, "program");
        let exit = if *name == "appears-mode" { 126 } else { 127 };
        assert_eq!(record["resting"]["exit"], exit, "{record}");
        let pid = svscan.pid(name);
        let start = Instant::now();
        fs::create_dir_all(program.parent().expect("a directory")).expect("made");
        if *name == "appears-mode" {
            set_mode(program, 0o755);
        } else {
            write(program, script, 0o755);
        }
        is_within_a_second(logged_after(start, name, "ready"), name);
        assert_eq!(svscan.pid(name), pid, "{name}: in the same process");
        assert!(record_is_clear(name), "{name}");
    }
}

fn record_is_clear(name: &str) -> bool {
    record_of(name)["resting"].is_null()
}

#[test]
fn a_changed_run_file_is_started_again() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("run-changes");
    let good = format!("#!/bin/sh\nexec {} {READY}\n", svscan.scratch.launcher().display());
    for (name, words, kind) in [
        ("run-option", "--intervall 1 -- true", "configuration"),
        ("run-program", "-- nosuchprogram", "program"),
        ("run-done", "--once -- true", "done"),
    ] {
        let directory = svscan.add_launch(name, words, &[]);
        eventually_rests(name, kind);
        let pid = svscan.pid(name);
        write(&directory.join("run"), &good, 0o755);
        logged_after(Instant::now(), name, "ready");
        assert_ne!(svscan.pid(name), pid, "{name}: another process, by the supervisor");
        assert!(record_is_clear(name), "{name}: {}", record_of(name));
    }
}

#[test]
fn a_run_file_that_becomes_another_programs_leaves_no_rest_in_the_record() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("run-replaced");
    let directory = svscan.add_launch("run-replaced", "-- nosuchprogram", &[]);
    eventually_rests("run-replaced", "program");
    write(&directory.join("run"), "#!/bin/sh\n: > started\nexec sleep 1000\n", 0o755);
    eventually("started", || directory.join("started").exists().then_some(()));
    assert!(record_is_clear("run-replaced"), "{}", record_of("run-replaced"));
}

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
