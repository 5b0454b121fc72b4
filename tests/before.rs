//! `--before`: commands that have to succeed before the worker starts.

mod support;

use std::time::Duration;

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::{
    Svscan, children, descendants, eventually, eventually_dead, eventually_rests, log_of, logs, needs,
    output, own_by_abc, quoted, read, record_of, stdout, throughout, write,
};

#[test]
fn they_run_once_per_service_start_in_order_as_the_worker_would_in_every_mode() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("before-order");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 0.05"), ("once", "--once")] {
        let name = format!("bo-{mode}");
        let first = "echo first $(id -u) $A $PWD $(ulimit -n) >&2";
        let stay = if mode == "exec" { "--env STAY=1" } else { "" };
        let words = format!(
            "{pace} {stay} --env A=b --chdir /usr --ulimit nofile=100 --before {} --before 'echo second' -- sh -c {}",
            quoted(first),
            quoted("echo run; [ -z \"$STAY\" ] || exec sleep 1000")
        );
        svscan.add_launch(&name, &words, &[]);
        let log = logs(&name, "run\n");
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains(": ")).take(3).collect();
        assert_eq!(lines, ["first 911 b /usr 100", "second", "run"], "{log}");
        if mode == "loop" {
            eventually("further runs", || (log_of(&name).matches("run\n").count() > 3).then_some(()));
        }
        assert_eq!(log_of(&name).matches("second").count(), 1, "{}", log_of(&name));
        svscan.svc(&["-r"], &name);
        eventually("again after a restart", || (log_of(&name).matches("second").count() == 2).then_some(()));
    }
}

#[test]
fn a_failure_is_recorded_and_tried_again_and_what_has_succeeded_is_not_repeated() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("before-fails");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 1000")] {
        let name = format!("bf-{mode}");
        let second = "echo try; test -e flag || exit 7";
        let words = format!(
            "{pace} --before 'echo prepared' --before {} -- sh -c 'echo run; exec sleep 1000'",
            quoted(second)
        );
        let directory = svscan.add_launch(&name, &words, &[("notification-fd", "4\n")]);
        let record = eventually_rests(&name, "configuration");
        let resting = &record["resting"];
        assert_eq!(resting["exit"], 7, "{resting}");
        let reason = resting["reason"].as_str().expect("a reason");
        assert!(
            reason.starts_with("the --before command 'echo try;") && reason.ends_with("exit status 7"),
            "{reason}"
        );
        let log = logs(&name, "(3 times in a row)");
        assert!(log.contains("exit status 7; running it again in 1 s"), "{log}");
        assert!(log.contains("exit status 7 (2 times in a row); running it again in 2 s"), "{log}");
        assert_eq!(svscan.svstat("ready", &name), ["false"]);
        let status = stdout(&output(&mut svscan.futo(&[], &["status", &name])));
        assert!(status.contains("resting") && status.contains("--before"), "{status}");
        let pid = svscan.pid(&name);
        write(&directory.join("flag"), "", 0o644);
        // ALRM runs it now
        svscan.svc(&["-a"], &name);
        let log = logs(&name, "run\n");
        assert_eq!(log.matches("prepared\n").count(), 1, "{log}");
        assert_eq!(svscan.pid(&name), pid, "in the same process");
        eventually("no longer at rest", || record_of(&name)["resting"].is_null().then_some(()));
    }
}

#[test]
fn a_long_command_is_in_the_record_and_a_stop_ends_its_whole_group() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("before-stop");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 1000 --grace 1 --on-stop finish")] {
        let name = format!("bs-{mode}");
        let command = "trap '' TERM; sleep 1001 & echo started; wait; wait";
        let words = format!("{pace} --before {} -- sh -c 'echo run; exec sleep 1000'", quoted(command));
        svscan.add_launch(&name, &words, &[("notification-fd", "4\n")]);
        logs(&name, "started\n");
        let record = eventually_rests(&name, "gate");
        let reason = record["resting"]["reason"].as_str().expect("a reason").to_string();
        assert!(reason.starts_with("running the --before command 'trap"), "{reason}");
        let status = stdout(&output(&mut svscan.futo(&[], &["status", &name])));
        assert!(status.contains("gated") && status.contains("running the --before"), "{status}");
        let pid = svscan.pid(&name);
        let below = descendants(pid);
        assert!(below.len() >= 2, "the shell and its sleep: {below:?}");
        // neither of them asks for something else
        svscan.svc(&["-a"], &name);
        svscan.svc(&["-h"], &name);
        throughout("it waits for the command", Duration::from_millis(300), || {
            children(pid).contains(&below[0]) && svscan.svstat("ready", &name) == ["false"]
        });
        svscan.svc(&["-wd", "-d"], &name);
        below.into_iter().for_each(eventually_dead);
        assert!(!log_of(&name).contains("run\n"));
        assert!(record_of(&name)["resting"].is_null(), "{}", record_of(&name));
    }
}

#[test]
fn the_worker_gets_the_config_env_that_a_command_has_written() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("before-env");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 1000")] {
        let name = format!("be-{mode}");
        let words = format!(
            "{pace} --before 'echo made; echo MADE=yes > config.env' -- sh -c 'echo run $MADE; exec sleep 1000'"
        );
        let directory = svscan.add_launch(&name, &words, &[("config.env", "MADE=no\n"), ("down", "")]);
        own_by_abc(&directory.join("config.env"));
        eventually("its supervisor listens", || directory.join("supervise/control").exists().then_some(()));
        svscan.svc(&["-u"], &name);
        let log = logs(&name, "run ");
        assert!(log.contains("run yes\n"), "{log}");
        assert_eq!(log.matches("made\n").count(), 1, "{log}");
    }
}

#[test]
fn without_a_supervisor_the_launcher_exits_with_its_status() {
    needs!(root);
    let mut direct = Direct::new("before-direct");
    for pace in [&[][..], &["--interval", "1"]] {
        for (command, expected) in [("exit 3", 3), ("kill -KILL $$", 137), ("nosuchprogram", 127)] {
            let options = [pace, &["--before", "true", "--before", command]].concat();
            direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
            assert_eq!(direct.end(), expected, "{command}");
        }
        let stderr = direct.stderr();
        assert!(stderr.contains("fatal: the --before command 'exit 3' failed: exit status 3"), "{stderr}");
    }
    assert!(!direct.log().contains("run\n"), "{}", direct.log());
    let options = ["--before", "echo waits; exec sleep 1000"];
    direct.launch(Caller::Abc, &options, &["sh", "-c", "echo run"]);
    direct.logs("waits\n");
    assert_eq!(direct.end_by(Signal::SIGINT).0, 0);
}

#[test]
fn they_run_after_the_gates_and_explain_shows_them() {
    needs!(root);
    let mut direct = Direct::new("before-gates");
    let options = ["--wait-for", "file:flag", "--before", "echo later"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
    direct.logs("resting, rechecking");
    assert!(!direct.log().contains("later\n"), "{}", direct.log());
    direct.write("flag", "", 0o644);
    assert_eq!(direct.end(), 0);
    let log = direct.log();
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains(": ")).collect();
    assert_eq!(lines, ["later", "run"], "{log}");
    let explained = |form: &str| {
        let options = [&[form][..], &options].concat();
        let mut command = direct.command(Caller::Root, &options, &["true"]);
        stdout(&output(command.stdout(std::process::Stdio::piped())))
    };
    assert!(explained("--explain").contains("before       sh -c 'echo later'"), "{}", explained("--explain"));
    let json: serde_json::Value = serde_json::from_str(&explained("--explain=json")).expect("JSON");
    assert_eq!(json["before"], serde_json::json!(["echo later"]));
    assert_eq!(read(direct.log_path()).matches("later").count(), 1);
    let refused = output(&mut direct.command(Caller::Root, &["--before", " "], &["true"]));
    assert_eq!(refused.status.code(), Some(100));
    assert!(direct.stderr().contains("--before: invalid value ' ': is empty"), "{}", direct.stderr());
}

#[test]
fn in_a_loop_they_wait_for_a_switch_that_is_undecided_and_precede_the_initial_delay() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("before-switch");
    let words = "--interval 0.1 --initial-delay 1000 --if-cmd 'test -e good || exit 127' \
                 --before 'echo prepared' -- sh -c 'echo run'";
    let directory = svscan.add_launch("bw", words, &[]);
    let record = eventually_rests("bw", "configuration");
    let reason = record["resting"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("--if-cmd: unable to run"), "{reason}");
    assert!(!log_of("bw").contains("prepared\n"), "{}", log_of("bw"));
    write(&directory.join("good"), "", 0o644);
    svscan.svc(&["-h"], "bw");
    let log = logs("bw", "prepared\n");
    assert!(!log.contains("run\n"), "{log}");
    eventually("the first run, on ALRM", || {
        svscan.svc(&["-a"], "bw");
        log_of("bw").contains("run\n").then_some(())
    });
    assert_eq!(log_of("bw").matches("prepared\n").count(), 1, "{}", log_of("bw"));
}
