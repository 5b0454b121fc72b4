//! The words for what a service does, one by one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::launching::{code, finish};
use crate::support::{
    Scratch, Svscan, eventually, eventually_every, needs, own_by_abc, read, stderr, stdout, unmount,
};
use crate::{PAUSE, becomes, change, futo, health, metric_of_health, mount_tmpfs, page, states};

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
        ("us-crlf", "run:1: ends with CR LF: the kernel takes the CR as part of the interpreter's name"),
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
    assert_eq!(becomes(&svscan, "tr-worker", "paused"), "stopped by the process tracing it");
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
    let said = "ct-gone: unpublished: it is defined, but not published\n";
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
