//! `--lock`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{
    self, context_switches, eventually, eventually_dead, needs, own_by_abc, read, set_mode, throughout,
};

#[test]
fn runs_with_one_lock_do_not_overlap_and_the_wait_is_reported_once_and_idle() {
    needs!(root);
    let mut direct = Direct::new("locked");
    let lock = direct.directory().join("lock");
    let mut holder = Command::new("sh")
        .args(["-c", "exec 9> \"$0\"; flock 9; exec sleep 1000"])
        .arg(&lock)
        .spawn()
        .expect("sh starts");
    eventually("it is held", || {
        let free = Command::new("flock").arg("-n").arg(&lock).arg("true").status().expect("flock starts");
        (!free.success()).then_some(())
    });
    direct.launch(
        Caller::Root,
        &["--interval", "0.05", "--lock", "lock"],
        &["sh", "-c", "flock -n lock true && echo free; echo run"],
    );
    direct.logs("waiting for lock 'lock', held by another process");
    // behind the line it still starts who waits
    let before = eventually("it sleeps", || {
        let before = context_switches(direct.pid());
        std::thread::sleep(Duration::from_millis(50));
        (context_switches(direct.pid()) == before).then_some(before)
    });
    throughout("no run", Duration::from_millis(500), || !direct.log().contains("run\n"));
    assert_eq!(context_switches(direct.pid()), before, "it does not ask again and again");
    let record = direct.record();
    assert_eq!(record["runs"], 0, "no run has begun: {record}");
    assert!(record["next_due"].is_string() && record["waiting_for_lock"]["path"] == "lock", "{record}");

    let _ = holder.kill();
    holder.wait().expect("waited");
    let log = direct.logs("run\n");
    assert!(!log.contains("free"), "held during the run: {log}");
    assert_eq!(log.matches("waiting for lock").count(), 1, "{log}");
}

#[test]
fn a_run_whose_lock_is_held_is_skipped_and_counted() {
    needs!(root, "flock");
    for (name, pace) in [("skip-interval", "--interval=0.05"), ("skip-schedule", "--schedule=*:*:*")] {
        let mut direct = Direct::new(name);
        let lock = direct.directory().join("lock");
        fs::write(&lock, "").expect("written");
        let mut holder =
            Command::new("flock").arg(&lock).args(["sleep", "1000"]).spawn().expect("flock starts");
        eventually("it is held", || {
            let free = Command::new("flock").arg("-n").arg(&lock).arg("true").status().expect("flock starts");
            (!free.success()).then_some(())
        });
        let options = [pace, "--max-failures", "1", "--lock", "lock", "--on-lock", "skip"];
        direct.launch(Caller::Root, &options, &["sh", "-c", "flock -n lock true && echo free; echo run"]);
        let record = eventually("three runs are skipped", || {
            let record = direct.record();
            (record["skipped"].as_u64()? >= 3 && record["next_due"].is_string()).then_some(record)
        });
        assert_eq!((&record["runs"], &record["failures"]), (&0.into(), &0.into()), "{record}");
        assert!(record["waiting_for_lock"].is_null() && record["last_start"].is_null(), "{record}");
        support::kill_with_descendants(&mut holder);
        let log = direct.logs("run\n");
        assert!(!log.contains("free"), "held during the run: {log}");
        assert_eq!(log.matches("skipping runs while").count(), 1, "{log}");
        assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    }
    let direct = Direct::new("skip-explain");
    for (options, expected) in [
        (&["--lock", "x"][..], "each run holds the lock x\n"),
        (&["--lock", "x", "--on-lock", "wait"], "each run holds the lock x\n"),
        (
            &["--lock", "x", "--on-lock", "skip"],
            "each run holds the lock x, and is skipped if another process",
        ),
        (&["--on-lock", "skip"], "--on-lock: has no effect with --interval: there is no --lock"),
        (&["--lock", "x", "--on-lock", "fail"], "is neither 'wait' nor 'skip'"),
    ] {
        let options = [&["--interval", "5", "--explain"], options].concat();
        let explained = support::stdout(&support::output(
            direct.command(Caller::Root, &options, &["true"]).stdout(std::process::Stdio::piped()),
        ));
        assert!(explained.contains(expected), "{expected}: {explained}");
    }
}

#[test]
fn a_lock_that_is_no_regular_file_or_leads_elsewhere_is_a_failed_run() {
    needs!(root);
    let mut direct = Direct::new("bad-lock");
    let target = direct.scratch.write("target", "root's\n", 0o644);
    let lock = |name: &str| direct.directory().join(name);
    std::os::unix::fs::symlink(&target, lock("link")).expect("a link");
    std::os::unix::fs::symlink(direct.scratch.join("state"), lock("linked")).expect("a link");
    own_by_abc(&lock("linked"));
    nix::unistd::mkfifo(&lock("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a FIFO");
    for (path, said) in [
        ("link", "unable to lock 'link': it is a symbolic link"),
        ("linked/lock", "is a symbolic link"),
        ("fifo", "it is a FIFO, not a regular file"),
        ("not-there/lock", "'not-there': no such file or directory"),
    ] {
        let options = ["--interval", "1000", "--max-failures", "1", "--lock", path];
        direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        assert_eq!(direct.end(), 100, "{path}");
        assert!(direct.log().contains(said), "{path}: {}", direct.log());
    }
    assert!(!direct.log().contains("run\n"), "{}", direct.log());
    assert!(!direct.scratch.join("state/lock").exists());
    direct.launch(Caller::Root, &["--once", "--lock", "new"], &["sh", "-c", "echo run"]);
    assert_eq!(direct.end(), 0);
    let made = fs::metadata(direct.directory().join("new")).expect("it was made");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), support::ABC, "as the user");
}

#[test]
fn term_ends_the_wait_for_a_lock_at_once() {
    needs!(root);
    let mut direct = Direct::new("lock-term");
    let lock = direct.directory().join("lock");
    let held = fs::File::create(&lock).expect("made");
    set_mode(&lock, 0o644);
    held.lock().expect("locked");
    direct.launch(Caller::Root, &["--interval", "0.05", "--lock", "lock"], &["sh", "-c", "echo run"]);
    direct.logs("waiting for lock");
    let pid = direct.pid();
    let helper = eventually("a helper waits", || {
        read(format!("/proc/{pid}/task/{pid}/children")).trim().parse::<i32>().ok()
    });
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    eventually_dead(helper);
    assert!(!direct.log().contains("run\n"));
}

#[test]
fn what_changes_while_a_lock_is_waited_for_counts_for_the_run() {
    needs!(root);
    let mut direct = Direct::new("lock-renew");
    direct.write("config.env", "V=old\n", 0o644);
    direct.write("gate", "", 0o644);
    direct.write("lock", "", 0o644);
    let lock = direct.directory().join("lock");
    let holder = nix::fcntl::Flock::lock(
        std::fs::File::open(&lock).expect("opened"),
        nix::fcntl::FlockArg::LockExclusive,
    )
    .expect("locked");
    let options = ["--interval", "0.1", "--if-file", "gate", "--lock", "lock"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo v=$V"]);
    direct.logs("waiting for lock");
    direct.write("config.env", "V=new\n", 0o644);
    drop(holder);
    direct.logs("v=new\n");
    assert!(!direct.log().contains("v=old"), "{}", direct.log());
}
