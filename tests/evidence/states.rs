//! The words for what a service does, one by one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::launching::{code, finish};
use crate::support::{
    PATIENCE, Scratch, Svscan, eventually, eventually_every, needs, own_by_abc, read, set_mode, stderr,
    stdout, unmount,
};
use crate::{PAUSE, becomes, change, futo, health, metric_of_health, mount_tmpfs, page, states};

#[test]
fn what_a_launcher_does_is_seen_behind_any_run_script() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("shapes");
    let launcher = svscan.scratch.launcher();
    let launcher = launcher.display();
    let fails = "--interval 60 -- sh -c 'echo kaputt; exit 3'";
    let shapes = [
        ("sh-one", format!("#!/bin/sh\nexec {launcher} {fails}\n")),
        ("sh-export", format!("#!/bin/sh\nexport MODE=x\nexec {launcher} {fails}\n")),
        ("sh-set-e", format!("#!/bin/sh\nset -e\nexec 2>&1\n\nexec {launcher} {fails}\n")),
        ("sh-variable", format!("#!/bin/sh\nEVERY=60\nexec {launcher} --interval \"$EVERY\" -- false\n")),
        ("sh-if", format!("#!/bin/sh\nif true; then exec {launcher} {fails}; fi\n")),
        ("bash", format!("#!/usr/bin/env bash\nset -euo pipefail\nexec {launcher} {fails}\n")),
        ("execline", format!("#!/usr/bin/execlineb -P\nfdmove -c 2 1\n{launcher} --interval 60 -- false\n")),
        ("file", format!("#!{launcher} --file\nexec = [\"false\"]\ninterval = \"60\"\n")),
        ("no-exec", format!("#!/bin/sh\n{launcher} {fails}\n")),
        ("pipe", format!("#!/bin/sh\n{launcher} --log - {fails} | cat\n")),
        (
            "another-user",
            format!("#!/bin/sh\nexec s6-setuidgid nobody {launcher} --state-dir ./state {fails}\n"),
        ),
    ];
    for (name, run) in &shapes {
        let directory = svscan.add(name, &[("run", run), ("down", "")]);
        fs::create_dir(directory.join("state")).expect("a directory");
        set_mode(directory.join("state"), 0o777);
        eventually("it is supervised", || (svscan.svstat("up", name) == ["false"]).then_some(()));
        svscan.svc(&["-u"], name);
    }
    for (name, _) in &shapes {
        let why = becomes(&svscan, name, "failing");
        assert!(why.starts_with("1 run failed with status "), "{name}: {why}");
        let (exit, said) = health(&svscan, name);
        assert_eq!((exit, said), (1, format!("{name}: failing: {why}\n")));
        assert_eq!(metric_of_health(&svscan, name), "0", "{name}");
    }
    // as root in a container, which may not look into a process of another user
    let weak = ["setpriv", "--bounding-set=-sys_ptrace", "--"];
    let (strong, weak) = (futo(&svscan, &["health"]), finish(&mut svscan.futo(&weak, &["health"])));
    assert_eq!(stdout(&weak), stdout(&strong));
    assert_eq!(stdout(&weak).lines().count(), shapes.len());
    // the same run scripts are no obstacle for a run now, but that a signal would end the shell
    for name in ["sh-set-e", "bash", "execline", "file", "another-user"] {
        let said = stdout(&futo(&svscan, &["run-now", name]));
        assert!(said.contains("run 2 has"), "{name}: {said}");
    }
    for (verb, signal) in [("run-now", "ALRM"), ("reload", "HUP")] {
        let output = futo(&svscan, &[verb, "no-exec"]);
        let said = stdout(&output);
        let end = format!(", without exec: {signal} would end it, nothing was sent\n");
        assert!(code(&output) == 1 && said.ends_with(&end), "{said}");
    }
    // a stop reaches the shell only
    for name in ["no-exec", "pipe"] {
        let services = page(&futo(&svscan, &["status", "--json", name]))["services"].clone();
        let launcher = services[0]["launcher_pid"].as_i64().expect("a pid");
        svscan.svc(&["-d"], name);
        kill(Pid::from_raw(i32::try_from(launcher).expect("a pid")), Signal::SIGTERM).expect("ended");
    }
}

#[test]
fn a_worker_in_place_of_the_launcher_is_up_and_a_rest_is_none() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("exec-mode");
    let launcher = svscan.scratch.launcher();
    let launcher = launcher.display();
    svscan.add("ex-up", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} -- sleep 1000\n"))]);
    svscan.add("ex-rest", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} -- /nonexistent\n"))]);
    svscan.add("ex-user", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} --user nosuch -- true\n"))]);
    svscan.add("ex-typo", &[("run", &format!("#!/bin/sh\nset -e\nexec {launcher} --intervall 5 -- true\n"))]);
    becomes(&svscan, "ex-up", "up");
    assert_eq!(becomes(&svscan, "ex-rest", "resting"), "unable to execute '/nonexistent': not found");
    assert_eq!(becomes(&svscan, "ex-user", "resting"), "--user: no user 'nosuch' in /etc/passwd");
    assert!(becomes(&svscan, "ex-typo", "resting").contains("--intervall"));
    assert_eq!(health(&svscan, "ex-up"), (0, "1 healthy\n".to_string()));
    let output = futo(&svscan, &["health"]);
    assert_eq!((code(&output), stdout(&output).lines().count()), (1, 3), "{}", stdout(&output));
}

#[test]
fn a_launcher_that_a_daemon_or_a_terminal_has_started_is_not_the_service() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("daemons");
    let launcher = svscan.scratch.launcher();
    // as a desktop starts a terminal, and somebody tries a launcher there
    let script = format!("{} --log - --interval 60 -- false & wait", launcher.display());
    svscan.add("dm-desktop", &[("run", &format!("#!/bin/sh\nexec sh -c '{script}'\n"))]);
    let leader = svscan.pid("dm-desktop");
    let child: i32 = eventually("the launcher runs", || {
        let children = read(format!("/proc/{leader}/task/{leader}/children"));
        let child = children.split_whitespace().next()?.to_string();
        read(format!("/proc/{child}/cmdline")).contains("--interval").then(|| child.parse().expect("a pid"))
    });
    assert_eq!(becomes(&svscan, "dm-desktop", "up"), "");
    svscan.svc(&["-d"], "dm-desktop");
    kill(Pid::from_raw(child), Signal::SIGTERM).expect("ended");
}

/// A loop whose record and log are in `state`, up with a record of its own.
fn waiting(svscan: &Svscan, name: &str) -> std::path::PathBuf {
    let directory = svscan.scratch.directory_of_abc(&format!("state-{name}"));
    let words = format!("--state-dir {} --interval 1h -- true", directory.display());
    svscan.add_launch(name, &words, &[]);
    becomes(svscan, name, "waiting");
    directory.join(format!("{name}.json"))
}

#[test]
fn a_record_that_proves_nothing_is_not_healthy() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("records");
    let names =
        ["missing", "moved", "foreign", "reused", "corrupt", "stolen", "overdue", "childless", "older"];
    let [missing, moved, foreign, reused, corrupt, stolen, overdue, childless, older] =
        names.map(|name| waiting(&svscan, &format!("re-{name}")));
    fs::remove_file(&missing).expect("removed");
    let directory = moved.parent().expect("its directory");
    fs::rename(directory, directory.with_extension("away")).expect("moved");
    change(&foreign, |page| page["pid"] = 1.into());
    // the pid of an earlier life, which a restarted container gives again
    change(&reused, |page| page["pid_started"] = 4711.into());
    fs::write(&corrupt, "{").expect("written");
    std::os::unix::fs::lchown(&stolen, Some(12345), None).expect("chown");
    change(&overdue, |page| {
        page["next_due"] = "2026-01-01T09:00:00Z".into();
        page["next_due_boot"] = serde_json::Value::Null;
    });
    change(&childless, |page| {
        page["last_start"] = "2026-01-01T09:00:00.000Z".into();
        page["last_start_boot"] = serde_json::Value::Null;
        page["last_end"] = serde_json::Value::Null;
        page["next_due"] = serde_json::Value::Null;
    });
    // written by a launcher before these fields
    change(&older, |page| {
        page.as_object_mut().expect("an object").retain(|key, _| {
            !["pid_started", "next_due_boot", "last_start_boot", "waiting_for_lock"].contains(&key.as_str())
        });
    });
    let place = |record: &Path| record.display().to_string();
    let expected = [
        ("re-childless", "overdue", "the run that its record shows since ".to_string()),
        (
            "re-corrupt",
            "unknown",
            format!("unable to read run record '{}': it is not a run record", place(&corrupt)),
        ),
        ("re-foreign", "unknown", format!("run record '{}' is of another launcher", place(&foreign))),
        ("re-missing", "unknown", format!("run record '{}' is not there", place(&missing))),
        ("re-moved", "unknown", format!("run record '{}' is not there", place(&moved))),
        ("re-older", "waiting", String::new()),
        ("re-overdue", "overdue", "a run was due ".to_string()),
        ("re-reused", "unknown", format!("run record '{}' is of another launcher", place(&reused))),
        ("re-stolen", "unknown", format!("unable to read run record '{}': it belongs", place(&stolen))),
    ];
    becomes(&svscan, "re-missing", "unknown");
    let all = states(&svscan, &[]);
    assert_eq!(all.len(), expected.len());
    for ((name, state, why), (expected, word, reason)) in all.iter().zip(&expected) {
        assert_eq!((name.as_str(), state.as_str()), (*expected, *word), "{why}");
        assert!(why.starts_with(reason), "{name}: {why}");
    }
    let output = futo(&svscan, &["health"]);
    let ill: Vec<String> = expected
        .iter()
        .filter(|(_, state, _)| *state != "waiting")
        .map(|(name, state, reason)| format!("{name}: {state}: {reason}"))
        .collect();
    let said = stdout(&output);
    assert_eq!((code(&output), said.lines().count()), (1, ill.len()), "{said}");
    assert!(said.lines().zip(&ill).all(|(line, expected)| line.starts_with(expected)), "{said}");
    let metrics = stdout(&futo(&svscan, &["status", "--prometheus"]));
    for (name, state, _) in expected {
        let healthy = u8::from(state == "waiting");
        let line = format!("futo_service_healthy{{service=\"{name}\"}} {healthy}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_unknown() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("no-state");
    let of_root = svscan.scratch.join("of-root");
    fs::create_dir(&of_root).expect("a directory");
    let full = svscan.scratch.directory_of_abc("full");
    mount_tmpfs("size=4k,mode=0777", &full);
    fs::write(full.join("filler"), [0; 4096]).expect("full");
    for (name, directory) in [("ns-root", &of_root), ("ns-full", &full)] {
        let words = format!("--state-dir {} --log - --interval 1h -- true", directory.display());
        svscan.add_launch(name, &words, &[]);
        let why = becomes(&svscan, name, "unknown");
        let record = directory.join(format!("{name}.json"));
        assert_eq!(why, format!("run record '{}' is not there", record.display()));
        assert_eq!(health(&svscan, name).0, 1);
    }
    // root without the right to read what is abc's
    let closed = waiting(&svscan, "ns-closed");
    set_mode(&closed, 0o600);
    let weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    let weaker = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-setuid", "--"];
    let output = finish(&mut svscan.futo(&weak, &["status", "--json", "ns-closed"]));
    assert_eq!(page(&output)["services"][0]["state"], "waiting", "{}", stdout(&output));
    let said = format!(
        "ns-closed: unknown: unable to read run record '{}': unable to become user 'abc': operation not permitted\n",
        closed.display()
    );
    eventually_every(PAUSE, "the record of a launcher that is no longer young is asked for", || {
        let output = finish(&mut svscan.futo(&weaker, &["health", "ns-closed"]));
        ((code(&output), stdout(&output)) == (1, said.clone())).then_some(())
    });
    drop(svscan);
    unmount(&full);
}

#[test]
fn a_run_script_that_cannot_be_executed_is_named_with_the_reason() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("unspawnable");
    let launcher = svscan.scratch.launcher();
    let launcher = launcher.display();
    let publish = |name: &str, run: &str, mode: u32| {
        let hidden = svscan.scratch.write(format!("scan/.{name}/run"), run, mode);
        fs::rename(hidden.parent().expect("its directory"), svscan.directory(name)).expect("published");
    };
    publish("us-mode", &format!("#!/bin/sh\nexec {launcher} -- sleep 1000\n"), 0o644);
    publish("us-shell", &format!("#!/nonexistent/bash\nexec {launcher} -- sleep 1000\n"), 0o755);
    publish("us-crlf", &format!("#!/bin/sh\r\nexec {launcher} -- sleep 1000\r\n"), 0o755);
    let noexec = svscan.scratch.join("noexec");
    fs::create_dir(&noexec).expect("a directory");
    mount_tmpfs("noexec,mode=0755", &noexec);
    svscan.scratch.write("noexec/us-noexec/run", &format!("#!/bin/sh\nexec {launcher} -- sleep 9\n"), 0o755);
    symlink(noexec.join("us-noexec"), svscan.directory("us-noexec")).expect("published");
    svscan.control(&["-a"]);
    for (name, obstacle) in [
        ("us-mode", "run: is not executable (mode 0644): s6 cannot start it"),
        (
            "us-shell",
            "run:1: the interpreter '/nonexistent/bash' cannot be executed: no such file or directory",
        ),
        ("us-crlf", "run:1: lines end with CR LF: the interpreter's name would end with CR"),
        ("us-noexec", "run: is on a volume that is mounted noexec: s6 cannot execute it"),
    ] {
        let why = becomes(&svscan, name, "cannot-start");
        let end = format!(": {obstacle}");
        assert!(why.starts_with("has had no process for ") && why.ends_with(&end), "{name}: {why}");
        assert_eq!(health(&svscan, name).0, 1);
        assert_eq!(metric_of_health(&svscan, name), "0");
        let output = futo(&svscan, &["start", name]);
        let said = format!("{name}: cannot be started: {obstacle}\n");
        assert_eq!((code(&output), stdout(&output)), (1, said));
        let output = futo(&svscan, &["stop", name]);
        assert_eq!((code(&output), stdout(&output)), (0, format!("{name}: stopped\n")));
    }
    drop(svscan);
    unmount(&noexec);
}

#[test]
fn a_launcher_or_worker_stopped_by_anybody_is_paused() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("stopped");
    svscan.add_launch("sp-loop", "--interval 1h -- true", &[]);
    svscan.add_launch("sp-worker", "-- sleep 1000", &[]);
    becomes(&svscan, "sp-loop", "waiting");
    becomes(&svscan, "sp-worker", "up");
    for name in ["sp-loop", "sp-worker"] {
        let pid = Pid::from_raw(svscan.pid(name));
        kill(pid, Signal::SIGSTOP).expect("stopped");
        assert_eq!(becomes(&svscan, name, "paused"), "stopped by SIGSTOP");
        assert_eq!(health(&svscan, name), (1, format!("{name}: paused: stopped by SIGSTOP\n")));
        kill(pid, Signal::SIGCONT).expect("continued");
    }
    becomes(&svscan, "sp-loop", "waiting");
}

#[test]
fn a_launcher_with_many_words_is_not_looked_into() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("words");
    let words = |count: usize| format!("--interval 1h -- true{}", " a".repeat(count));
    svscan.add_launch("wo-many", &words(1100), &[]);
    svscan.add_launch("wo-some", &words(900), &[]);
    becomes(&svscan, "wo-some", "waiting");
    let why = eventually_every(PAUSE, "it is seen", || {
        let (_, state, why) = states(&svscan, &["wo-many"]).pop()?;
        (state == "unknown").then_some(why)
    });
    assert!(why.contains("futo-launch has more than 1000 words or 64 KiB of them"), "{why}");
}

#[test]
fn a_worker_that_a_tracer_holds_is_paused() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("traced");
    svscan.add_launch("tr-worker", "-- sleep 1000", &[]);
    becomes(&svscan, "tr-worker", "up");
    // PTRACE_SEIZE, PTRACE_INTERRUPT
    let script = "import ctypes, os, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None)
if libc.ptrace(0x4206, pid, None, None) or libc.ptrace(0x4207, pid, None, None):
    sys.exit('ptrace is refused')
os.waitpid(pid, 0)
sys.stdin.read()
";
    let mut tracer = Command::new("python3")
        .args(["-c", script, &svscan.pid("tr-worker").to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    assert_eq!(becomes(&svscan, "tr-worker", "paused"), "stopped by the process that traces it");
    assert_eq!(health(&svscan, "tr-worker").0, 1);
    drop(tracer.stdin.take());
    tracer.wait().expect("ended");
    becomes(&svscan, "tr-worker", "up");
}

#[test]
fn a_run_that_waits_for_its_lock_is_shown_as_such() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("locked");
    let home = svscan.scratch.directory_of_abc("home");
    let lock = home.join("lock");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock).expect("a file");
    own_by_abc(&lock);
    file.try_lock().expect("held");
    svscan.add_launch("lk-loop", &format!("--lock {} --interval 1h -- true", lock.display()), &[]);
    eventually("it waits for the lock", || {
        let why = states(&svscan, &[]).pop().expect("a service").2;
        (why == format!("waiting for the lock '{}'", lock.display())).then_some(())
    });
    assert_eq!(health(&svscan, "lk-loop").0, 0);
    drop(file);
    eventually("it has run", || {
        let service = page(&futo(&svscan, &["status", "--json"]))["services"][0].clone();
        (service["runs"]["last_status"] == 0 && service["runs"]["waiting_for_lock"].is_null()).then_some(())
    });
}

#[test]
fn a_loop_lock_that_anybody_holds_is_soon_overdue() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("loop-lock");
    let directory = svscan.scratch.directory_of_abc("state");
    let lock = directory.join(".ll-loop.loop");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock).expect("a file");
    own_by_abc(&lock);
    file.try_lock().expect("held");
    let words = format!("--state-dir {} --interval 1h -- true", directory.display());
    svscan.add_launch("ll-loop", &words, &[]);
    let record = directory.join("ll-loop.json");
    eventually("it waits", || read(&record).contains(".ll-loop.loop").then_some(()));
    assert_eq!(health(&svscan, "ll-loop").0, 0);
    change(&record, |record| {
        let since = std::time::SystemTime::now() - Duration::from_secs(90);
        record["waiting_for_lock"]["since"] = humantime::format_rfc3339_seconds(since).to_string().into();
    });
    let (code, said) = health(&svscan, "ll-loop");
    assert!(code == 1 && said.starts_with("ll-loop: overdue: a run has been waiting for"), "{said}");
    // another loop of the service that has not ended is waited for
    let own = read("/proc/self/stat");
    let started: u64 = own.split(' ').nth(21).and_then(|field| field.parse().ok()).expect("a start");
    let former = |started: u64| serde_json::json!({"pid": std::process::id(), "pid_started": started});
    change(&record, |record| record["waiting_for_lock"]["former"] = former(started));
    assert_eq!(health(&svscan, "ll-loop"), (0, "1 healthy\n".to_string()));
    change(&record, |record| record["waiting_for_lock"]["former"] = former(started + 1));
    assert_eq!(health(&svscan, "ll-loop").0, 1, "another process of that pid");
}

#[test]
fn a_daily_schedule_needs_no_max_age_and_claims_no_run() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("daily");
    svscan.add_launch("da-job", "--schedule '2040-01-01 09:00 UTC' -- true", &[]);
    becomes(&svscan, "da-job", "waiting");
    assert_eq!(health(&svscan, "da-job"), (0, "1 healthy\n".to_string()));
    eventually_every(PAUSE, "it has been up for a second", || {
        let output = futo(&svscan, &["health", "da-job", "--max-age", "1"]);
        let said = stdout(&output);
        said.starts_with("da-job: waiting: no run yet, and it has been up for ").then_some(())
    });
}

#[test]
fn what_is_not_published_is_not_healthy_and_what_is_disabled_is_counted_apart() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("counted");
    svscan.add_launch("ct-up", "-- sleep 1000", &[]);
    svscan.add_launch("ct-off", "--if-env CT_NOT_SET -- sleep 1000", &[]);
    svscan.add_launch("ct-down", "-- sleep 1000", &[("down", "")]);
    svscan.add("ct-theirs", &[("run", "#!/bin/sh\nexit 7\n")]);
    let run = "#!/bin/sh\nexec futo-launch -- sleep 1000\n";
    svscan.scratch.write("definitions/ct-disabled/run", run, 0o755);
    svscan.scratch.write("definitions/ct-disabled/down", "", 0o644);
    for (name, state) in [("ct-up", "up"), ("ct-off", "gated"), ("ct-down", "down"), ("ct-disabled", "down")]
    {
        becomes(&svscan, name, state);
        assert_eq!(metric_of_health(&svscan, name), "1", "{name}");
    }
    let output = futo(&svscan, &["health"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "1 healthy, 3 stopped\n"));
    // another program's service is judged when it is asked for
    eventually("it crashes", || {
        let output = futo(&svscan, &["health", "--all"]);
        (code(&output) == 1 && stdout(&output).starts_with("ct-theirs: crashing: ")).then_some(())
    });
    assert_eq!(health(&svscan, "ct-theirs").0, 1);
    assert!(states(&svscan, &[]).iter().all(|(name, ..)| name != "ct-theirs"));
    assert_eq!(page(&futo(&svscan, &["status", "--json"]))["others_not_shown"], 1);
    let verdicts: Vec<String> = page(&futo(&svscan, &["status", "--json"]))["services"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| each["verdict"].as_str().expect("a word").to_string())
        .collect();
    assert_eq!(verdicts, ["stopped", "stopped", "stopped", "healthy"]);
    // as after a change of PUID: nothing is there any more but the definitions
    svscan.scratch.write("definitions/ct-gone/run", run, 0o755);
    let output = futo(&svscan, &["health"]);
    let said = "ct-gone: unpublished: it is defined, and not published\n";
    assert_eq!((code(&output), stdout(&output).as_str()), (1, said));
}

#[test]
fn a_name_after_a_known_prefix_is_suggested() {
    let scratch = Scratch::new("meant");
    for name in ["custom-svc-heartbeat", "svc-cron", "worker"] {
        scratch.write(format!("scan/{name}/run"), "#!/bin/sh\n", 0o755);
    }
    for (typed, meant) in [
        ("heartbeat", Some("custom-svc-heartbeat")),
        ("custom-svc-worker", Some("worker")),
        ("cron", Some("svc-cron")),
        ("wroker", Some("worker")),
        ("entirely-different", None),
    ] {
        for command in ["status", "health", "logs", "start", "restart", "explain", "disable", "check", "try"]
        {
            let mut futo = Command::new(env!("CARGO_BIN_EXE_futo"));
            futo.args([command, typed]).arg("--from").arg(scratch.join("none"));
            let output = finish(futo.arg("--scan-dir").arg(scratch.join("scan")));
            let said = stderr(&output);
            assert_eq!(code(&output), 100, "{command} {typed}: {said}");
            match meant {
                Some(meant) => assert!(said.contains(&format!("did you mean {meant}?")), "{command}: {said}"),
                None => assert!(!said.contains("did you mean"), "{command}: {said}"),
            }
        }
    }
}

#[test]
fn a_run_script_that_comes_late_to_its_launcher_is_never_unknown() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("late");
    let launcher = svscan.scratch.launcher();
    let go = svscan.scratch.join("go");
    let run = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.1; done\nexec {} --interval 60 -- sleep 0.7\n",
        go.display(),
        launcher.display()
    );
    svscan.add("lt-loop", &[("run", &run)]);
    let pid = svscan.pid("lt-loop");
    eventually("the process is older than a launcher that has just been started", || {
        let age = futo_launch::sys::proc::stat(pid).ok()?.age();
        (age > Duration::from_secs(6)).then_some(())
    });
    fs::write(&go, "").expect("written");
    let start = Instant::now();
    loop {
        let (_, state, why) = states(&svscan, &[]).pop().expect("a service");
        match state.as_str() {
            "waiting" => return,
            "unknown" => panic!("unknown: {why}"),
            _ => assert!(start.elapsed() < PATIENCE, "{state}: {why}"),
        }
    }
}

/// docs/status.md and the schema against the program.
#[test]
fn the_table_of_states_is_the_programs() {
    use futo_launch::observe::ServiceState;
    use futo_launch::observe::Verdict;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = read(root.join("docs/status.md"));
    let rows: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.last()?))
        })
        .collect();
    let expected: Vec<(&str, &str)> = ServiceState::ALL
        .iter()
        .map(|state| {
            let verdict = match state.verdict() {
                Verdict::Healthy => "healthy",
                Verdict::Stopped => "stopped",
                Verdict::Unhealthy => "not healthy",
            };
            (state.word(), verdict)
        })
        .collect();
    let sorted = |rows: Vec<(&str, &str)>| {
        let mut rows: Vec<(String, String)> =
            rows.iter().map(|(state, verdict)| (state.to_string(), verdict.to_string())).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(rows), sorted(expected));
    let schema: serde_json::Value =
        serde_json::from_str(&read(root.join("docs/status.schema.json"))).expect("the schema");
    let states =
        schema["$defs"]["service"]["properties"]["state"]["enum"].as_array().expect("a list").clone();
    let words: Vec<serde_json::Value> = ServiceState::ALL.iter().map(|state| state.word().into()).collect();
    assert_eq!(states, words);
    let troubleshooting = read(root.join("docs/troubleshooting.md"));
    for state in ServiceState::ALL {
        assert!(troubleshooting.contains(&format!("`{}`", state.word())), "{}", state.word());
    }
}

/// Two services that were given one name write one record: whose it is now says which other one to look at.
#[test]
fn a_record_of_another_service_names_that_service() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("one-name");
    svscan.add_launch("on-first", "--name on-both --interval 60 -- true", &[]);
    becomes(&svscan, "on-first", "waiting");
    svscan.add_launch("on-second", "--name on-both --interval 60 -- true", &[]);
    let pid = svscan.pid("on-second");
    let why = becomes(&svscan, "on-first", "unknown");
    let whose = format!("is of another launcher (pid {pid}, service 'on-second'), not of pid ");
    assert!(why.contains(&whose), "{why}");
}
