//! Commands around a run: hooks and gates.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{self, eventually, eventually_dead, needs, number_after, throughout};

#[test]
fn hooks_run_after_their_kind_of_end_and_know_what_happened() {
    needs!(root);
    let hook = "env | grep ^FUTO_RUN_ | sort; echo \"as $(id -u) in $(pwd)\"; echo done $FUTO_RUN_RESULT";
    let direct = Direct::start(
        "hooks",
        &["--interval", "0.05", "--on-failure", hook, "--on-success", hook, "--env", "FUTO_RUN_X=1"],
        "if [ -e ok ]; then exec sleep 1000; fi; if [ -e failed ]; then touch ok; exit 0; fi; touch failed; exit 7",
    );
    let log = direct.logs("done success");
    for line in [
        "FUTO_RUN_NAME=hooks\n",
        "FUTO_RUN_RESULT=failure\n",
        "FUTO_RUN_STATUS=7\n",
        "FUTO_RUN_REASON=exit status 7\n",
        "FUTO_RUN_FAILURES=1\n",
        &format!("FUTO_RUN_LOG={}\n", direct.log_path().display()),
        "FUTO_RUN_RESULT=success\n",
        "FUTO_RUN_STATUS=0\n",
        "FUTO_RUN_FAILURES=0\n",
        "FUTO_RUN_DURATION=0.",
        "FUTO_RUN_START=20",
        "FUTO_RUN_END=20",
        &format!("as 911 in {}\n", direct.directory().display()),
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("FUTO_RUN_X"), "{log}");
    assert!(log.find("done failure") < log.find("done success"), "{log}");
    assert_eq!(log.matches("done ").count(), 2, "{log}");
}

#[test]
fn a_hook_never_delays_a_stop_and_the_last_failure_has_its_own() {
    needs!(root);
    let hook = "echo \"hook $$ \"; sleep 1000";
    let mut direct = Direct::start("hook-stop", &["--interval", "0.05", "--on-failure", hook], "exit 3");
    let pid = number_after(&direct.logs("hook "), "hook ");
    assert_eq!(direct.record()["consecutive_failures"], 1, "the record is written before");
    let (code, time) = direct.end_by(Signal::SIGTERM);
    assert_eq!(code, 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    eventually_dead(pid);

    let options =
        ["--interval", "0.05", "--max-failures", "2", "--on-failure", "echo hook $FUTO_RUN_FAILURES; exit 9"];
    let mut direct = Direct::start("hook-last", &options, "exit 3");
    assert_eq!(direct.end(), 3);
    let log = direct.log();
    assert!(log.contains("hook 1\n") && log.contains("hook 2\n"), "{log}");
    assert!(log.contains("the --on-failure command failed: exit status 9"), "{log}");
}

#[test]
fn a_stopped_run_has_no_hook() {
    needs!(root);
    let hooks = ["--interval", "1", "--on-failure", "echo hook", "--on-success", "echo hook"];
    let mut direct =
        Direct::start("no-hook", &hooks, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    direct.logs("ready");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
    assert!(!direct.log().contains("hook"), "{}", direct.log());
}

#[test]
fn a_hook_that_hangs_is_killed_after_thirty_seconds_and_the_loop_goes_on() {
    needs!(root);
    let hook = "echo \"hook $$ \"; sleep 1000 & wait";
    let direct = Direct::start("hook-hangs", &["--interval", "0.05", "--on-success", hook], "echo run");
    let pid = number_after(&direct.logs("hook "), "hook ");
    throughout("it may take its time", Duration::from_secs(25), || !direct.log().contains("was killed"));
    direct.logs("the --on-success command was killed after 30 s");
    eventually_dead(pid);
    eventually("the next run", || (direct.log().matches("run\n").count() >= 2).then_some(()));
}

#[test]
fn a_hook_reports_a_missing_directory_and_a_refused_process_ends_no_loop() {
    needs!(root);
    let mut direct = Direct::new("hook-missing");
    let options =
        ["--interval", "1000", "--chdir", "/does/not/exist", "--on-failure", "echo hook $FUTO_RUN_RESULT"];
    direct.launch(Caller::Root, &options, &["true"]);
    direct.logs("hook failure\n");
    direct.end_by(Signal::SIGTERM);

    let mut direct = Direct::new("lock-refused");
    direct.write("lock", "", 0o644);
    let file = std::fs::File::open(direct.directory().join("lock")).expect("opened");
    let _holder = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).expect("locked");
    // root is not bound by it, abc then is
    let bound = ["bash", "-c", "ulimit -u 1; exec \"$@\"", "bash"];
    direct.launch_through(&bound, &["--interval", "1000", "--lock", "lock"], &["true"]);
    direct.logs("worker failed: unable to start a process");
    assert!(direct.is_running());
}

#[test]
fn a_command_of_a_gate_cannot_say_that_the_service_is_ready() {
    needs!(root);
    for timing in [&["--interval", "1000"][..], &[]] {
        let mut direct = Direct::new("gate-descriptor");
        direct.write("notification-fd", "3\n", 0o644);
        let gate = "cmd:ls /proc/self/fd >fds; exit 0";
        let options: Vec<&str> =
            timing.iter().copied().chain(["--ready", "file:/does/not/exist", "--wait-for", gate]).collect();
        let script = "exec 3>&1 >/dev/null; exec \"$@\"";
        let through = ["sh", "-c", &format!("( {script} ) | cat")[..], "sh"];
        direct.launch_through(&through, &options, &["sh", "-c", "echo up; exec sleep 1000"]);
        direct.logs("up");
        let fds = support::read(direct.directory().join("fds"));
        // of ls itself: the directory that it lists
        assert_eq!(fds.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"], "{timing:?}");
    }
}
