//! Gateways at boot, after a restart, and as profiles change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::support::{Svscan, context_switches, eventually, is_alive, needs, read, throughout};
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
        container.said().contains("'gateway-roots' already exists in the scan directory"),
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
