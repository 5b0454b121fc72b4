//! Services that come, change, run on and go.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support;
use crate::support::boot::Definitions;
use crate::support::launching::finish;
use crate::support::live::Live;
use crate::support::{
    HERMES, Svscan, eventually, eventually_contains, is_alive, needs, own_by_hermes, read, rights, set_mode,
    stderr, throughout,
};

#[test]
fn a_gateway_runs_as_the_original_does_and_its_logger_writes_with_stamps() {
    needs!(root, "s6-svscan");
    let live = Live::new("as-original");
    live.volume.profile_in("coder", "running");
    live.volume.write("gateway_state.json", r#"{"gateway_state":"running"}"#);
    live.reconcile(&[]);
    let home = live.volume.home("").display().to_string();
    let home = home.trim_end_matches('/');
    let venv = live.volume.scratch.join("venv").display().to_string();
    for (profile, words) in
        [("coder", "-p coder gateway run --replace"), ("default", "gateway run --replace")]
    {
        let log = live.volume.home(format!("logs/gateways/{profile}/current"));
        let line = eventually_contains(&log, "gateway run");
        let (stamp, said) = line.split_once("  ").unwrap_or_else(|| panic!("a stamp: {line}"));
        assert_eq!(said, format!("{words} {home} {home} {venv} hermes {home}\n"));
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00 00:00:00.000000000", "{line}");
        assert!(rights(&log).ends_with("10000:10000"), "{}", rights(&log));
    }
}

#[test]
fn a_hundred_runs_leave_every_process_as_it_is() {
    needs!(root, "s6-svscan");
    let live = Live::new("hundred");
    for profile in ["a", "b"] {
        live.volume.profile_in(profile, "running");
    }
    live.volume.bare_profile("idle");
    live.reconcile(&[]);
    let services = ["gateway-a", "gateway-b"];
    let before = services.map(|service| live.pids(service));
    live.volume.write("profiles/a/gateway.pid", "7");
    for run in 0..100 {
        // also changes, back and forth: of files only
        live.volume.profile_in("b", if run % 10 == 5 { "stopped" } else { "running" });
        live.reconcile(&["--prune"]);
    }
    assert_eq!(services.map(|service| live.pids(service)), before);
    assert_eq!(read(live.volume.home("profiles/a/gateway.pid")), "7", "what runs needs it");
    assert_eq!(live.svscan.svstat("up", "gateway-idle"), ["false"]);
    assert_eq!(live.svscan.svstat("up", "gateway-idle/log"), ["false"]);
    for pid in before.as_flattened() {
        assert!(is_alive(*pid));
    }
}

#[test]
fn a_state_that_changes_starts_and_stops_nothing_that_is_there() {
    needs!(root, "s6-svscan");
    let live = Live::new("nothing-starts");
    live.volume.profile_in("up", "running");
    live.volume.profile_in("down", "stopped");
    live.reconcile(&[]);
    let before = live.pids("gateway-up");
    live.volume.profile_in("up", "stopped");
    live.volume.profile_in("down", "running");
    live.reconcile(&[]);
    assert!(!live.volume.starts("gateway-up") && live.volume.starts("gateway-down"));
    throughout("as it was", std::time::Duration::from_millis(500), || {
        live.pids("gateway-up") == before && live.svscan.svstat("up", "gateway-down") == ["false"]
    });
}

#[test]
fn a_new_profile_is_started_while_the_others_run() {
    needs!(root, "s6-svscan");
    let live = Live::new("added");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let before = live.pids("gateway-a");
    live.volume.profile_in("b", "running");
    live.reconcile(&[]);
    live.pids("gateway-b");
    assert_eq!(live.pids("gateway-a"), before);
}

#[test]
fn a_profile_that_has_gone_is_stopped_and_removed_and_no_other() {
    needs!(root, "s6-svscan");
    let live = Live::new("pruned");
    for profile in ["a", "b"] {
        live.volume.profile_in(profile, "running");
    }
    live.reconcile(&[]);
    let (gone, stays) = (live.pids("gateway-a"), live.pids("gateway-b"));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    live.reconcile(&["--prune"]);
    for pid in gone {
        assert!(!is_alive(pid), "its supervisor has left before the directory is removed");
    }
    assert!(!live.volume.scan("gateway-a").exists());
    let names: Vec<String> = fs::read_dir(live.volume.scan(""))
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with(".futo-gone")), "{names:?}");
    assert_eq!(live.pids("gateway-b"), stays);
    // and comes back
    live.volume.profile_in("a", "running");
    live.reconcile(&["--prune"]);
    assert_ne!(live.pids("gateway-a"), gone);
}

#[test]
fn what_a_killed_run_did_not_report_is_reported_by_the_next() {
    needs!(root, "s6-svscan");
    let live = Live::new("unsaid");
    let (control, away) = (live.volume.scan(".s6-svscan/control"), live.volume.scan(".s6-svscan/away"));
    let unsaid = |what: &dyn Fn()| {
        fs::rename(&control, &away).expect("renamed: s6-svscan is not notified");
        what();
        fs::rename(&away, &control).expect("put back");
    };
    live.volume.profile_in("a", "running");
    unsaid(&|| drop(live.reconcile(&[])));
    live.reconcile(&[]);
    let pids = live.pids("gateway-a");
    // and a service that was taken away
    let gone = live.volume.scan(".futo-gone-gateway-a");
    unsaid(&|| fs::rename(live.volume.scan("gateway-a"), &gone).expect("as a run does it"));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    eventually("it is gone", || {
        live.reconcile(&["--prune"]);
        (!gone.exists()).then_some(())
    });
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn killed_before_s6_svscan_is_notified_the_next_run_starts_and_stops_what_is_to_be() {
    needs!(root, "s6-svscan", "strace");
    let live = Live::new("killed-untold");
    let gone = live.volume.scan(".futo-gone-gateway-a");
    let killed_at = |step: &str, number: usize| {
        let trace = format!("trace={step}");
        let inject = format!("inject={step}:signal=KILL:when={number}");
        let strace = ["strace", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        live.volume.reconcile_through(&strace, &["--config", &live.config, "--prune"]).code == 137
    };
    for step in ["renameat", "write"] {
        for number in 1.. {
            live.volume.profile_in("a", "running");
            let mut was_killed = killed_at(step, number);
            live.reconcile(&["--prune"]);
            let pids = live.pids("gateway-a");
            fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
            was_killed |= killed_at(step, number);
            eventually("it is gone", || {
                let _ = live.volume.reconcile(&["--config", &live.config, "--prune"]);
                let is_there = gone.exists() || live.volume.scan("gateway-a").exists();
                (!is_there && pids.iter().all(|pid| !is_alive(*pid))).then_some(())
            });
            if !was_killed {
                assert!(number > 1, "{step} was never made");
                break;
            }
        }
    }
}

#[test]
fn what_s6_svscan_does_not_take_up_is_named() {
    needs!(root, "s6-svscan");
    let live = Live::new("not-taken-up");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let before = live.pids("gateway-a");
    live.volume.profile_in("b", "running");
    support::signal(live.svscan.own_pid(), nix::sys::signal::Signal::SIGSTOP);
    let ran = live.volume.reconcile(&["--config", &live.config]);
    support::signal(live.svscan.own_pid(), nix::sys::signal::Signal::SIGCONT);
    assert_eq!(ran.code, 1);
    let said = "fatal: gateway-b: 'gateway-b' is published, and s6-svscan has not taken it up\n";
    assert!(ran.stderr.contains(said) && !ran.stderr.contains("gateway-a"), "{}", ran.stderr);
    live.reconcile(&[]);
    live.pids("gateway-b");
    assert_eq!(live.pids("gateway-a"), before);
}

#[test]
fn finish_of_a_service_that_is_taken_away_knows_its_name_and_does_not_rest() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("last-finish");
    definitions.line("mine", "--log - -- sleep 1000");
    definitions.write("mine/finish", "#!/bin/sh\nexec futo-launch --log - -- true\n");
    let svscan = Svscan::on_directory("last-finish", &definitions.scan(""), &[]);
    definitions.sync(&[]);
    svscan.pid("mine");
    fs::rename(definitions.abcs("mine/run"), definitions.abcs("mine/no-run")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert!(ran.code == 0 && ran.stderr.contains("has no run any more"), "{}", ran.stderr);
    assert_eq!(svscan.svstat("up", "mine"), ["true"], "only a directory that has gone is gone");
    // the directory in which finish is executed has another name by then, and the definition's is not there
    fs::rename(definitions.abcs("mine"), definitions.abcs(".mine")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "sync: service=mine action=pruned\n"), "{}", ran.stderr);
    let said = svscan.stderr();
    assert!(
        said.contains("mine: fatal: unable to change to directory") && !said.contains("resting"),
        "{said}"
    );
    assert!(!said.contains("SIGKILL"), "{said}");
}

#[test]
fn a_logger_that_comes_or_goes_is_reported_and_leaves_no_supervisor_without_its_run() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("loggers");
    definitions.line("comes", "--log - -- sleep 1000");
    definitions.line("goes", "--log - -- sleep 1000");
    let logger = "#!/bin/sh\nexec futo-launch --log - -- sleep 1000\n";
    definitions.write("goes/log/run", logger);
    let svscan = Svscan::on_directory("loggers", &definitions.scan(""), &[]);
    assert_eq!(definitions.sync(&[]).stderr, "");
    let before = [svscan.pid("comes"), svscan.pid("goes"), svscan.pid("goes/log")];
    definitions.write("comes/log/run", logger);
    fs::remove_dir_all(definitions.abcs("goes/log")).expect("removed");
    for changes in [["updated", "unchanged"], ["unchanged", "unchanged"]] {
        let ran = definitions.sync(&["--json"]);
        assert_eq!([ran.change("comes"), ran.change("goes")], changes);
        assert_eq!(ran.stdout.matches("its logger comes or goes when").count(), 2, "{}", ran.stdout);
    }
    assert!(definitions.scan("comes/log/run").exists());
    svscan.svc(&["-r"], "goes/log");
    eventually("it is started again", || (svscan.pid("goes/log") != before[2]).then_some(()));
    // another change of the service does not take it away either
    definitions.line("goes", "--log - -- sleep 1001");
    assert_eq!(definitions.sync(&["--json"]).change("goes"), "updated");
    assert!(definitions.scan("goes/log/run").exists() && read(definitions.scan("goes/run")).contains("1001"));
    assert_eq!([svscan.pid("comes"), svscan.pid("goes")], before[..2]);
}

#[test]
fn what_a_member_makes_in_an_open_event_stops_no_later_run() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("deep");
    let svscan = Svscan::on_directory("deep", &definitions.scan(""), &[]);
    for name in ["closed", "pruned"] {
        definitions.line(name, "--log - -- sleep 1000");
    }
    assert_eq!(definitions.sync(&["--delegate", "wait"]).code, 0);
    for name in ["closed", "pruned"] {
        svscan.pid(name);
        let mut command = Command::new("sh");
        let script =
            "mkdir -p .futo-moved-0/x; for i in $(seq 40); do mkdir d; ln -s /etc/passwd l; cd d; done";
        command.args(["-euc", script]).current_dir(definitions.scan(name).join("event"));
        assert!(finish(command.uid(support::ABC).gid(support::ABC)).status.success());
    }
    fs::remove_dir_all(definitions.abcs("pruned")).expect("removed");
    // what a run that was killed has left is removed by the next
    fs::create_dir(definitions.scan(".futo-new-x")).expect("made");
    fs::rename(definitions.scan("pruned/event"), definitions.scan(".futo-new-x/event")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.ends_with("service=closed action=updated\nsync: service=pruned action=pruned\n"));
    assert_eq!(rights(&definitions.scan("closed/event")), "0700 0:0");
    assert_eq!(fs::read_dir(definitions.scan("closed/event")).expect("listed").count(), 0);
    let names =
        fs::read_dir(definitions.scan("")).expect("listed").map(|each| each.expect("a name").file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with(".futo-")).count(), 1, "the lock");
}

#[test]
fn a_service_that_will_not_stop_is_left_for_the_next_run_and_never_doubled() {
    needs!(root, "s6-svscan");
    let live = Live::with("stubborn", "trap '' TERM; echo \"$$\"; while :; do sleep 0.1; done");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let [pid, _] = live.pids("gateway-a");
    eventually("it ignores TERM", || live.log("a").contains(&pid.to_string()).then_some(()));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    let ran = live.volume.reconcile(&["--config", &live.config, "--prune"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("its supervisor has not left yet"), "{}", ran.stderr);
    let gone = live.volume.scan(".futo-gone-gateway-a");
    assert!(is_alive(pid) && gone.exists());
    let again = live.volume.reconcile(&["--config", &live.config, "--prune"]);
    assert_eq!(
        (again.code, again.stdout, again.stderr),
        (1, ran.stdout, ran.stderr),
        "as long as it is there"
    );
    // nor is there a second copy of it while the first one is there
    live.volume.profile_in("a", "running");
    let ran = live.volume.reconcile(&["--config", &live.config]);
    assert!(ran.stderr.contains("its supervisor has not left yet"), "{}", ran.stderr);
    assert!(ran.code == 1 && !live.volume.scan("gateway-a").exists());
    support::signal(pid, nix::sys::signal::Signal::SIGKILL);
    eventually("the next run takes it up", || {
        live.volume.reconcile(&["--config", &live.config]);
        live.volume.scan("gateway-a/run").exists().then_some(())
    });
    assert!(!live.volume.scan(".futo-gone-gateway-a").exists());
    let second = live.svscan.pid("gateway-a");
    assert_ne!(second, pid);
    // it would outlive s6-svscan
    live.svscan.svc(&["-d"], "gateway-a");
    support::signal(second, nix::sys::signal::Signal::SIGKILL);
}

#[test]
fn a_service_that_is_started_by_hand_starts_its_logger_too() {
    needs!(root, "s6-svscan");
    let live =
        Live::with("by-hand", "head -c 300000 /dev/zero | tr '\\0' 'x'; echo; echo written; exec sleep 1000");
    live.volume.bare_profile("a");
    live.reconcile(&[]);
    let listens = || finish(Command::new("s6-svok").arg(live.volume.scan("gateway-a"))).status.success();
    eventually("its supervisor listens", || listens().then_some(()));
    live.svscan.svc(&["-u"], "gateway-a");
    let log = live.volume.home("logs/gateways/a/current");
    // more than a pipe holds
    eventually("all of it is read", || read(&log).ends_with("written\n").then_some(()));
}

#[test]
fn finish_ends_a_crash_loop_of_exit_78_and_no_other() {
    needs!(root, "s6-svscan");
    let live = Live::with("crash", "echo x >> \"$HOME/starts-$2\"; exit $(cat \"$HOME/code-$2\")");
    for (profile, code) in [("config", "78"), ("asked", "0"), ("crash", "1")] {
        live.volume.profile_in(profile, "running");
        live.volume.write(&format!("code-{profile}"), code);
    }
    live.reconcile(&[]);
    let starts = |profile: &str| read(live.volume.home(format!("starts-{profile}"))).lines().count();
    eventually("the crash is started again", || (starts("crash") >= 3).then_some(()));
    for profile in ["config", "asked"] {
        assert_eq!(starts(profile), 1, "{profile}");
        assert_eq!(live.svscan.svstat("up,wantedup", &format!("gateway-{profile}")), ["false", "false"]);
    }
}

fn as_hermes(words: &[&str]) -> Output {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).uid(HERMES).gid(HERMES);
    finish(&mut command)
}

#[test]
fn a_member_of_the_group_controls_and_looks_and_nothing_else() {
    needs!(root, "s6-svscan");
    let live = Live::new("member");
    live.volume.profile_in("coder", "running");
    live.reconcile(&[]);
    let [pid, logger] = live.pids("gateway-coder");
    let service = live.volume.scan("gateway-coder").display().to_string();
    let log = format!("{service}/log");
    for directory in [&service, &log] {
        let looked = as_hermes(&["s6-svstat", "-o", "up", directory]);
        assert_eq!(support::stdout(&looked), "true\n", "{}", stderr(&looked));
        assert!(as_hermes(&["s6-svc", "-r", directory]).status.success());
    }
    eventually("both are started again", || {
        let [now, now_logger] = live.pids("gateway-coder");
        (now != pid && now_logger != logger).then_some(())
    });
    assert!(as_hermes(&["s6-svc", "-d", &service]).status.success());
    eventually("it is down", || (live.svscan.svstat("up", "gateway-coder") == ["false"]).then_some(()));
    assert!(as_hermes(&["s6-svc", "-u", &service]).status.success());
    live.svscan.pid("gateway-coder");

    let waited = as_hermes(&["s6-svwait", "-t", "2000", "-u", &service]);
    assert!(!waited.status.success());
    assert!(stderr(&waited).contains("Permission denied"), "{}", stderr(&waited));
    // nobody else does even that
    let mut other = Command::new("s6-svc");
    other.args(["-r", &service]).uid(support::ABC).gid(support::ABC);
    assert!(!finish(&mut other).status.success());
}

#[test]
fn a_member_of_the_group_makes_root_write_nowhere() {
    needs!(root, "s6-svscan");
    let live = Live::new("planted");
    live.volume.profile_in("coder", "running");
    live.reconcile(&[]);
    let [_, _] = live.pids("gateway-coder");
    let service = live.volume.scan("gateway-coder");
    let target = live.volume.scratch.write("target", "root:x:0\n", 0o644);
    let target = target.display().to_string();
    let mut plants: Vec<String> = Vec::new();
    for part in ["", "log/"] {
        for name in [
            "event/ftrig1:@400000000000000000000000:x",
            "supervise/death_tally",
            "supervise/death_tally.new",
            "supervise/status.new",
            "supervise/control.new",
            "supervise/x",
            "run",
            "run.new",
            "finish",
            "down",
            ".cur",
            ".cur.new",
            ".gen-a",
            "x",
        ] {
            plants.push(format!("{}/{part}{name}", service.display()));
        }
    }
    plants.push(live.volume.scan(".futo-new-gateway-x").display().to_string());
    plants.push(live.volume.scan(".futo-lock").display().to_string());
    plants.push(live.volume.scan("planted").display().to_string());
    for plant in &plants {
        for words in [
            &["ln", "-sf", &target, plant][..],
            &["ln", "-f", &target, plant],
            &["mkfifo", plant],
            &["mkdir", plant],
            &["mv", "-f", &target, plant],
            &["cp", "-f", &target, plant],
            &["rm", "-f", plant],
        ] {
            let done = as_hermes(words);
            // rm -f of what is not there
            let absent = words[0] == "rm" && Path::new(plant).symlink_metadata().is_err();
            assert!(!done.status.success() || absent, "{words:?}");
        }
    }
    for directory in ["event", "supervise", "log/event", "log/supervise", ""] {
        let directory = service.join(directory).display().to_string();
        assert!(!as_hermes(&["chmod", "777", &directory]).status.success(), "{directory}");
        assert!(
            !as_hermes(&["mv", &directory, &format!("{directory}-away")]).status.success(),
            "{directory}"
        );
    }
    for _ in 0..3 {
        as_hermes(&["s6-svc", "-r", &service.display().to_string()]);
    }
    live.reconcile(&["--prune"]);
    assert_eq!(read(&target), "root:x:0\n");
}

#[test]
fn delegate_none_closes_and_wait_opens_what_is_there_already() {
    needs!(root, "s6-svscan");
    let live = Live::new("delegate");
    live.volume.profile_in("coder", "running");
    live.reconcile(&["--delegate", "none"]);
    let before = live.pids("gateway-coder");
    let service = live.volume.scan("gateway-coder");
    let path = service.display().to_string();
    assert!(!as_hermes(&["s6-svstat", &path]).status.success());
    let waits = || {
        let waited = as_hermes(&["s6-svwait", "-t", "2000", "-u", &path]);
        assert_eq!(waited.status.success(), !stderr(&waited).contains("Permission denied"));
        waited.status.success()
    };
    live.reconcile(&[]);
    assert!(as_hermes(&["s6-svstat", &path]).status.success());
    assert!(!waits());
    live.reconcile(&["--delegate", "wait"]);
    assert_eq!(rights(&service.join("event")), "3730 0:10000");
    assert!(waits());
    // what was planted while it was open goes when it is closed
    symlink("/etc/passwd", service.join("event/ftrig1:@planted")).expect("a link");
    live.reconcile(&[]);
    assert_eq!(rights(&service.join("event")), "0700 0:0");
    assert_eq!(fs::read_dir(service.join("event")).expect("listed").count(), 0);
    assert!(!waits());
    assert_eq!(live.pids("gateway-coder"), before);
}

#[test]
fn the_service_user_cannot_become_root_through_their_volume() {
    needs!(root, "s6-svscan");
    let live = Live::new("volume");
    let coder = live.volume.profile_in("coder", "running");
    let target = live.volume.scratch.write("target", "kept", 0o644);
    // a hard link in their directory to a file of root's, where the kernel lets one be made
    let _ = fs::hard_link(&target, coder.join("gateway.pid"));
    symlink(&target, coder.join("processes.json")).expect("a link");
    fs::remove_file(coder.join("gateway_state.json")).expect("removed");
    symlink("/proc/self/environ", coder.join("gateway_state.json")).expect("a link");
    // the log's directory leads elsewhere
    live.volume.make("logs");
    let elsewhere = live.volume.scratch.join("elsewhere");
    fs::create_dir(&elsewhere).expect("root's");
    set_mode(&elsewhere, 0o755);
    symlink(&elsewhere, live.volume.home("logs/gateways")).expect("a link");
    own_by_hermes(&live.volume.home("logs/gateways"));
    live.reconcile(&[]);
    assert_eq!(read(&target), "kept");
    assert!(target.exists());
    assert_eq!(fs::read_dir(&elsewhere).expect("listed").count(), 0, "the logger is hermes, and cannot");
    for path in ["run", "finish", "log/run", "", "log", ".futo"] {
        let rights = rights(&live.volume.scan("gateway-coder").join(path));
        assert!(rights.ends_with("0:0"), "{path}: {rights}");
    }
    for tool in ["s6-setuidgid", "setpriv"] {
        let words: &[&str] = match tool {
            "setpriv" => &["setpriv", "--reuid=0", "id"],
            _ => &["s6-setuidgid", "root", "id"],
        };
        assert!(!as_hermes(words).status.success(), "{tool}");
    }
}

#[test]
fn names_that_are_swapped_while_root_looks_lead_it_nowhere() {
    needs!(root, "s6-svscan");
    let live = Live::new("swapped");
    live.volume.profile_in("coder", "running");
    live.volume.make("logs");
    let secret = live.volume.scratch.join("secret");
    fs::create_dir(&secret).expect("root's");
    for file in ["gateway.pid", "processes.json", "SOUL.md", "container-boot.log"] {
        fs::write(secret.join(file), "root's\n").expect("written");
    }
    fs::write(secret.join("gateway_state.json"), r#"{"gateway_state":"a-secret"}"#).expect("written");
    set_mode(&secret, 0o700);
    let before = support::snapshot(&secret);
    let script = format!(
        "cd {}; while :; do
            for name in profiles/coder logs; do
                mv $name away 2>/dev/null; ln -s {secret} $name; rm -f $name; mv away $name 2>/dev/null
            done
            mkdir -p profiles/x/y; : > profiles/x/SOUL.md
            for name in gateway.pid processes.json gateway_state.json; do
                ln -sf {secret}/$name profiles/x/$name; ln -f {secret}/$name profiles/x/$name; rm -f profiles/x/$name
                mkfifo profiles/x/$name; rm -f profiles/x/$name; mkdir profiles/x/$name; rmdir profiles/x/$name
            done
        done 2>/dev/null",
        live.volume.home("").display(),
        secret = secret.display()
    );
    let mut swapper =
        Command::new("sh").arg("-c").arg(script).uid(HERMES).gid(HERMES).spawn().expect("it starts");
    for _ in 0..100 {
        let ran = live.volume.reconcile(&["--config", &live.config, "--prune"]);
        assert!(ran.code < 2, "{}", ran.stderr);
        assert!(!ran.stdout.contains("a-secret"), "{}", ran.stdout);
    }
    swapper.kill().expect("killed");
    swapper.wait().expect("waited");
    assert_eq!(support::snapshot(&secret), before);
}

#[test]
fn abc_controls_their_own_services_and_not_those_of_root() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("abcs");
    definitions.line("mine", "--log - -- sleep 1000");
    definitions.write_roots("roots/run", "#!/bin/sh\nexec futo-launch --log - -- sleep 1000\n");
    assert_eq!(definitions.sync(&[]).code, 0);
    let svscan = Svscan::on_directory("abcs", &definitions.scan(""), &[]);
    let before = svscan.pid("mine");
    svscan.pid("roots");
    let restart = |name: &str| {
        let mut command = Command::new("s6-svc");
        command.arg("-r").arg(definitions.scan(name)).uid(support::ABC).gid(support::ABC);
        finish(&mut command).status.success()
    };
    assert!(restart("mine") && !restart("roots"));
    eventually("it is started again", || (svscan.pid("mine") != before).then_some(()));
}

#[test]
fn s6_takes_a_dangling_link_for_an_absent_file_and_uses_it_once_it_leads_somewhere() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("dangling");
    definitions.line("a", "--log - -- sleep 1000");
    definitions.write("a/down", "");
    definitions.write("a/timeout-kill", "5000\n");
    definitions.sync(&[]);
    for file in ["down", "timeout-kill"] {
        fs::remove_file(definitions.abcs("a").join(file)).expect("removed");
    }
    assert_eq!(definitions.sync(&["--json"]).change("a"), "updated");
    let down = definitions.scan("a/down");
    assert!(down.symlink_metadata().is_ok() && !down.exists(), "a dangling link");
    let svscan = Svscan::on_directory("dangling", &definitions.scan(""), &[]);
    let pid = svscan.pid("a");
    definitions.write("a/finish", "#!/bin/sh\nexec futo-launch --log - -- touch ./finished\n");
    definitions.sync(&[]);
    assert_eq!(svscan.pid("a"), pid);
    svscan.svc(&["-r"], "a");
    eventually("finish is executed", || definitions.abcs("a/finished").exists().then_some(()));
}
