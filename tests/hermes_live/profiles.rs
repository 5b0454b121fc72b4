//! Gateways at boot, after a restart, and as profiles change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{
    HERMES, Svscan, context_switches, eventually, is_alive, needs, own_by_hermes, read, set_mode, signal,
    throughout,
};
use crate::{Container, RUNNING};

#[test]
fn a_real_gateway_runs_in_its_own_slot_and_is_seen_in_the_containers_log() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-runs");
    container.volume.write("gateway_state.json", RUNNING);
    container.volume.write("active_profile", "coder\n");
    container.volume.profile("coder", RUNNING);
    container.volume.bare_profile("idle");
    let ran = container.reconcile(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let home = container.volume.home("").display().to_string();
    let home = home.trim_end_matches('/');
    for profile in ["default", "coder"] {
        let line = format!("hermes {profile} {home}\n");
        eventually(&format!("{profile} serves"), || (container.starts(profile) == line).then_some(()));
        let said = format!("the gateway of {profile} is serving\n");
        eventually("seen in the container's log", || container.svscan.stderr().contains(&said).then_some(()));
        let log = container.volume.home(format!("logs/gateways/{profile}/current"));
        eventually("and in its own", || read(&log).ends_with(&said).then_some(()));
    }
    assert!(!container.is_up("gateway-idle"));
    assert!(!container.volume.home("logs/gateways/idle").exists(), "its logger is down too");

    // one that was started by hand gives way
    assert_eq!(container.hermes("hermes -p coder gateway stop"), "");
    eventually("it is down", || (!container.is_up("gateway-coder")).then_some(()));
    let stray = container.hermes("sleep 1000 >/dev/null 2>&1 & echo $!");
    container.volume.write("profiles/coder/gateway.pid", &stray);
    assert_eq!(container.hermes("hermes -p coder gateway start"), "");
    let stray: i32 = stray.trim().parse().expect("a pid");
    eventually("the other has gone", || (!is_alive(stray)).then_some(()));
    eventually("it serves again", || (container.starts("coder").lines().count() == 2).then_some(()));
}

#[test]
fn a_restart_brings_back_what_ran_and_the_boot_log_says_how_it_ended() {
    needs!(root, "s6-svscan", "setpriv");
    let mut container = Container::new("hermes-restart");
    container.volume.profile("coder", RUNNING);
    container.volume.profile("killed", RUNNING);
    container.volume.bare_profile("writer");
    let ran = container.reconcile(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    container.watch();
    eventually("they serve", || {
        (!container.starts("coder").is_empty() && !container.starts("killed").is_empty()).then_some(())
    });
    container.hermes("hermes -p writer gateway start");
    eventually("writer serves", || (!container.starts("writer").is_empty()).then_some(()));
    // a machine that goes down hard leaves its state behind
    let state = read(container.volume.home("profiles/killed/state/gateway.lifecycle.json"));
    container.hermes("hermes -p coder gateway stop");
    container.soon("coder is down", || !container.is_up("gateway-coder"));

    container.restart("hermes-restart");
    assert!(read(container.volume.home("profiles/killed/gateway_state.json")).contains("draining"));
    container.volume.write("profiles/killed/state/gateway.lifecycle.json", state);
    fs::remove_file(container.volume.home("logs/container-boot.log")).expect("removed");
    let ran = container.reconcile(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (profile, rest) in [
        ("coder", "prior_state=stopped action=registered prior_exit=clean"),
        ("killed", "prior_state=running action=started prior_exit=unclean"),
        ("writer", "prior_state=running action=started prior_exit=clean"),
    ] {
        let log = container.volume.boot_log();
        assert!(log.contains(&format!("profile={profile} {rest}\n")), "{profile}: {log}");
    }
    for profile in ["killed", "writer"] {
        eventually("it is back", || (container.starts(profile).lines().count() == 2).then_some(()));
    }
    assert!(!container.is_up("gateway-coder"));
}

#[test]
fn profiles_come_and_go_and_are_started_and_stopped_at_run_time_without_a_right_to_the_scan_directory() {
    needs!(root, "s6-svscan", "setpriv");
    let mut container = Container::new("hermes-run-time");
    container.volume.profile("coder", RUNNING);
    container.watch();
    container.soon("coder is up", || container.is_up("gateway-coder"));
    let coder = container.svscan.pid("gateway-coder");

    let said = container.hermes("hermes profile create writer");
    assert!(said.contains("could not register"), "{said}");
    container.soon("registered", || container.svscan.svstat("up", "gateway-writer") == ["false"]);
    assert!(container.volume.scan("gateway-writer/down").exists());
    assert_eq!(container.hermes("hermes -p writer gateway start"), "");
    container.soon("writer serves", || container.starts("writer").starts_with("hermes writer "));
    container.soon("for the next boot too", || !container.volume.scan("gateway-writer/down").exists());
    let writer = container.svscan.pid("gateway-writer");

    // by the state file alone: a host that shares the volume has no other way
    container.volume.write("profiles/writer/gateway_state.json", "{\"desired_state\": \"stopped\"}");
    container.soon("stopped", || !container.is_up("gateway-writer"));
    assert!(
        container.said().contains("profile=writer prior_state=stopped action=stopped\n"),
        "{}",
        container.said()
    );
    container.volume.write("profiles/writer/gateway_state.json", "{\"desired_state\": \"running\"}");
    container.soon("started", || container.is_up("gateway-writer"));
    assert_ne!(container.svscan.pid("gateway-writer"), writer);

    // what the process writes of itself is not an order
    container.hermes(
        "printf '{\"gateway_state\": \"stopped\"}' > \"$HERMES_HOME/profiles/coder/gateway_state.json\"",
    );
    throughout("it runs on", Duration::from_secs(1), || container.is_up("gateway-coder"));
    // nor is a stop by hand undone
    container.svscan.svc(&["-d"], "gateway-coder");
    eventually("it is down", || (!container.is_up("gateway-coder")).then_some(()));
    container.volume.write("profiles/coder/note", "x");
    throughout("it stays down", Duration::from_secs(1), || !container.is_up("gateway-coder"));
    assert!(!is_alive(coder));

    container.hermes("hermes profile rename writer author");
    container.soon("renamed", || container.volume.scan("gateway-author/run").exists());
    container.soon("the old name has gone", || !container.volume.scan("gateway-writer").exists());
    container
        .soon("and it serves under the new one", || container.starts("author").contains("hermes author "));
    let author = container.svscan.pid("gateway-author");
    container.hermes("hermes profile delete author");
    container.soon("deleted", || !container.volume.scan("gateway-author").exists());
    eventually("its process has gone", || (!is_alive(author)).then_some(()));
    let line = "profile=author prior_state=None action=pruned\n";
    container.soon("and it is reported", || container.said().contains(line));

    // the name is free again
    container.hermes("hermes profile create author");
    container.soon("made again", || container.volume.scan("gateway-author/down").exists());
    assert_eq!(fs::metadata(&container.scan).expect("the scan directory").uid(), 0);
    assert_eq!(container.stop_watching(), Some(0));
}

#[test]
fn a_watch_finds_what_changed_before_it_and_gives_no_order_twice() {
    needs!(root, "s6-svscan", "setpriv");
    let mut container = Container::new("hermes-before");
    container.volume.profile("coder", "{\"desired_state\": \"running\"}");
    container.volume.profile("writer", "{\"desired_state\": \"stopped\"}");
    assert_eq!(container.reconcile(&[]).code, 0);
    container.soon("it serves", || !container.starts("coder").is_empty());
    container.volume.profile("coder", "{\"desired_state\": \"stopped\"}");
    container.volume.profile("writer", "{\"desired_state\": \"running\"}");
    container.watch();
    container.soon("stopped", || !container.is_up("gateway-coder"));
    container.soon("started", || container.is_up("gateway-writer"));
    let writer = container.svscan.pid("gateway-writer");
    for number in 0..20 {
        container.volume.write(
            "profiles/writer/gateway_state.json",
            format!("{{\"desired_state\": \"running\", \"updated_at\": {number}}}"),
        );
    }
    throughout("it is left alone", Duration::from_secs(1), || container.is_up("gateway-writer"));
    assert_eq!(container.svscan.pid("gateway-writer"), writer);

    // the fastest of some: the machine may be busy with other tests
    let took =
        ["stopped", "running", "stopped", "running"].map(|desired| container.desire("writer", desired));
    assert!(took.iter().min() < Some(&Duration::from_secs(2)), "{took:?}");
}

#[test]
fn who_writes_the_volume_starts_and_stops_its_own_gateways_and_nothing_else() {
    needs!(root, "s6-svscan", "setpriv");
    let mut container = Container::new("hermes-hostile");
    container.volume.profile("coder", RUNNING);
    // of root's, under a name that an instance could have
    let run = "#!/bin/sh\nexec sleep 1000\n";
    container.svscan.add("gateway-roots", &[("run", run)]);
    let roots = container.svscan.pid("gateway-roots");
    container.watch();
    container.soon("coder is up", || container.is_up("gateway-coder"));

    let home = container.volume.home("");
    let said = container.hermes(&format!(
        "cd {}/profiles
         mkdir -p roots elsewhere/x .dot 'bad name' ../outside
         for each in roots .dot 'bad name' ../outside; do echo soul > \"$each/SOUL.md\"; done
         echo '{{\"desired_state\": \"running\"}}' > roots/gateway_state.json
         ln -s ../outside linked
         mkdir fifo loop; echo soul > fifo/SOUL.md; mkfifo fifo/gateway_state.json
         echo soul > loop/SOUL.md; ln -s /etc/shadow loop/gateway_state.json",
        home.display()
    ));
    assert_eq!(said, "");
    container.soon("the FIFO does not keep it", || container.volume.scan("gateway-loop/down").exists());
    assert!(container.volume.scan("gateway-fifo/down").exists());
    container.soon("coder serves", || !container.starts("coder").is_empty());
    for desired in ["stopped", "running", "stopped"] {
        container
            .volume
            .write("profiles/roots/gateway_state.json", format!("{{\"desired_state\": \"{desired}\"}}"));
        container.desire("coder", desired);
    }
    assert_eq!(container.svscan.pid("gateway-roots"), roots);
    assert!(
        container.said().contains("'gateway-roots' is in the scan directory already"),
        "{}",
        container.said()
    );
    let mut names: Vec<String> = fs::read_dir(&container.scan)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["gateway-coder", "gateway-default", "gateway-fifo", "gateway-loop", "gateway-roots"]);

    // and a volume on which nothing happens costs nothing
    let pid = container.watcher.as_ref().expect("it runs").id().cast_signed();
    eventually("it sleeps", || {
        let before = context_switches(pid);
        std::thread::sleep(Duration::from_secs(1));
        (context_switches(pid) == before).then_some(())
    });
}

#[test]
fn a_re_run_says_what_runs_and_what_is_down() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-words");
    container.volume.profile("coder", RUNNING);
    container.volume.bare_profile("writer");
    container.reconcile(&[]);
    container.svscan.pid("gateway-coder");
    container.svscan.svc(&["-d"], "gateway-coder");
    container.svscan.svc(&["-u"], "gateway-writer");
    container.svscan.pid("gateway-writer");
    let state = container.volume.home("profiles/writer/gateway_state.json");
    eventually("writer has written its state", || {
        fs::read_to_string(&state).is_ok_and(|text| text.contains("running")).then_some(())
    });
    eventually("it is down", || (!container.is_up("gateway-coder")).then_some(()));
    let ran = container.reconcile(&[]);
    assert!(ran.stdout.contains("profile=coder prior_state=running action=registered\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("profile=writer prior_state=running action=started\n"), "{}", ran.stdout);
    assert!(!container.is_up("gateway-coder"));
}

#[test]
fn a_second_container_on_the_volume_runs_nothing_that_is_stopped_and_no_logger() {
    needs!(root, "s6-svscan", "setpriv");
    let first = Container::new("hermes-first");
    first.volume.profile("coder", RUNNING);
    first.volume.profile("writer", "{\"gateway_state\": \"stopped\"}");
    first.reconcile(&[]);
    first.svscan.pid("gateway-coder");
    assert_eq!(first.hermes("hermes -p coder gateway stop"), "");

    let scan = first.volume.scratch.join("second");
    fs::create_dir(&scan).expect("a scan directory");
    let second = Svscan::on_directory("hermes-second", &scan, &[]);
    let config = first.roots.join("futo.toml").display().to_string();
    let ran = first.volume.reconcile(&["--config", &config, "--scan-dir", scan.to_str().expect("a path")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for service in ["gateway-coder", "gateway-writer", "gateway-writer/log", "gateway-coder/log"] {
        eventually("it is taken up", || (!second.svstat("wantedup", service).is_empty()).then_some(()));
        assert_eq!(second.svstat("wantedup", service), ["false"], "{service}");
    }
    assert!(!first.volume.home("logs/gateways/writer").exists());
}

#[test]
fn a_scan_directory_that_is_not_roots_alone_is_refused_by_every_command_and_left_as_it_is() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-given");
    container.volume.profile("coder", RUNNING);
    let chmod = |mode| set_mode(&container.scan, mode);
    let is_refused = |what: &str| container.refuses(what, "can be written by others than root");
    container.give_away();
    is_refused("hermes'");
    container.take_back();
    chmod(0o775);
    is_refused("writable to the group");
    chmod(0o755);
    set_acl(&container.scan, "default");
    is_refused("a default ACL");
    remove_acl(&container.scan, "default");
    set_acl(&container.scan, "access");
    is_refused("an access ACL");
    remove_acl(&container.scan, "access");
    chmod(0o755);
    let ran = container.reconcile(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    eventually("it serves", || (!container.starts("coder").is_empty()).then_some(()));
}

/// Gives hermes all rights by a POSIX ACL.
fn set_acl(path: &std::path::Path, which: &str) {
    let script = "import os, struct, sys
entries = [(1, 7, -1), (2, 7, 10000), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', tag, perm, id & 0xffffffff) for tag, perm, id in entries)
os.setxattr(sys.argv[1], 'system.posix_acl_' + sys.argv[2], acl)";
    let status = Command::new("python3").args(["-c", script]).arg(path).arg(which).status();
    assert!(status.expect("python3 starts").success());
}

fn remove_acl(path: &std::path::Path, which: &str) {
    let script = "import os, sys; os.removexattr(sys.argv[1], 'system.posix_acl_' + sys.argv[2])";
    let status = Command::new("python3").args(["-c", script]).arg(path).arg(which).status();
    assert!(status.expect("python3 starts").success());
}

#[test]
fn what_was_planted_in_a_scan_directory_is_never_executed_though_it_is_roots_again() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-planted");
    container.volume.profile("coder", RUNNING);
    container.give_away();
    let proof = container.volume.scratch.join("proof");
    let scan = container.scan.display().to_string();
    // one that root's s6-svscan has taken up, and one of the same making that it has not
    let make = |name: &str| {
        container.hermes(&format!(
            "mkdir -p {scan}/{name}/supervise {scan}/{name}/log
             printf '#!/bin/sh\nexec sleep 1000\n' > {scan}/{name}/run; chmod +x {scan}/{name}/run"
        ))
    };
    make("taken");
    container.svscan.control(&["-a"]);
    let taken = container.svscan.pid("taken");
    let plant = |name: &str| {
        container.hermes(&format!(
            "mkdir -p {scan}/{name}/supervise {scan}/{name}/log
             printf '#!/bin/sh\ntouch {proof}\nexec s6-setuidgid hermes hermes -p coder gateway run\n' \
                 > {scan}/{name}/run
             chmod +x {scan}/{name}/run",
            proof = proof.display()
        ))
    };
    let as_root = |words: &str| {
        let status = Command::new("sh").args(["-c", words]).current_dir(&container.scan).status();
        assert!(status.expect("sh starts").success(), "{words}");
    };
    let is_refused = |what: &str, name: &str| {
        container.take_back();
        container.refuses(what, &format!("what root has not made: {name}\n"));
        as_root("chown hermes:hermes .");
    };
    plant("evil");
    is_refused("a directory of hermes'", "evil");
    as_root("chown root:root evil");
    is_refused("a script of hermes' in root's directory", "evil");
    as_root("chown hermes:hermes evil");
    // whose lock root's supervisor holds
    as_root("rm -rf evil/supervise; mv taken/supervise evil/supervise");
    is_refused("a lock that was moved", "evil, taken");
    as_root("mv evil/supervise taken/supervise; rm -rf evil");
    plant("gateway-coder");
    is_refused("one that looks like the module's", "gateway-coder");
    as_root("rm -rf gateway-coder");
    plant(".hidden");
    container.hermes(&format!("ln -s .hidden {scan}/linked"));
    is_refused("a link", "linked");
    as_root("rm -rf linked .hidden");
    // what s6-svscan keeps
    as_root("printf '#!/bin/sh\n' > .s6-svscan/SIGUSR1; chmod 777 .s6-svscan/SIGUSR1");
    is_refused("a script that all can write", ".s6-svscan/SIGUSR1");
    as_root("rm .s6-svscan/SIGUSR1; mv .s6-svscan .kept; ln -s .kept .s6-svscan");
    is_refused("a link in its place", ".s6-svscan");
    as_root("rm .s6-svscan; mv .kept .s6-svscan");
    as_root("mv .s6-svscan/control .s6-svscan/kept; touch .s6-svscan/control");
    is_refused("no FIFO", ".s6-svscan/control");
    as_root("mv .s6-svscan/kept .s6-svscan/control");
    as_root("rm .futo-lock");
    container.hermes(&format!("mkdir -p {scan}/.futo-lock/full"));
    container.take_back();
    for _ in 0..2 {
        let ran = container.reconcile(&[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    }
    as_root("rm -rf .futo-lock");

    // what root executes already is named, and hinders nothing
    let ran = container.reconcile(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("root executes what non-root users own or can write: taken\n"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("chown -hR"), "{}", ran.stderr);
    eventually("it serves", || (!container.starts("coder").is_empty()).then_some(()));
    assert_eq!(container.svscan.pid("taken"), taken);
    assert!(!proof.exists());
}

#[test]
fn another_user_is_warned_of_roots_supervisor() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-as-hermes");
    container.volume.profile("coder", RUNNING);
    container.give_away();
    let setpriv = ["setpriv", "--reuid=hermes", "--regid=hermes", "--init-groups", "--"];
    let ran = container.volume.reconcile_through(&setpriv, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("whoever acts as uid 10000 can become root"), "{}", ran.stderr);

    // their own supervisor executes with their own rights
    let own = container.volume.scratch.join("own");
    fs::create_dir(&own).expect("a directory");
    own_by_hermes(&own);
    let mut svscan = Command::new("s6-svscan");
    svscan.arg(&own).uid(HERMES).gid(HERMES).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut svscan = svscan.spawn().expect("it starts");
    eventually("it is ready", || own.join(".s6-svscan/control").exists().then_some(()));
    let ran = container.volume.reconcile_through(&setpriv, &["--scan-dir", own.to_str().expect("a path")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    signal(svscan.id().cast_signed(), Signal::SIGTERM);
    svscan.wait().expect("waited");
}

/// A slot as the image's module makes it.
fn module_slot(container: &Container, profile: &str, command: &str, is_down: bool) {
    let scan = container.scan.display();
    let down = if is_down { "touch $t/down $t/log/down" } else { ":" };
    let hermes = container.roots.join("venv/bin/hermes");
    let said = container.hermes(&format!(
        "t={scan}/.gateway-{profile}.tmp; mkdir -p $t/log $t/supervise $t/event; echo longrun > $t/type
         printf '#!/bin/sh\\nexport HERMES_S6_SUPERVISED_CHILD=1 HERMES_HOME={home} PATH={bin}:$PATH\\n[ \"$(id -u)\" = 0 ] || exec {command}\\nexec s6-setuidgid hermes {command}\\n' > $t/run
         printf '#!/bin/sh\\nexit 0\\n' > $t/finish
         printf '#!/bin/sh\\nexec cat\\n' > $t/log/run
         chmod +x $t/run $t/finish $t/log/run; mkfifo -m 660 $t/supervise/control; {down}
         mv $t {scan}/gateway-{profile}",
        home = container.volume.home("").display(),
        bin = hermes.parent().expect("bin").display(),
    ));
    assert_eq!(said, "");
}

#[test]
fn slots_of_the_module_are_taken_over_stopped_ones_at_once_and_running_ones_when_they_stop() {
    needs!(root, "s6-svscan", "setpriv", "s6-setuidgid");
    let mut container = Container::new("hermes-upgrade");
    container.volume.profile("coder", RUNNING);
    container.volume.profile("idle", "{\"gateway_state\": \"stopped\"}");
    container.volume.bare_profile("custom");
    container.give_away();
    module_slot(&container, "default", "hermes gateway run", true);
    module_slot(&container, "coder", "hermes -p coder gateway run --replace", false);
    module_slot(&container, "idle", "hermes -p idle gateway run --replace", true);
    // of somebody else, under a name of ours
    module_slot(&container, "custom", "hermes -p other gateway run --replace", true);
    container.svscan.control(&["-a"]);
    for service in ["gateway-default", "gateway-idle", "gateway-custom"] {
        eventually("taken up", || (!container.svscan.svstat("up", service).is_empty()).then_some(()));
    }
    let coder = container.svscan.pid("gateway-coder");
    container.soon("it serves", || container.starts("coder").lines().count() == 1);
    container.hermes(&format!("mkdir -p {0}/.gateway-left.tmp/log", container.scan.display()));
    container.take_back();

    container.watch();
    let ours = |profile: &str| container.scan.join(format!("gateway-{profile}/.futo")).exists();
    eventually(&format!("stopped ones: {}", container.said()), || {
        (ours("default") && ours("idle")).then_some(())
    });
    assert!(!container.is_up("gateway-idle") && !container.is_up("gateway-default"));
    assert!(!container.scan.join(".gateway-left.tmp").exists());
    assert!(!ours("coder") && !ours("custom"));
    assert_eq!(container.svscan.pid("gateway-coder"), coder, "it runs on");
    let said = container.said();
    assert!(said.contains("gateway-coder: it runs in the service directory that was there before"), "{said}");
    assert!(said.contains("'gateway-custom' is in the scan directory already"), "{said}");

    assert_eq!(container.hermes("hermes -p coder gateway stop"), "");
    container.soon("the running one too, once it has stopped", || ours("coder"));
    let is_down = || container.svscan.svstat("up", "gateway-coder") == ["false"];
    container.soon("with its state", || is_down() && container.scan.join("gateway-coder/down").exists());
    assert_eq!(container.hermes("hermes -p coder gateway start"), "");
    container.soon("it serves again, and was not started in between", || {
        container.starts("coder").lines().count() == 2
    });
    assert_eq!(fs::metadata(container.scan.join("gateway-coder/run")).expect("it").uid(), 0);
}
