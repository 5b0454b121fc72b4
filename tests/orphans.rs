//! A launcher that loses its supervisor ends, after its run; and a service never has two loops.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{
    Scratch, Svscan, children, eventually, eventually_dead, is_alive, log_of, logs, needs, number_after,
    occurrences, own_by_abc, read, record_of, runsv, signal, state, throughout, write,
};

fn parent_of(pid: i32) -> i32 {
    let stat = read(format!("/proc/{pid}/stat"));
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.split_whitespace()
        .nth(1)
        .and_then(|field| field.parse().ok())
        .unwrap_or_else(|| panic!("no process {pid}"))
}

/// Kills the supervisor of a service, waits until s6-svscan has started another, and that another launcher; gives
/// the pid of the launcher that was left behind.
fn kill_supervisor(svscan: &Svscan, name: &str) -> i32 {
    let left = svscan.pid(name);
    let supervisor = parent_of(left);
    assert!(read(format!("/proc/{supervisor}/comm")).contains("s6-supervise"), "of {name}");
    signal(supervisor, Signal::SIGKILL);
    eventually(&format!("{name} is started again"), || {
        let pid: i32 = svscan.svstat("pid", name).first()?.parse().ok()?;
        (pid > 0 && pid != left).then_some(())
    });
    left
}

/// Name, words, config.env, and what the record says when it is there.
type Case<'a> = (&'a str, &'a str, &'a str, fn(&Value) -> bool);

/// Says that it runs, that another one does, and ends on the file `go` of its directory.
const ALONE: &str = "mkdir running || echo OVERLAP; echo \"begin $$ \"; \
                     until [ -e go ]; do sleep 0.02; done; rmdir running; echo end";

fn alone(svscan: &Svscan, name: &str, options: &str) -> std::path::PathBuf {
    let words = format!("{options} --chdir {{}} -- sh -c '{ALONE}'");
    let work = svscan.scratch.directory_of_abc(&format!("work-{name}"));
    svscan.add_launch(name, &words.replace("{}", &work.display().to_string()), &[]);
    work
}

#[test]
fn a_loop_whose_supervisor_is_killed_ends_after_its_run_and_the_next_one_waits_for_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphan-run");
    let work = alone(&svscan, "orphan-run", "--interval 0.05");
    logs("orphan-run", "begin");
    // a run that lasts is recorded after a second
    eventually("its record", || (record_of("orphan-run")["pid"] == svscan.pid("orphan-run")).then_some(()));
    let left = kill_supervisor(&svscan, "orphan-run");
    // the next loop says what it waits for, once
    let waits = eventually("the record says that it waits", || {
        let record = record_of("orphan-run");
        (!record["waiting_for_lock"].is_null()).then_some(record)
    });
    assert_eq!(waits["pid"], svscan.pid("orphan-run"), "{waits}");
    assert!(waits["next_due"].is_string(), "{waits}");
    assert_eq!(waits["waiting_for_lock"]["former"]["pid"], left, "{waits}");
    logs("orphan-run", &format!("another loop of this service (pid {left}) is still running"));
    throughout("the run goes on, alone", Duration::from_secs(2), || {
        is_alive(left)
            && occurrences(&log_of("orphan-run"), "begin") == 1
            && !record_of("orphan-run")["waiting_for_lock"].is_null()
    });
    assert_eq!(occurrences(&log_of("orphan-run"), "another loop"), 1, "{}", log_of("orphan-run"));

    fs::write(work.join("go"), "").expect("written");
    let start = Instant::now();
    eventually_dead(left);
    eventually("the next loop runs", || (occurrences(&log_of("orphan-run"), "begin") > 1).then_some(()));
    eprintln!("taken over after {:?}", start.elapsed());
    logs("orphan-run", "the supervisor is gone");
    let taken = eventually("its record", || {
        let record = record_of("orphan-run");
        (record["pid"] == svscan.pid("orphan-run") && record["waiting_for_lock"].is_null()).then_some(record)
    });
    // the run of the loop that was left behind is counted once
    assert!(taken["runs"].as_u64() > Some(1), "{taken}");
    assert!(!log_of("orphan-run").contains("OVERLAP"), "{}", log_of("orphan-run"));
}

#[test]
fn wherever_it_is_a_launcher_that_has_lost_its_supervisor_ends_and_is_replaced() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphans");
    svscan.scratch.directory_of_abc("work");
    let held = svscan.scratch.write("work/lock", "", 0o666);
    let file = fs::File::open(&held).expect("opened");
    let _holder = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).expect("locked");
    let lock = format!("--interval 1 --lock {} -- true", held.display());
    let cases: [Case<'_>; 7] = [
        ("orphan-asleep", "--interval 1000 -- true", "", |record| record["next_due"].is_string()),
        ("orphan-time", "--schedule 'Mon 04:00 UTC' -- true", "", |record| record["next_due"].is_string()),
        ("orphan-lock", &lock, "", |record| !record["waiting_for_lock"].is_null()),
        ("orphan-failed", "--interval 0.05 --max-failures 2 -- false", "", |record| {
            record["resting"]["kind"] == "max-failures"
        }),
        ("orphan-config", "-- sleep 1000", "A=$(date)\n", |record| {
            record["resting"]["kind"] == "configuration"
        }),
        ("orphan-option", "--intervall 1 -- true", "", |record| record["resting"]["kind"] == "configuration"),
        ("orphan-gate", "--if-file /does/not/exist -- sleep 1000", "", |record| {
            record["resting"]["kind"] == "gate"
        }),
    ];
    for (name, words, text, _) in cases {
        let directory = svscan.add_launch(name, words, &[("config.env", text)]);
        own_by_abc(&directory.join("config.env"));
    }
    for (name, _, _, is_there) in cases {
        let is_there = |record: &Value, pid: i32| record["pid"] == pid && is_there(record);
        eventually(&format!("{name} is there"), || {
            is_there(&record_of(name), svscan.pid(name)).then_some(())
        });
        let left = kill_supervisor(&svscan, name);
        eventually_dead(left);
        eventually(&format!("{name} is there again: {}", record_of(name)), || {
            is_there(&record_of(name), svscan.pid(name)).then_some(())
        });
    }
}

#[test]
fn a_supervisor_that_leaves_with_its_service_is_not_lost_and_one_that_leaves_it_behind_is() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphan-leaves");
    for name in ["leaves-x", "leaves-quit"] {
        svscan.add_launch(name, "--interval 0.1 -- echo run", &[]);
        eventually("runs", || (occurrences(&log_of(name), "run\n") > 2).then_some(()));
    }
    // -x: it waits for the service, which goes on
    let (pid, supervisor) = (svscan.pid("leaves-x"), parent_of(svscan.pid("leaves-x")));
    svscan.svc(&["-x"], "leaves-x");
    let before = occurrences(&log_of("leaves-x"), "run\n");
    eventually("more runs", || (occurrences(&log_of("leaves-x"), "run\n") > before + 3).then_some(()));
    assert!(is_alive(pid) && is_alive(supervisor));
    assert!(!log_of("leaves-x").contains("supervisor is gone"), "{}", log_of("leaves-x"));
    svscan.svc(&["-d"], "leaves-x");
    eventually_dead(supervisor);
    assert!(!is_alive(pid));
    // QUIT: it leaves at once, and the service behind
    let pid = svscan.pid("leaves-quit");
    signal(parent_of(pid), Signal::SIGQUIT);
    eventually_dead(pid);
    logs("leaves-quit", "the supervisor is gone");
}

#[test]
fn three_kills_of_a_supervisor_double_no_tick() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphan-ticks");
    // the time of the tick that it runs for is not known to it: the second in which it begins is
    let words = "--schedule '*:*:*' -- sh -c 'echo \"tick $(date +%s) \"'";
    svscan.add_launch("orphan-ticks", words, &[]);
    let mut all = Vec::new();
    for kill in 1..=3 {
        eventually("ticks", || (occurrences(&log_of("orphan-ticks"), "tick ") > 2 * kill).then_some(()));
        all.push(kill_supervisor(&svscan, "orphan-ticks"));
    }
    all.iter().for_each(|left| eventually_dead(*left));
    let before = occurrences(&log_of("orphan-ticks"), "tick ");
    eventually("more ticks", || (occurrences(&log_of("orphan-ticks"), "tick ") > before + 2).then_some(()));
    let seconds: Vec<i32> = log_of("orphan-ticks")
        .lines()
        .filter(|line| line.starts_with("tick "))
        .map(|line| number_after(line, "tick "))
        .collect();
    assert!(seconds.windows(2).all(|pair| pair[0] < pair[1]), "{seconds:?}");
    // and `stop` stops all there is
    svscan.svc(&["-d"], "orphan-ticks");
    eventually("down", || (svscan.svstat("up", "orphan-ticks") == ["false"]).then_some(()));
    let ticks = occurrences(&log_of("orphan-ticks"), "tick ");
    throughout("nothing ticks", Duration::from_millis(2500), || {
        occurrences(&log_of("orphan-ticks"), "tick ") == ticks
    });
}

#[test]
fn a_stop_ends_the_wait_for_another_loop_at_once() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphan-stop");
    let work = alone(&svscan, "orphan-stop", "--interval 1000");
    logs("orphan-stop", "begin");
    let left = kill_supervisor(&svscan, "orphan-stop");
    logs("orphan-stop", "another loop");
    let waiting = svscan.pid("orphan-stop");
    eventually("it waits in the kernel", || (!children(waiting).is_empty()).then_some(()));
    svscan.svc(&["-d"], "orphan-stop");
    eventually_dead(waiting);
    assert!(is_alive(left), "the run goes on");
    fs::write(work.join("go"), "").expect("written");
    eventually_dead(left);
    assert_eq!(occurrences(&log_of("orphan-stop"), "begin"), 1, "{}", log_of("orphan-stop"));
}

#[test]
fn the_worker_that_follows_a_rest_gets_no_signal_when_its_parent_ends() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("orphan-signal");
    let worker = "import ctypes, signal, time\n\
                  number = ctypes.c_int(-1)\n\
                  ctypes.CDLL(None).prctl(2, ctypes.byref(number))\n\
                  print('death signal', number.value, 'end', flush=True)\n\
                  time.sleep(1000)\n";
    let program = svscan.scratch.write("worker.py", worker, 0o644);
    let words = format!("-- python3 {}", program.display());
    let directory = svscan.add_launch("orphan-signal", &words, &[("config.env", "A=$(date)\n")]);
    own_by_abc(&directory.join("config.env"));
    own_by_abc(&directory);
    eventually("it rests", || record_of("orphan-signal")["resting"].is_object().then_some(()));
    write(&directory.join("config.env"), "A=good\n", 0o644);
    logs("orphan-signal", "death signal 0 end");
}

#[test]
fn without_a_lock_the_loop_runs_and_the_log_says_what_that_means() {
    needs!(root, "s6-svscan", "strace");
    let svscan = Svscan::start("orphan-unlocked");
    let launcher = svscan.scratch.launcher();
    // -D: the launcher stays the supervisor's child
    let run = format!(
        "#!/bin/sh\nexec strace -D -o /dev/null -e inject=flock:error=ENOLCK {} --interval 0.05 -- echo run\n",
        launcher.display()
    );
    svscan.add("orphan-unlocked", &[("run", &run)]);
    let log = eventually("three runs", || {
        let log = log_of("orphan-unlocked");
        (occurrences(&log, "\nrun") > 2).then_some(log)
    });
    assert_eq!(
        occurrences(&log, "unable to lock '/config/.local/state/futodama/.orphan-unlocked.loop'"),
        1,
        "{log}"
    );
    let lock = fs::metadata(state(".orphan-unlocked.loop")).expect("the lock's file");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&lock.permissions()) & 0o777, 0o600);
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&lock), support::ABC);
}

#[test]
fn a_link_in_place_of_the_lock_is_not_followed() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orphan-link");
    let target = svscan.scratch.directory_of_abc("target").join("file");
    let directory = state("");
    fs::create_dir_all(&directory).expect("the state directory");
    for path in ["/config/.local", "/config/.local/state", "/config/.local/state/futodama"] {
        own_by_abc(Path::new(path));
    }
    std::os::unix::fs::symlink(&target, directory.join(".orphan-link.loop")).expect("a link");
    svscan.add_launch("orphan-link", "--interval 1000 -- true", &[]);
    logs("orphan-link", "it is a symbolic link");
    assert!(!target.exists(), "nothing was made through the link");
}

#[test]
fn a_loop_at_a_shell_outlives_the_shell_and_takes_no_lock() {
    needs!(root);
    let scratch = Scratch::new("orphan-shell");
    let directory = scratch.directory_of_abc("orphan-shell");
    scratch.write("orphan-shell/run", "#!/bin/sh\n", 0o755);
    let script = format!(
        "{} --interval 0.05 -- echo run >/dev/null 2>&1 & echo \"pid $! \"",
        scratch.launcher().display()
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(directory).output().expect("sh");
    let pid = number_after(&support::stdout(&output), "pid ");
    let runs = || occurrences(&log_of("orphan-shell"), "run\n");
    eventually("runs", || (runs() > 2).then_some(()));
    let before = runs();
    eventually("more runs", || (runs() > before + 2).then_some(()));
    assert!(!state(".orphan-shell.loop").exists());
    signal(pid, Signal::SIGTERM);
    eventually_dead(pid);
}

#[test]
fn under_runit_a_launcher_whose_runsv_is_killed_ends() {
    needs!(root, "runsv");
    let scratch = Scratch::new("orphan-runit");
    for (name, words) in
        [("orphan-runit-loop", "--interval 1000 -- true"), ("orphan-runit-rest", "-- nosuchprogram")]
    {
        let directory = scratch.directory_of_abc(name);
        let run = format!("#!/bin/sh\nexec {} {words}\n", scratch.launcher().display());
        scratch.write(Path::new(name).join("run"), &run, 0o755);
        let mut runsv = runsv(&directory, &scratch.join(format!("{name}.err")));
        let pid = eventually(&format!("{name} is there"), || {
            let pid: i32 = read(directory.join("supervise/pid")).trim().parse().ok()?;
            let record = record_of(name);
            (record["pid"] == pid && (record["next_due"].is_string() || record["resting"].is_object()))
                .then_some(pid)
        });
        runsv.1.kill().expect("killed");
        eventually_dead(pid);
    }
}
