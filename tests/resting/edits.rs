//! Which edits end a rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::{
    Svscan, eventually, eventually_rests, log_of, needs, occurrences, own_by_abc, record_of, set_mode, state,
    throughout, write,
};
use crate::{READY, edit, is_within_a_second, logged_after, record_is_clear};

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
