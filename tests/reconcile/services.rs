//! The service of a profile: its files, its run script, its updates, its repair.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::boot::Volume;
use crate::support::{needs, read, rights, set_mode, snapshot};

#[test]
fn publishes_a_service_for_each_profile_in_order_and_reports_it_in_the_known_lines() {
    needs!(root);
    let volume = Volume::new("order");
    volume.write("gateway_state.json", r#"{"gateway_state":"running"}"#);
    volume.profile_in("zeta", "running");
    volume.profile_in("coder", "stopped");
    volume.bare_profile("a-b");
    volume.bare_profile("a_b");
    volume.bare_profile("0");
    volume.make("profiles/no-soul");
    volume.write("profiles/README", "no directory");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.stdout,
        "reconcile: profile=default prior_state=running action=started\n\
         reconcile: profile=0 prior_state=None action=registered\n\
         reconcile: profile=a-b prior_state=None action=registered\n\
         reconcile: profile=a_b prior_state=None action=registered\n\
         reconcile: profile=coder prior_state=stopped action=registered\n\
         reconcile: profile=zeta prior_state=running action=started\n"
    );
    assert_eq!(ran.code, 0);
    for (profile, starts) in [("default", true), ("0", false), ("coder", false), ("zeta", true)] {
        assert_eq!(volume.starts(&format!("gateway-{profile}")), starts, "{profile}");
    }
    assert!(!volume.scan("gateway-no-soul").exists());

    let log = volume.boot_log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 6);
    for (line, said) in lines.iter().zip(ran.stdout.lines()) {
        let (stamp, rest) = line.split_once(' ').expect("a stamp");
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00+0000", "{line}");
        let said = said.strip_prefix("reconcile: ").expect("the line's beginning");
        assert_eq!(rest, format!("{said} prior_exit=unknown"));
    }
    assert_eq!(rights(&volume.home("logs/container-boot.log")), "0644 10000:10000");
}

#[test]
fn a_service_has_all_files_with_their_modes_whatever_the_umask() {
    needs!(root);
    let volume = Volume::new("files");
    volume.profile_in("coder", "running");
    volume.bare_profile("idle");
    assert_eq!(volume.reconcile_through(&["sh", "-c", "umask 077; exec \"$@\"", "sh"], &[]).code, 0);
    let service = volume.scan("gateway-coder");
    for (path, expected) in [
        ("", "0755 0:0"),
        ("type", "0644 0:0"),
        ("run", "0755 0:0"),
        ("finish", "0755 0:0"),
        ("log", "0755 0:0"),
        ("log/run", "0755 0:0"),
        ("supervise", "0710 0:10000"),
        ("supervise/control", "0620 0:10000"),
        ("event", "0700 0:0"),
        ("log/supervise", "0710 0:10000"),
        ("log/supervise/control", "0620 0:10000"),
        ("log/event", "0700 0:0"),
    ] {
        assert_eq!(rights(&service.join(path)), expected, "{path}");
    }
    assert_eq!(read(service.join("type")), "longrun\n");
    assert!(!service.join("down").exists() && !service.join("log/down").exists());
    let idle = volume.scan("gateway-idle");
    assert_eq!(rights(&idle.join("down")), "0644 0:0");
    assert_eq!(rights(&idle.join("log/down")), "0644 0:0", "else the logger of a service that is down runs");
    assert_eq!(rights(&volume.home("logs")), "0755 10000:10000");
}

#[test]
fn the_run_script_is_one_line_of_the_launcher() {
    needs!(root);
    let volume = Volume::new("one-line");
    volume.bare_profile("coder");
    volume.reconcile(&[]);
    let home = volume.home("").display().to_string();
    let home = home.trim_end_matches('/');
    let launcher = volume.scratch.launcher().display().to_string();
    let words = |run: &Path| match futo_launch::service::run_script::parse(&fs::read(run).expect("read")) {
        Ok(futo_launch::service::run_script::RunScript::OneLine(words)) => {
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        }
        other => panic!("{}: {other:?}", run.display()),
    };
    for (service, command) in [
        ("gateway-default", "hermes gateway run --replace"),
        ("gateway-coder", "hermes -p coder gateway run --replace"),
    ] {
        let run = volume.scan(service).join("run");
        // under another name once it is taken away
        let start = format!("\nexec {launcher} --name {service} --user hermes ");
        assert!(read(&run).contains(&start), "{}", read(&run));
        let words = words(&run).join(" ");
        assert!(words.contains(&format!("--home {home}")), "{words}");
        assert!(words.contains(&format!("--chdir {home}")), "{words}");
        assert!(words.contains("--log -"), "{words}");
        assert!(words.contains("--env VIRTUAL_ENV=/opt/hermes/.venv"), "{words}");
        assert!(words.contains("--env PATH=/opt/hermes/.venv/bin:${PATH:-"), "{words}");
        assert!(
            words.contains("--env HERMES_S6_SUPERVISED_CHILD=1 --env HERMES_SUPERVISED_CHILD=1"),
            "{words}"
        );
        assert!(words.ends_with(&format!(" -- {command}")), "{words}");
    }
    let log = words(&volume.scan("gateway-coder/log/run")).join(" ");
    assert!(log.contains("--name gateway-coder-log --user hermes"), "{log}");
    assert!(log.ends_with(&format!("s6-log 1 n10 s1000000 T {home}/logs/gateways/coder")), "{log}");
}

#[test]
fn finish_turns_exit_0_and_78_into_do_not_restart() {
    needs!(root);
    let volume = Volume::new("finish");
    volume.reconcile(&[]);
    let finish_with = |code: &str| {
        let status = Command::new(volume.scan("gateway-default/finish")).args([code, "0", "x"]).status();
        status.expect("it starts").code().expect("a code")
    };
    assert_eq!(["0", "78", "1", "7", "256", "125", ""].map(finish_with), [125, 125, 0, 0, 0, 0, 0]);
}

#[test]
fn a_second_run_changes_nothing() {
    needs!(root);
    let volume = Volume::new("again");
    volume.profile_in("coder", "running");
    volume.bare_profile("idle");
    let first = volume.reconcile(&[]);
    let before = snapshot(&volume.scan(""));
    let second = volume.reconcile(&["--prune", "--json"]);
    assert_eq!(snapshot(&volume.scan("")), before);
    assert_eq!(first.code, 0);
    for service in ["gateway-default", "gateway-coder", "gateway-idle"] {
        assert_eq!(second.change(service), "unchanged");
    }
}

#[test]
fn an_update_goes_through_links_and_back_and_forth() {
    needs!(root);
    let volume = Volume::new("update");
    volume.profile_in("coder", "running");
    volume.reconcile(&[]);
    let service = volume.scan("gateway-coder");
    let files = |names: &[&str]| names.iter().map(|name| read(service.join(name))).collect::<Vec<_>>();
    let names = ["run", "finish", "type", "log/run"];
    let before = files(&names);
    for (state, starts) in [("stopped", false), ("running", true), ("stopped", false), ("running", true)] {
        volume.profile_in("coder", state);
        let ran = volume.reconcile(&["--json"]);
        assert_eq!(ran.change("gateway-coder"), "updated", "{}", ran.stderr);
        assert_eq!(volume.starts("gateway-coder"), starts);
        assert_eq!(service.join("log/down").exists(), !starts);
        assert_eq!(files(&names), before);
        let generations = fs::read_dir(&service).expect("listed").filter(|entry| {
            entry.as_ref().expect("an entry").file_name().to_string_lossy().starts_with(".gen-")
        });
        assert_eq!(generations.count(), 1, "the old one is removed");
        assert_eq!(volume.reconcile(&["--json"]).change("gateway-coder"), "unchanged");
    }
    assert_eq!(rights(&service.join(".cur/run")), "0755 0:0");
}

#[test]
fn damage_in_a_service_directory_is_repaired() {
    needs!(root);
    let volume = Volume::new("damage");
    volume.profile_in("coder", "running");
    volume.reconcile(&[]);
    let service = volume.scan("gateway-coder");
    let whole = read(service.join("run"));
    let damages: [fn(&Path); 6] = [
        |service| fs::write(service.join("run"), "#!/bin/sh\n").expect("written"),
        |service| fs::remove_file(service.join("log/run")).expect("removed"),
        |service| fs::write(service.join("timeout-kill"), "5\n").expect("written"),
        |service| set_mode(service.join("run"), 0o777),
        |service| set_mode(service.join("supervise"), 0o777),
        |service| fs::remove_file(service.join("supervise/control")).expect("removed"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage(&service);
        let ran = volume.reconcile(&["--json"]);
        assert_eq!(ran.change("gateway-coder"), "updated", "{number}: {}", ran.stderr);
        assert_eq!(volume.reconcile(&["--json"]).change("gateway-coder"), "unchanged", "{number}");
        assert_eq!(read(service.join("run")), whole, "{number}");
        let mode = fs::metadata(service.join("run")).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "{number}");
        assert!(!service.join("timeout-kill").exists());
        assert_eq!(rights(&service.join("supervise/control")), "0620 0:10000");
        assert_eq!(rights(&service.join("supervise")), "0710 0:10000");
    }
}
