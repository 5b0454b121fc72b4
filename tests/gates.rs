//! Gates: while one is closed the service rests, and it goes on by itself when it opens.

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::{
    Svscan, children, context_switches, eventually, is_alive, log_of, logs, needs, output, own_by_abc,
    quoted, read, record_of, stderr, stdout, throughout, write,
};

fn rests_at(name: &str, reason: &str) {
    eventually(&format!("{name} rests: {}", record_of(name)), || {
        let resting = &record_of(name)["resting"];
        (resting["kind"] == "gate" && resting["reason"].as_str()?.contains(reason)).then(|| {
            assert_eq!(resting["exit"], 0, "{resting}");
        })
    });
}

fn config(directory: &std::path::Path, text: &str) {
    let path = directory.join("config.env");
    write(&path, text, 0o644);
    own_by_abc(&path);
}

#[test]
fn a_switch_in_config_env_lets_the_worker_run_and_rest_in_every_mode() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("gate-env");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 0.05"), ("once", "--once")] {
        let name = format!("ge-{mode}");
        let script = "echo run; [ -z \"$STAY\" ] || exec sleep 1000";
        let stay = if mode == "exec" { "--env STAY=1" } else { "" };
        let directory = svscan.add_launch(
            &name,
            &format!("{pace} {stay} --if-env ENABLED=true -- sh -c {}", quoted(script)),
            &[("config.env", "ENABLED=false\n"), ("notification-fd", "4\n")],
        );
        rests_at(&name, "closed until ENABLED has the value of --if-env");
        let said = logs(&name, "resting");
        assert!(!said.contains("true"), "no value is shown: {said}");
        let pid = svscan.pid(&name);
        assert_eq!(svscan.svstat("ready", &name), ["false"]);
        // what other tests do in the directories above wakes it for a moment
        eventually("it sleeps", || {
            let before = context_switches(pid);
            std::thread::sleep(Duration::from_millis(300));
            (context_switches(pid) == before).then_some(())
        });
        config(&directory, "ENABLED=true\n");
        logs(&name, "run\n");
        assert_eq!(svscan.pid(&name), pid, "in the same process");
        if mode == "loop" {
            config(&directory, "ENABLED=\n");
            rests_at(&name, "ENABLED");
            let runs = record_of(&name)["runs"].clone();
            throughout("no run", Duration::from_millis(300), || record_of(&name)["runs"] == runs);
        }
    }
}

#[test]
fn a_negated_switch_is_open_exactly_when_the_switch_is_closed() {
    needs!(root, "s6-svscan");
    let mut direct = Direct::new("gate-negated");
    for (config, set, equals) in
        [("", false, false), ("A=\n", false, false), ("A=on\n", true, true), ("A=off\n", true, false)]
    {
        direct.write("config.env", config, 0o644);
        for (switch, expected) in [("A", set), ("!A", !set), ("A=on", equals), ("A!=on", !equals)] {
            let before = direct.log().matches("run\n").count();
            direct.launch(Caller::Root, &["--if-env", switch], &["sh", "-c", "echo run"]);
            assert_eq!(direct.end(), 0);
            let ran = direct.log().matches("run\n").count() > before;
            assert_eq!(ran, expected, "{switch} with '{config}'");
        }
    }
    let svscan = Svscan::start("gate-negated-live");
    let words = "--interval 0.05 --if-env '!OFF' --if-env MODE!=idle -- sh -c 'echo run'";
    let directory = svscan.add_launch("gn-loop", words, &[("config.env", "OFF=1\n")]);
    rests_at("gn-loop", "closed until OFF is not set, or empty");
    config(&directory, "OFF=\nMODE=idle\n");
    rests_at("gn-loop", "closed until MODE differs from the value of --if-env");
    config(&directory, "MODE=busy\n");
    logs("gn-loop", "run\n");
    assert!(!log_of("gn-loop").contains("idle"), "no value is shown: {}", log_of("gn-loop"));
}

#[test]
fn a_file_that_appears_opens_its_gate_within_a_second() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("gate-file");
    for (name, option) in [("gf-if", "--if-file deep/er/flag"), ("gf-wait", "--wait-for file:deep/er/flag")] {
        let directory =
            svscan.add_launch(name, &format!("{option} -- sh -c 'echo run; exec sleep 1000'"), &[]);
        rests_at(name, "'deep/er/flag' exists");
        std::fs::create_dir_all(directory.join("deep/er")).expect("made");
        throughout("it rests", Duration::from_millis(300), || !log_of(name).contains("run"));
        let start = Instant::now();
        write(&directory.join("deep/er/flag"), "", 0o644);
        logs(name, "run");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let said = log_of(name);
        assert_eq!(said.matches("resting").count(), 2, "once in, once out: {said}");
        assert!(record_of(name)["resting"].is_null(), "{}", record_of(name));
    }
}

#[test]
fn a_command_is_tried_again_and_sleeps_in_between() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("gate-cmd");
    let command = "cmd:echo noi''se; date +%s.%N >> tries; test \"$(id -u)\" = 911 && test -e flag";
    let directory = svscan.add_launch(
        "gc-wait",
        &format!("--wait-for {} -- sh -c 'echo run; exec sleep 1000'", quoted(command)),
        &[("tries", "")],
    );
    own_by_abc(&directory.join("tries"));
    rests_at("gc-wait", "succeeds");
    eventually("it was tried three times", || {
        (read(directory.join("tries")).lines().count() >= 3).then_some(())
    });
    write(&directory.join("flag"), "", 0o644);
    let said = logs("gc-wait", "run");
    assert!(!said.contains("noise"), "{said}");
    assert_eq!(said.matches("closed until").count(), 1, "said once: {said}");
    let times: Vec<f64> =
        read(directory.join("tries")).lines().filter_map(|line| line.parse().ok()).collect();
    // the first two are before and behind the watch
    let naps: Vec<f64> = times.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert!(naps[0] > 0.9 && naps.windows(2).all(|pair| pair[1] > pair[0] * 1.5), "{naps:?}");
}

#[test]
fn a_command_switches_a_service_off_and_on_in_every_mode() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("gate-if-cmd");
    let command = "echo noi''se; test \"$(id -u) $WHO $(pwd)\" = \"911 abc $HERE\" && test -e flag";
    for (mode, pace) in [("exec", ""), ("loop", "--interval 0.1"), ("once", "--once")] {
        let name = format!("gi-{mode}");
        let here = svscan.directory(&name);
        let options =
            format!("{pace} --env WHO=abc --env HERE={} --if-cmd {}", here.display(), quoted(command));
        let worker = "echo run; [ -z \"$STAY\" ] || exec sleep 1000";
        let stay = if mode == "exec" { "--env STAY=1" } else { "" };
        let directory =
            svscan.add_launch(&name, &format!("{options} {stay} -- sh -c {}", quoted(worker)), &[]);
        rests_at(&name, "succeeds");
        let pid = svscan.pid(&name);
        write(&directory.join("flag"), "", 0o644);
        let said = logs(&name, "run\n");
        assert!(!said.contains("noise") && said.matches("closed until").count() == 1, "{said}");
        assert_eq!(svscan.pid(&name), pid, "in the same process");
        if mode == "loop" {
            std::fs::remove_file(directory.join("flag")).expect("removed");
            rests_at(&name, "succeeds");
            let runs = record_of(&name)["runs"].clone();
            throughout("no run", Duration::from_millis(300), || record_of(&name)["runs"] == runs);
        }
    }
}

#[test]
fn a_command_that_does_not_decide_is_an_error_and_neither_opens_nor_closes() {
    needs!(root, "s6-svscan");
    let mut direct = Direct::new("gate-undecided");
    let missing = "exit status 127";
    for (command, code, why) in [
        ("/does/not/exist", 100, missing),
        ("exit 126", 100, "exit status 126"),
        ("exit 255", 111, "exit status 255"),
        ("kill -9 $$", 111, "killed by signal 9"),
        ("sleep 1000 & echo $! > left; wait", 111, "killed after 10 s"),
    ] {
        direct.launch(Caller::Root, &["--if-cmd", command], &["sh", "-c", "echo run"]);
        assert_eq!(direct.end(), code, "{command}");
        let said = direct.stderr();
        assert!(said.contains(&format!("--if-cmd: unable to run '{command}': {why}")), "{said}");
        assert!(!direct.log().contains("run\n"), "{}", direct.log());
    }
    let left: i32 = read(direct.directory().join("left")).trim().parse().expect("a pid");
    eventually("its group is killed", || (!is_alive(left)).then_some(()));
    for (command, ran) in [("exit 0", true), ("exit 1", false), ("exit 125", false)] {
        let before = direct.log().matches("run\n").count();
        direct.launch(Caller::Root, &["--if-cmd", command], &["sh", "-c", "echo run"]);
        assert_eq!(direct.end(), 0, "{command}");
        assert_eq!(direct.log().matches("run\n").count() > before, ran, "{command}");
    }
    // in a loop it is a failed run, at the loop's pace
    let svscan = Svscan::start("gate-undecided-live");
    let directory = svscan.add_launch(
        "gu-loop",
        "--interval 0.1 --if-cmd 'test -e good || exit 127' -- sh -c 'echo run'",
        &[],
    );
    let pid = svscan.pid("gu-loop");
    eventually("it fails", || (record_of("gu-loop")["consecutive_failures"].as_u64()? >= 2).then_some(()));
    let record = record_of("gu-loop");
    let what = record["ended_run"]["what"].as_str().unwrap_or_default();
    assert!(what.contains("--if-cmd") && record["ended_run"]["how"] == "not-started", "{record}");
    write(&directory.join("good"), "", 0o644);
    logs("gu-loop", "run\n");
    assert_eq!(svscan.pid("gu-loop"), pid);
    // and a worker without one rests until an edit
    svscan.add_launch(
        "gu-exec",
        "--if-cmd '. ./config.env; test $A = 1 || exit 127' -- sleep 1000",
        &[("config.env", "A=0\n")],
    );
    eventually("it rests", || (record_of("gu-exec")["resting"]["kind"] == "configuration").then_some(()));
    config(&svscan.directory("gu-exec"), "A=1\n");
    logs("gu-exec", "no longer resting");
}

#[test]
fn alrm_looks_again_and_term_ends_at_once_even_in_a_command() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("gate-signals");
    let directory = svscan.add_launch(
        "gs-wait",
        &format!(
            "--wait-for {} -- sh -c 'echo run; exec sleep 1000'",
            quoted("cmd:[ -e slow ] && exec sleep 1000; exit 1")
        ),
        &[],
    );
    rests_at("gs-wait", "succeeds");
    write(&directory.join("slow"), "", 0o644);
    svscan.svc(&["-a"], "gs-wait");
    let pid = svscan.pid("gs-wait");
    eventually("the command runs", || (!children(pid).is_empty()).then_some(()));
    let start = Instant::now();
    svscan.svc(&["-wd", "-d"], "gs-wait");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(svscan.svstat("up", "gs-wait"), ["false"]);
    assert!(record_of("gs-wait")["resting"].is_null() || record_of("gs-wait")["resting"]["kind"] == "gate");
}

#[test]
fn without_a_supervisor_a_switch_that_is_off_leaves_with_0_and_a_wait_waits() {
    needs!(root, "s6-svscan");
    let mut direct = Direct::new("gate-direct");
    for option in [&["--if-env", "NOT_SET"][..], &["--if-file", "not-there"]] {
        direct.launch(Caller::Root, option, &["sh", "-c", "echo run"]);
        assert_eq!(direct.end(), 0);
    }
    assert!(!direct.log().contains("run\n"), "{}", direct.log());
    assert!(direct.stderr().contains("nothing to do: closed until NOT_SET is set"), "{}", direct.stderr());
    direct.launch(Caller::Root, &["--wait-for", "file:flag"], &["sh", "-c", "echo run"]);
    direct.logs("resting, rechecking");
    direct.write("flag", "", 0o644);
    direct.logs("run\n");
    assert_eq!(direct.end(), 0);
    std::fs::remove_file(direct.directory().join("flag")).expect("removed");
    direct.launch(Caller::Root, &["--wait-for", "file:flag"], &["sh", "-c", "echo run"]);
    eventually("it rests", || (direct.record()["resting"]["kind"] == "gate").then_some(()));
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
}

#[test]
fn explain_says_which_gates_are_open_and_runs_no_command() {
    needs!(root, "s6-svscan");
    let direct = Direct::new("gate-explain");
    let options = [
        "--explain",
        "--env",
        "A=1",
        "--if-env",
        "A",
        "--if-file",
        "b",
        "--wait-for",
        "cmd:touch ran",
        "--if-cmd",
        "touch ran too",
    ];
    let explained = stdout(&output(
        direct.command(Caller::Root, &options, &["true"]).stdout(std::process::Stdio::piped()),
    ));
    for line in [
        "if 'touch ran too' succeeds  (not checked here)",
        "if A is set  (met now)",
        "if 'b' exists  (not met now: rests)",
        "'touch ran' succeeds  (not checked here)",
    ] {
        assert!(explained.contains(line), "{explained}");
    }
    assert!(!direct.directory().join("ran").exists());
    for (option, value, said) in [
        ("--if-env", "A B", "has an invalid variable name"),
        ("--if-env", "!A=1", "has '!' before a comparison"),
        ("--if-env", "A!=", "has no value after '!='"),
        ("--if-file", "", "is empty"),
        ("--if-cmd", " ", "is empty"),
        ("--wait-for", "port:80", "has an unknown form"),
        ("--wait-for", "tcp:80", "has no host"),
        ("--wait-for", "tcp:db:0", "has no valid port"),
    ] {
        let mut command = Command::new(direct.scratch.launcher());
        let refused = output(command.args([option, value, "--", "true"]).current_dir("/"));
        assert_eq!(refused.status.code(), Some(100));
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
}
