//! A service that has rested and restarts in the same process.

mod support;

use std::process::{Child, Stdio};

use support::{Scratch, eventually, read, record, write};

/// A service directory, and the launcher in it with descriptor 3 as s6 gives it.
fn supervised(scratch: &Scratch, words: &str) -> Child {
    let directory = scratch.join("service");
    std::fs::create_dir_all(&directory).expect("the service directory");
    std::fs::create_dir_all(scratch.join("state")).expect("the state directory");
    if nix::unistd::geteuid().is_root() {
        let nobody = Some(65534);
        std::os::unix::fs::chown(scratch.join("state"), nobody, nobody).expect("chown");
    }
    let user = if nix::unistd::geteuid().is_root() { "--user 65534:65534" } else { "" };
    let launcher = scratch.launcher();
    let run = format!(
        "#!/bin/sh\nmkfifo ../notice\ncat ../notice > ../notified &\nexec 3> ../notice\nexec {} {user} --state-dir {} {words}\n",
        launcher.display(),
        scratch.join("state").display()
    );
    write(&directory.join("run"), &run, 0o755);
    write(&directory.join("notification-fd"), "3\n", 0o644);
    scratch
        .supervised(&directory)
        .arg("./run")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(scratch.join("stderr")).expect("a file"))
        .spawn()
        .expect("it starts")
}

fn stop(scratch: &Scratch, mut child: Child) {
    let pid = nix::unistd::Pid::from_raw(scratch.supervised_pid());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it is there");
    assert!(child.wait().expect("it has ended").success());
}

#[test]
fn notifies_readiness_once_and_touches_no_descriptor_of_its_own() {
    let scratch = Scratch::new("restart");
    let worker = "--interval 0.05 --max-failures 2 -- sh -c 'echo run; exit ${STATUS-3}'";
    let child = supervised(&scratch, worker);
    let path = scratch.join("state/service.json");
    for round in 1..=3 {
        eventually("it rests", || (record(&path)["resting"]["kind"] == "max-failures").then_some(()));
        assert_eq!(record(&path)["runs"], 2 * round);
        write(&scratch.join("service/config.env"), &format!("ROUND={round}\n"), 0o644);
        eventually("it restarts", || (record(&path)["runs"] != 2 * round).then_some(()));
    }
    write(&scratch.join("service/config.env"), "STATUS=0\n", 0o644);
    eventually("it succeeds", || (record(&path)["consecutive_failures"] == 0).then_some(()));
    stop(&scratch, child);
    assert_eq!(read(scratch.join("notified")), "\n");
    let log = read(scratch.join("state/service.log"));
    assert!(!log.contains("\n\n") && !log.starts_with('\n'), "{log}");
}

#[test]
fn a_worker_that_writes_its_own_settings_runs_no_faster_than_its_interval() {
    let scratch = Scratch::new("writes-settings");
    let words = "--interval 1 --max-failures 1 -- sh -c 'echo \"T=$$\" > config.env; exit 1'";
    std::fs::create_dir_all(scratch.join("service")).expect("the service directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(scratch.join("service"), open).expect("its mode");
    let begun = std::time::Instant::now();
    let child = supervised(&scratch, words);
    let path = scratch.join("state/service.json");
    eventually("three runs", || (record(&path)["runs"].as_u64() >= Some(3)).then_some(()));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(1900), "{:?}", begun.elapsed());
    stop(&scratch, child);
}

#[test]
fn the_last_run_before_a_rest_is_in_the_record() {
    let scratch = Scratch::new("last-run");
    let child = supervised(&scratch, "--interval 0.05 --max-failures 2 -- sh -c 'echo why; exit 3'");
    let path = scratch.join("state/service.json");
    eventually("it rests", || (!record(&path)["resting"].is_null()).then_some(()));
    let record = record(&path);
    assert_eq!(record["failures"], 2);
    assert_eq!(record["consecutive_failures"], 2);
    assert_eq!(record["last_status"], 3);
    assert!(record["last_end"].is_string(), "{record}");
    assert_eq!(record["last_errors"][0], "why");
    let log = read(scratch.join("state/service.log"));
    assert!(log.contains("worker failed: exit status 3 (2 times in a row)\n"), "{log}");
    stop(&scratch, child);
}

#[test]
fn the_record_holds_the_present_reason_of_a_rest() {
    let scratch = Scratch::new("reason");
    std::fs::create_dir_all(scratch.join("service")).expect("the service directory");
    scratch.write("service/config.env", "A=$(id)\n", 0o644);
    let child = supervised(&scratch, "-- ./worker");
    let path = scratch.join("state/service.json");
    let rests_on = |what: &str| {
        eventually(what, || {
            record(&path)["resting"]["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains(what))
                .then_some(())
        });
    };
    rests_on("config.env:1");
    scratch.write("service/config.env", "A=1\n", 0o644);
    rests_on("unable to execute './worker': not found");
    assert_eq!(record(&path)["resting"]["kind"], "program");
    stop(&scratch, child);
}
