//! What ends a rest although no file of that name has changed: links, mounts, looks; and what every rest records.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    Scratch, Svscan, context_switches, eventually, eventually_rests, log_of, needs, own_by_abc, read,
    record_of, set_mode, state, throughout, write,
};

fn eventually_ready(svscan: &Svscan, name: &str, pid: i32) {
    let start = Instant::now();
    eventually(&format!("ready: {}", log_of(name)), || log_of(name).contains("ready\n").then_some(()));
    eprintln!("{name}: worker live after {:?}", start.elapsed());
    assert_eq!(svscan.pid(name), pid, "{name}: in the same process");
    assert!(record_of(name)["resting"].is_null(), "{name}: {}", record_of(name));
}

const HOOK: &str = "#!/bin/sh\necho ready\nexec sleep 1000\n";

/// A directory of abc's for one case, with what it begins with.
struct Case {
    name: &'static str,
    /// The program, in its directory.
    program: &'static str,
    begin: fn(&Path),
    correct: fn(&Path),
}

fn hook(path: &Path) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    write(path, HOOK, 0o755);
}

fn link(target: &str, path: &Path) {
    symlink(target, path).expect("a link");
}

/// As `ln -sfn` and Kubernetes do it.
fn swap(target: &str, path: &Path) {
    let new = path.with_file_name("new");
    link(target, &new);
    fs::rename(&new, path).expect("swapped");
}

/// Publishes a service whose directory `fill` completes before anybody sees it.
fn publish(svscan: &Svscan, name: &str, words: &str, fill: impl Fn(&Path)) {
    let run = format!("#!/bin/sh\nexec {} {words}\n", svscan.scratch.launcher().display());
    let hidden = svscan.scratch.join(format!("made-{name}"));
    fs::create_dir(&hidden).expect("made");
    write(&hidden.join("run"), &run, 0o755);
    fill(&hidden);
    fs::rename(&hidden, svscan.directory(name)).expect("published");
    svscan.control(&["-a"]);
}

const PROGRAMS: [Case; 7] = [
    Case {
        name: "link-dangles",
        program: "hook",
        begin: |at| link("real", &at.join("hook")),
        correct: |at| hook(&at.join("real")),
    },
    Case {
        name: "link-of-link",
        program: "hook",
        begin: |at| {
            link("second", &at.join("hook"));
            link("deep/er/real", &at.join("second"));
        },
        correct: |at| hook(&at.join("deep/er/real")),
    },
    Case {
        name: "link-up",
        program: "bin/hook",
        begin: |at| {
            fs::create_dir(at.join("bin")).expect("made");
            link("../lib/./hook", &at.join("bin/hook"));
        },
        correct: |at| hook(&at.join("lib/hook")),
    },
    Case {
        name: "link-swapped",
        program: "current/hook",
        begin: |at| {
            fs::create_dir(at.join("v1")).expect("made");
            hook(&at.join("v2/hook"));
            link("v1", &at.join("current"));
        },
        correct: |at| swap("v2", &at.join("current")),
    },
    Case {
        name: "link-fixed-below",
        program: "current/bin/hook",
        begin: |at| {
            fs::create_dir(at.join("v1")).expect("made");
            link("v1", &at.join("current"));
        },
        correct: |at| hook(&at.join("v1/bin/hook")),
    },
    Case {
        name: "link-turned",
        program: "hook",
        begin: |at| {
            hook(&at.join("real"));
            link("hook", &at.join("hook"));
        },
        correct: |at| swap("real", &at.join("hook")),
    },
    Case {
        name: "mounted",
        program: "mnt/hook",
        begin: |at| {
            fs::create_dir(at.join("mnt")).expect("made");
            hook(&at.join("volume/hook"));
        },
        correct: |at| {
            let mounted =
                Command::new("mount").arg("--bind").args([at.join("volume"), at.join("mnt")]).status();
            assert!(mounted.expect("mount starts").success());
        },
    },
];

/// Unmounts at the end, so that the directory can be removed.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_program_that_comes_by_a_link_or_a_mount_ends_the_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("links");
    let at = |name: &str| svscan.scratch.join(format!("of-{name}"));
    let _mounted = Mounted(at("mounted").join("mnt"));
    for case in &PROGRAMS {
        svscan.scratch.directory_of_abc(&format!("of-{}", case.name));
        (case.begin)(&at(case.name));
        svscan.add_launch(case.name, &format!("-- {}", at(case.name).join(case.program).display()), &[]);
    }
    for case in &PROGRAMS {
        eventually_rests(case.name, "program");
        let pid = svscan.pid(case.name);
        assert!(!log_of(case.name).contains("checking every minute"), "{}", log_of(case.name));
        (case.correct)(&at(case.name));
        eventually_ready(&svscan, case.name, pid);
    }
}

#[test]
fn a_config_env_behind_links_that_are_swapped_ends_the_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("swapped");
    let text = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        write(path, text, 0o644);
    };
    // as Kubernetes mounts a secret: config.env → ..data/config.env, ..data → ..1
    for name in ["swapped-exec", "swapped-loop"] {
        let volume = svscan.scratch.directory_of_abc(&format!("volume-{name}"));
        text(&volume.join("..1/config.env"), "A=$(date)\n");
        link("..1", &volume.join("..data"));
        link("..data/config.env", &volume.join("config.env"));
        let words = if name == "swapped-loop" {
            "--interval 1000 -- echo ready"
        } else {
            "-- sh -c 'echo ready; exec sleep 1000'"
        };
        let target = volume.join("config.env");
        publish(&svscan, name, words, |at| link(target.to_str().expect("a path"), &at.join("config.env")));
    }
    for name in ["swapped-exec", "swapped-loop"] {
        eventually_rests(name, "configuration");
        let pid = svscan.pid(name);
        let volume = svscan.scratch.join(format!("volume-{name}"));
        text(&volume.join("..2/config.env"), "A=good\n");
        swap("..2", &volume.join("..data"));
        eventually_ready(&svscan, name, pid);
    }
    // and one that dangles
    let words = "--require TOKEN -- sh -c 'echo ready; exec sleep 1000'";
    publish(&svscan, "swapped-require", words, |at| link("token/env", &at.join("config.env")));
    let directory = svscan.directory("swapped-require");
    eventually_rests("swapped-require", "configuration");
    let pid = svscan.pid("swapped-require");
    text(&directory.join("token/env"), "TOKEN=x\n");
    eventually_ready(&svscan, "swapped-require", pid);
}

/// The deadlines for which timers of a process are armed, in seconds from now.
fn timers(pid: i32) -> Vec<f64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("its descriptors");
    let left = |entry: fs::DirEntry| {
        let text = read(entry.path());
        let value = text.lines().find_map(|line| line.strip_prefix("it_value: ("))?;
        let (seconds, nanoseconds) = value.trim_end_matches(')').split_once(", ")?;
        Some(seconds.parse::<f64>().ok()? + nanoseconds.parse::<f64>().ok()? / 1e9)
    };
    entries.filter_map(|entry| left(entry.expect("an entry"))).filter(|left| *left > 0.0).collect()
}

#[test]
fn where_no_watch_can_be_had_it_looks_every_minute_and_reports_it() {
    needs!(root, "s6-svscan", "strace");
    let svscan = Svscan::start("unwatched");
    let launcher = svscan.scratch.launcher();
    // a user who has all inotify instances; one who has all watches; no /proc; a directory that abc may search and
    // not read
    let shut = svscan.scratch.directory_of_abc("shut");
    std::os::unix::fs::lchown(&shut, Some(0), Some(0)).expect("root's");
    set_mode(&shut, 0o711);
    let strace = |rule: &str| format!("strace -D -o /dev/null -e {rule} ");
    let cases = [
        ("unwatched-instances", strace("inject=inotify_init1:error=EMFILE"), "max_user_instances"),
        (
            "unwatched-watches",
            strace("inject=inotify_add_watch:error=ENOSPC"),
            "cannot be watched: no space left",
        ),
        ("unwatched-directory", String::new(), "/shut' cannot be watched: permission denied"),
    ];
    for (name, prefix, _) in &cases {
        let program = shut.join(name);
        let run = format!("#!/bin/sh\nexec {prefix}{} -- {}\n", launcher.display(), program.display());
        svscan.add(name, &[("run", &run)]);
    }
    for (name, _, says) in &cases {
        eventually_rests(name, "program");
        let text = log_of(name);
        assert!(text.contains("checking every minute, because") && text.contains(says), "{name}: {text}");
        let pid = svscan.pid(name);
        let armed = eventually("a timer", || {
            let armed = timers(pid);
            (!armed.is_empty()).then_some(armed)
        });
        assert!(armed.iter().all(|left| (1.0..=60.0).contains(left)), "{name}: {armed:?}");
    }
    // whatever wakes it, it looks: here the mount table
    for (name, ..) in &cases {
        hook(&shut.join(name));
    }
    let at = svscan.scratch.directory_of_abc("mnt");
    let _mounted = Mounted(at.clone());
    let mounted = Command::new("mount").arg("--bind").args([&at, &at]).status();
    assert!(mounted.expect("mount starts").success());
    for (name, ..) in &cases {
        eventually_ready(&svscan, name, svscan.pid(name));
    }
}

#[test]
fn where_all_is_watched_no_timer_is_armed_and_nothing_wakes_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("watched");
    svscan.add_launch("watched", "-- nosuchprogram", &[]);
    eventually_rests("watched", "program");
    let pid = svscan.pid("watched");
    let slept = eventually("it sleeps", || {
        let before = context_switches(pid);
        std::thread::sleep(Duration::from_millis(100));
        (context_switches(pid) == before).then_some(before)
    });
    assert!(timers(pid).is_empty(), "{:?}", timers(pid));
    // files beside what is looked for, and writes to the log, are nobody's business
    svscan.scratch.write("beside", "", 0o644);
    let _ = slept;
    throughout("asleep", Duration::from_secs(2), || timers(pid).is_empty());
}

// ── the record ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_rest_whose_user_is_known_writes_a_record_and_the_log() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("recorded");
    // name, words, what notification-fd holds
    let cases: [(&str, &str, Option<&str>); 7] = [
        ("recorded-number", "--interval 1 -- true", Some("1\n")),
        ("recorded-word", "-- sleep 1000", Some("abc\n")),
        ("recorded-directory", "-- sleep 1000", None),
        ("recorded-loop", "--interval 1 -- true", None),
        ("recorded-keep", "--keep-fd 77 -- sleep 1000", Some("3\n")),
        ("recorded-option", "--intervall 1 -- true", Some("3\n")),
        ("recorded-two", "--interval 1 --every 1 -- true", Some("3\n")),
    ];
    for (name, words, number) in cases {
        publish(&svscan, name, words, |at| {
            match number {
                Some(number) => fs::write(at.join("notification-fd"), number).expect("written"),
                None => fs::create_dir(at.join("notification-fd")).expect("made"),
            }
            own_by_abc(at);
        });
    }
    for (name, ..) in cases {
        eventually_rests(name, "configuration");
        let record = record_of(name);
        assert_eq!(record["pid"], svscan.pid(name), "{name}: {record}");
        assert_eq!(record["resting"]["exit"], 100, "{name}: {record}");
        let log = log_of(name);
        assert!(log.contains("fatal: ") && log.contains("resting until run"), "{name}: {log}");
        assert!(!log.contains("not recorded"), "{name}: {log}");
    }
}

#[test]
fn a_rest_of_root_is_recorded_where_root_said_and_never_where_a_user_did() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::of_root("recorded-root");
    let svscan = Svscan::on(scratch, &[]);
    let home = svscan.scratch.join("home");
    let words = format!("--user root --home {} --intervall 1 -- true", home.display());
    svscan.add_launch("recorded-root", &words, &[]);
    let path = home.join(".local/state/futodama/recorded-root.json");
    let text = eventually("a record of root's", || Some(read(&path)).filter(|text| !text.is_empty()));
    let record: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(record["resting"]["kind"], "configuration", "{record}");

    // a file that abc can write asks for uid 0, and names a place
    let place = svscan.scratch.join("place");
    let file = svscan.scratch.write(
        "settings/of-abc.toml",
        &format!(
            "exec = [\"true\"]\nuser = \"root\"\nstate-dir = \"{}\"\ninterval = \"1s\"\n",
            place.display()
        ),
        0o644,
    );
    own_by_abc(&file);
    svscan.add_launch("recorded-by-abc", &format!("--file {}", file.display()), &[]);
    eventually(&format!("it says so: {}", svscan.stderr()), || {
        svscan.stderr().contains(" recorded-by-abc: info: resting until run").then_some(())
    });
    assert!(!place.exists(), "root wrote where a file of abc's says");
}

#[test]
fn where_no_record_can_be_written_the_launcher_reports_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("unrecorded");
    svscan.add_launch("unrecorded", "--user nosuch -- true", &[]);
    eventually(&format!("it says so: {}", svscan.stderr()), || {
        let stderr = svscan.stderr();
        stderr
            .lines()
            .any(|line| {
                line.contains(" unrecorded: info: resting until run")
                    && line.contains("not recorded: the worker's user is unknown")
            })
            .then_some(())
    });
    assert!(!state("unrecorded.json").exists());
}
