//! A member of the group, the service user, and abc.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support;
use crate::support::boot::Definitions;
use crate::support::launching::finish;
use crate::support::live::Live;
use crate::support::{HERMES, Svscan, eventually, needs, own_by_hermes, read, rights, set_mode, stderr};

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
