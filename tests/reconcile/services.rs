//! The service of a profile: its files, its run script, its updates, its repair.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;

use crate::support;
use crate::support::boot::{Ran, Volume};
use crate::support::launching::finish;
use crate::support::{HERMES, needs, own_by_hermes, read, rights, set_mode, snapshot};

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
fn the_state_decides_by_the_first_key_and_the_known_words() {
    needs!(root);
    let volume = Volume::new("state");
    for (name, state, starts, shown) in [
        ("running", r#"{"gateway_state":"running"}"#, true, "running"),
        ("draining", r#"{"gateway_state":"draining"}"#, true, "running"),
        ("degraded", r#"{"gateway_state":"degraded"}"#, true, "running"),
        ("desired", r#"{"desired_state":"running","gateway_state":"stopped"}"#, true, "running"),
        ("undesired", r#"{"desired_state":"stopped","gateway_state":"running"}"#, false, "stopped"),
        ("shouting", r#"{"gateway_state":"RUNNING"}"#, false, "RUNNING"),
        ("padded", r#"{"gateway_state":" running"}"#, false, "\\u{20}running"),
        ("bom", "\u{feff}{\"gateway_state\":\"running\"}", true, "running"),
        ("empty", "{}", false, "None"),
        ("null", r#"{"gateway_state":null}"#, false, "None"),
    ] {
        volume.profile(name, state);
        let ran = volume.reconcile(&[]);
        let line = format!(
            "reconcile: profile={name} prior_state={shown} action={}\n",
            if starts { "started" } else { "registered" }
        );
        assert!(ran.stdout.contains(&line), "{name}: {}", ran.stdout);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
        assert_eq!(volume.starts(&format!("gateway-{name}")), starts, "{name}");
    }
}

#[test]
fn a_state_that_cannot_be_read_counts_as_none_is_reported_and_ends_nothing() {
    needs!(root);
    let volume = Volume::new("bad-state");
    volume.profile("b-list", "[1]");
    volume.profile("c-utf8", b"{\"gateway_state\":\"runn\xffing\"}");
    volume.profile("d-cut", "{\"gateway_state\":\"run");
    volume.profile("e-number", "{\"gateway_state\":5}");
    let directory = volume.bare_profile("f-fifo");
    nix::unistd::mkfifo(&directory.join("gateway_state.json"), Mode::from_bits_truncate(0o666))
        .expect("a FIFO");
    volume.bare_profile("g-dir");
    volume.make("profiles/g-dir/gateway_state.json");
    let directory = volume.bare_profile("h-link");
    volume.write("elsewhere.json", r#"{"gateway_state":"running"}"#);
    symlink(volume.home("elsewhere.json"), directory.join("gateway_state.json")).expect("a link");
    let huge = volume.profile("i-huge", "").join("gateway_state.json");
    fs::File::options().write(true).open(&huge).expect("open").set_len(200 << 20).expect("200 MB, sparse");
    let secret = volume.profile("j-roots", r#"{"gateway_state":"running"}"#).join("gateway_state.json");
    set_mode(&secret, 0o600);
    std::os::unix::fs::lchown(&secret, Some(0), Some(0)).expect("root's");
    volume.profile_in("z-good", "running");

    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let profiles =
        ["b-list", "c-utf8", "d-cut", "e-number", "f-fifo", "g-dir", "h-link", "i-huge", "j-roots"];
    for profile in profiles {
        let line = format!("reconcile: profile={profile} prior_state=None action=registered\n");
        assert!(ran.stdout.contains(&line), "{profile}: {}", ran.stdout);
        let said = format!("futo: warning: gateway-{profile}: unable to read 'gateway_state.json': ");
        assert!(ran.stderr.contains(&said), "{profile}: {}", ran.stderr);
        assert!(!volume.starts(&format!("gateway-{profile}")));
    }
    assert!(ran.stdout.ends_with("profile=z-good prior_state=running action=started\n"));
    assert_eq!(volume.boot_log().lines().count(), profiles.len() + 2);
}

#[test]
fn one_bad_profile_is_named_and_all_others_go_on() {
    needs!(root);
    let volume = Volume::new("bad-name");
    for bad in ["Bad", "a.b", "-x", "with space", "new\nline", &"x".repeat(201)] {
        volume.bare_profile(bad);
    }
    let closed = volume.bare_profile("closed");
    set_mode(&closed, 0o000);
    symlink(volume.make("apart"), volume.home("profiles/linked")).expect("a link");
    volume.profile_in("zeta", "running");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 1);
    for (field, reason) in [
        ("Bad", "Bad: its name is not of the form [a-z0-9][a-z0-9_-]*"),
        ("a.b", "a.b: its name is not"),
        ("-x", "-x: its name is not"),
        ("with\\u{20}space", "with space: its name is not"),
        ("new\\nline", "new\\nline: its name is not"),
        (&"x".repeat(201), "the name of its service is longer than 200 bytes"),
        ("closed", "gateway-closed: unable to open directory 'profiles/closed': permission denied"),
    ] {
        let line = format!("reconcile: profile={field} prior_state=None action=failed\n");
        assert!(ran.stdout.contains(&line), "{field}: {}", ran.stdout);
        assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
    }
    assert_eq!(ran.stdout.lines().count(), 9);
    assert!(volume.starts("gateway-zeta"));
    assert_eq!(volume.boot_log().lines().count(), 9);
}

#[test]
fn a_profile_named_default_is_skipped_with_a_warning() {
    needs!(root);
    let volume = Volume::new("reserved");
    volume.profile_in("default", "running");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stdout, "reconcile: profile=default prior_state=None action=registered\n");
    assert!(ran.stderr.contains("warning: 'profiles/default' is skipped"), "{}", ran.stderr);
}

#[test]
fn a_line_cannot_be_forged_by_a_state() {
    needs!(root);
    let volume = Volume::new("forged");
    volume.profile(
        "coder",
        r#"{"gateway_state":"x\n2026-01-01T00:00:00+0000 profile=a prior_state=b action=started"}"#,
    );
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.stdout.lines().count(), 2);
    assert_eq!(volume.boot_log().lines().count(), 2);
    assert!(
        ran.stdout.contains("prior_state=x\\n2026-01-01T00:00:00+0000\\u{20}profile=a"),
        "{}",
        ran.stdout
    );
}

#[test]
fn stale_files_are_removed_and_what_cannot_be_removed_is_named() {
    needs!(root);
    let volume = Volume::new("stale");
    for profile in ["coder", "zeta"] {
        volume.profile_in(profile, "running");
        volume.write(&format!("profiles/{profile}/processes.json"), "[]");
    }
    volume.write("profiles/coder/gateway.pid", "5");
    volume.make("profiles/zeta/gateway.pid");
    // a link is removed, not what it leads to
    let precious = volume.write("precious", "kept");
    symlink(&precious, volume.home("gateway.pid")).expect("a link");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("gateway-zeta: unable to remove 'gateway.pid': is a directory"),
        "{}",
        ran.stderr
    );
    for gone in ["profiles/coder/gateway.pid", "profiles/coder/processes.json", "gateway.pid"] {
        assert!(volume.home(gone).symlink_metadata().is_err(), "{gone}");
    }
    assert_eq!(read(&precious), "kept");
    assert!(volume.starts("gateway-zeta"), "it is published all the same");
    assert!(ran.stdout.contains("profile=zeta prior_state=running action=started"));
}

#[test]
fn the_boot_log_is_rotated_when_it_has_reached_the_size() {
    needs!(root);
    let volume = Volume::new("rotate");
    volume.make("logs");
    let log = volume.write("logs/container-boot.log", "x".repeat(262_143));
    volume.reconcile(&[]);
    assert!(!volume.home("logs/container-boot.log.1").exists(), "one byte less");
    volume.write("logs/container-boot.log", "x".repeat(262_144));
    volume.write("logs/container-boot.log.1", "older");
    volume.reconcile(&[]);
    assert_eq!(read(volume.home("logs/container-boot.log.1")), "x".repeat(262_144));
    assert_eq!(read(&log).lines().count(), 1);
}

#[test]
fn a_boot_log_that_root_has_left_becomes_the_old_one() {
    needs!(root);
    let volume = Volume::new("roots-log");
    volume.make("logs");
    fs::write(volume.home("logs/container-boot.log"), "root's\n").expect("written");
    let ran = volume.reconcile(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(read(volume.home("logs/container-boot.log.1")), "root's\n");
    assert_eq!(volume.boot_log().lines().count(), 1);
}

#[test]
fn a_boot_log_that_cannot_be_written_is_named_and_the_services_are_there() {
    needs!(root);
    let volume = Volume::new("no-log");
    volume.make("logs");
    let target = volume.scratch.write("target", "untouched", 0o644);
    for (what, reason) in [
        ("link", "it is a symbolic link, not a regular file"),
        ("fifo", "no such device or address"),
        ("directory", "is a directory"),
        ("logs is a link", "not a directory"),
        ("logs is root's", "permission denied"),
    ] {
        let log = volume.home("logs/container-boot.log");
        let _ = fs::remove_file(&log).or_else(|_| fs::remove_dir(&log));
        match what {
            "link" => symlink(&target, &log).expect("a link"),
            "fifo" => {
                nix::unistd::mkfifo(&log, Mode::from_bits_truncate(0o666)).expect("a FIFO");
                own_by_hermes(&log);
            }
            "directory" => fs::create_dir(&log).expect("a directory"),
            "logs is a link" => {
                fs::remove_dir(volume.home("logs")).expect("removed");
                symlink("/etc", volume.home("logs")).expect("a link");
            }
            _ => {
                fs::remove_file(volume.home("logs")).expect("removed");
                fs::create_dir(volume.home("logs")).expect("root's");
            }
        }
        let ran = volume.reconcile(&[]);
        assert_eq!(ran.code, 1, "{what}");
        assert!(
            ran.stderr.contains("container-boot.log'") && ran.stderr.contains(reason),
            "{what}: {}",
            ran.stderr
        );
        assert!(ran.stdout.contains("profile=default"), "{what}");
        assert!(volume.scan("gateway-default/run").exists(), "{what}");
    }
    assert_eq!(read(&target), "untouched");
    assert!(!Path::new("/etc/container-boot.log").exists());
}

#[test]
fn a_dry_run_reports_the_same_and_touches_nothing() {
    needs!(root);
    let volume = Volume::new("dry");
    volume.profile_in("coder", "running");
    volume.write("profiles/coder/gateway.pid", "5");
    volume.bare_profile("Bad");
    let before = snapshot(&volume.scratch.path);
    volume.scratch.futo();
    let before_with_programs = snapshot(&volume.scratch.path).len();
    assert_eq!(before.len() + 2, before_with_programs);
    let before = snapshot(&volume.scratch.path);
    let dry = volume.reconcile(&["--dry-run"]);
    assert_eq!(snapshot(&volume.scratch.path), before);
    assert_eq!(volume.reconcile(&["--dry-run", "--json"]).change("gateway-coder"), "published");
    let wet = volume.reconcile(&[]);
    assert_eq!((dry.stdout, dry.stderr, dry.code), (wet.stdout, wet.stderr, wet.code));
    assert_eq!(volume.reconcile(&["--dry-run", "--json"]).change("gateway-coder"), "unchanged");
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

#[test]
fn policy_and_no_start_decide_before_the_state() {
    needs!(root);
    let volume = Volume::new("policy");
    for profile in ["always", "never", "last"] {
        volume.profile_in(profile, if profile == "always" { "stopped" } else { "running" });
    }
    let scratch = support::Scratch::of_root("policy");
    let config = scratch.write("futo.toml", "policies = { always = 'always', never = 'never' }\n", 0o644);
    let config = config.display().to_string();
    assert_eq!(volume.reconcile(&["--config", &config]).code, 0);
    let starts = || ["always", "never", "last"].map(|name| volume.starts(&format!("gateway-{name}")));
    assert_eq!(starts(), [true, false, true]);
    let ran = volume.reconcile(&["--config", &config, "--no-start"]);
    assert_eq!(starts(), [false; 3]);
    assert!(!ran.stdout.contains("started"), "{}", ran.stdout);
}

#[test]
fn any_system_of_instances_can_be_described() {
    needs!(root);
    let scratch = support::Scratch::of_root("bots");
    for directory in ["scan", "data", "data/a", "data/b"] {
        fs::create_dir(scratch.join(directory)).expect("a directory");
    }
    let config = format!(
        "name = 'bots'\nhome = '{0}/data'\nscan-dir = '{0}/scan'\nuser = 'abc:futoa'\ndelegate = 'futoa'\n\
         instances = '.'\nservice = 'bot-{{name}}'\npolicy = 'always'\n\
         command = ['bot', '--data', '{{directory}}', '$HOME']\noptions = ['--nice', '5']\nno-restart = [3]\n",
        scratch.path.display()
    );
    let config = scratch.write("bots.toml", &config, 0o644);
    let mut command = Command::new(scratch.futo());
    let ran = Ran::of(&finish(command.arg("reconcile").arg("--config").arg(&config)));
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.stdout,
        "reconcile: instance=a prior_state=None action=started\n\
         reconcile: instance=b prior_state=None action=started\n"
    );
    let run = read(scratch.join("scan/bot-a/run"));
    let data = scratch.join("data/a").display().to_string();
    assert!(run.ends_with(&format!("--log - --nice 5 -- bot --data {data} '$HOME'\n")), "{run}");
    assert_eq!(rights(&scratch.join("scan/bot-a/supervise")), "0710 0:9101");
    assert!(!scratch.join("scan/bot-a/log").exists());
}

#[test]
fn what_is_no_instance_is_a_warning_at_most() {
    needs!(root);
    let volume = Volume::new("no-instance");
    let coder = volume.profile_in("coder", "running");
    symlink("coder", volume.home("profiles/latest")).expect("a link");
    symlink("/does/not/exist", volume.home("profiles/dangling")).expect("a link");
    let lost = volume.home("profiles/lost+found");
    fs::create_dir(&lost).expect("root's");
    set_mode(&lost, 0o700);
    let ran = volume.reconcile(&[]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 2), "{}", ran.stderr);
    for skipped in ["latest", "dangling", "lost+found"] {
        let said = format!("futo: warning: unable to open directory 'profiles/{skipped}': ");
        assert!(ran.stderr.contains(&said), "{skipped}: {}", ran.stderr);
    }
    // it may have been moved away for a while, with a link in its place
    fs::rename(&coder, volume.home("coder")).expect("moved");
    symlink("../coder", &coder).expect("a link");
    assert_eq!(volume.reconcile(&["--prune"]).code, 0);
    assert!(volume.scan("gateway-coder/run").exists());

    // without a marker the name alone decides
    let roots = support::Scratch::of_root("no-instance");
    let config = "marker = 'SOUL.md'\nstate-file = 'no'\npolicies = { codr = 'never' }\n";
    let config = roots.write("futo.toml", config, 0o644).display().to_string();
    let ran = volume.reconcile(&["--config", &config, "--dry-run"]);
    assert!(ran.stderr.contains("warning: policies: there is no instance 'codr'\n"), "{}", ran.stderr);
    let bots = roots.join("bots");
    for name in ["a", "lost+found", ".cache"] {
        fs::create_dir_all(bots.join(name)).expect("made");
    }
    let config = roots.write("bots.toml", &system("bots", &bots, &volume.scan("")), 0o644);
    let ran = Ran::of(&finish(Command::new(roots.futo()).arg("reconcile").arg("--config").arg(&config)));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "reconcile: instance=a prior_state=None action=registered\n")
    );
    assert!(ran.stderr.starts_with("futo: warning: 'lost+found' is skipped: its name is not of the form"));
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
}

/// A system of instances below `home`.
fn system(service: &str, home: &Path, scan: &Path) -> String {
    format!(
        "home = '{}'\nscan-dir = '{}'\nuser = 'root'\nservice = '{service}-{{name}}'\ncommand = ['bot']\n",
        home.display(),
        scan.display()
    )
}

#[test]
fn two_systems_on_one_scan_directory_leave_each_other_alone() {
    needs!(root);
    let volume = Volume::new("two-systems");
    let roots = support::Scratch::of_root("two-systems");
    let reconcile = |name: &str, service: &str| {
        fs::create_dir_all(roots.join(name).join(name)).expect("an instance");
        let text = system(service, &roots.join(name), &volume.scan(""));
        let config = roots.write(format!("{name}.toml"), &text, 0o644);
        let mut command = Command::new(roots.futo());
        Ran::of(&finish(command.args(["reconcile", "--prune", "--config"]).arg(config)))
    };
    for _ in 0..2 {
        assert_eq!((reconcile("a", "x").code, reconcile("b", "x").code), (0, 0));
    }
    assert!(volume.scan("x-a/run").exists() && volume.scan("x-b/run").exists());
    fs::create_dir(roots.join("b/a")).expect("an instance");
    let ran = reconcile("b", "x");
    assert!(ran.code == 1 && ran.stderr.contains("'x-a' is in the scan directory already"), "{}", ran.stderr);
}

#[test]
fn a_config_that_others_than_root_can_write_is_refused() {
    needs!(root);
    let volume = Volume::new("config");
    let config = volume.write("futo.toml", "user = 'root'\n");
    let ran = volume.reconcile(&["--config", &config.display().to_string()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("not allowed in a file that others than root can write"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(volume.scan("")).expect("listed").count(), 0);
}

#[test]
fn nothing_can_be_done_without_user_home_or_scan_directory_and_all_of_it_is_reported() {
    needs!(root);
    let volume = Volume::new("nothing");
    let scratch = support::Scratch::of_root("nothing");
    let config = scratch.write("futo.toml", "user = 'nobody-at-all'\ndelegate = 'no-group'\n", 0o644);
    let options =
        ["--config", &config.display().to_string(), "--home", "/does/not/exist", "--scan-dir", "/nor/this"];
    let ran = volume.reconcile(&options);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    for said in ["no user 'nobody-at-all'", "no group 'no-group'", "'/does'", "'/nor'"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    for options in [&["--preset", "zeus"][..], &["--prun"], &["more"]] {
        assert_eq!(volume.reconcile(options).code, 100, "{options:?}");
    }
    std::os::unix::fs::lchown(volume.scan(""), Some(54321), None).expect("somebody's");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("can be written by others than root"), "{}", ran.stderr);
}

#[test]
fn a_directory_of_somebody_else_is_not_touched() {
    needs!(root);
    let volume = Volume::new("foreign");
    volume.profile_in("coder", "running");
    volume.profile_in("zeta", "running");
    fs::create_dir(volume.scan("gateway-coder")).expect("a directory");
    fs::write(volume.scan("gateway-coder/run"), "#!/bin/sh\n").expect("written");
    symlink("/config/s6-services/x", volume.scan("gateway-zeta")).expect("a link");
    let before = snapshot(&volume.scan(""));
    let ran = volume.reconcile(&["--prune"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("'gateway-coder' is in the scan directory already, and was not made by futo")
    );
    assert!(ran.stderr.contains("is a symbolic link to '/config/s6-services/x'"), "{}", ran.stderr);
    assert!(ran.stdout.contains("profile=coder prior_state=running action=failed"));
    let after = snapshot(&volume.scan(""));
    assert!(
        before
            .iter()
            .all(|line| after.contains(line) || line.starts_with(&volume.scan(" ").display().to_string()))
    );
}

#[test]
fn a_stale_staging_directory_is_cleaned_and_what_has_gone_is_pruned_only_when_asked() {
    needs!(root);
    let volume = Volume::new("prune");
    let coder = volume.profile_in("coder", "running");
    volume.reconcile(&[]);
    fs::create_dir_all(volume.scan(".futo-new-gateway-x/log/supervise")).expect("left");
    fs::create_dir_all(volume.scan(".futo-gone-gateway-y/event")).expect("left");
    fs::create_dir(volume.scan("not-ours")).expect("a directory");
    fs::remove_dir_all(&coder).expect("removed");
    volume.reconcile(&[]);
    for gone in [".futo-new-gateway-x", ".futo-gone-gateway-y"] {
        assert!(!volume.scan(gone).exists(), "{gone}");
    }
    assert!(volume.scan("gateway-coder").exists());
    let dry = volume.reconcile(&["--prune", "--dry-run"]);
    assert!(
        dry.stdout.ends_with("reconcile: profile=coder prior_state=None action=pruned\n"),
        "{}",
        dry.stdout
    );
    assert!(volume.scan("gateway-coder").exists());
    let ran = volume.reconcile(&["--prune"]);
    assert_eq!((ran.stdout, ran.code), (dry.stdout, 0));
    assert!(!volume.scan("gateway-coder").exists());
    assert!(volume.scan("not-ours").exists() && volume.scan("gateway-default").exists());
}

#[test]
fn a_profile_that_cannot_be_looked_at_keeps_its_service() {
    needs!(root);
    let volume = Volume::new("keeps");
    let coder = volume.profile_in("coder", "running");
    volume.reconcile(&[]);
    set_mode(&coder, 0o600);
    assert_eq!(volume.reconcile(&["--prune"]).code, 1, "it cannot be told whether there is a SOUL.md");
    assert!(volume.scan("gateway-coder/run").exists());
    std::os::unix::fs::lchown(&coder, Some(0), Some(0)).expect("root's");
    set_mode(&coder, 0o700);
    assert_eq!(volume.reconcile(&["--prune"]).code, 0, "it is somebody else's by now");
    assert!(volume.scan("gateway-coder/run").exists());
    std::os::unix::fs::lchown(volume.home("profiles"), Some(0), Some(0)).expect("root's");
    set_mode(volume.home("profiles"), 0o700);
    let ran = volume.reconcile(&["--prune"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("unable to open directory 'profiles': permission denied"), "{}", ran.stderr);
    assert!(volume.scan("gateway-coder/run").exists());
}

#[test]
fn a_plain_user_reconciles_for_himself() {
    needs!(root);
    let volume = Volume::new("plain");
    volume.profile_in("coder", "running");
    own_by_hermes(&volume.scan(""));
    let mut command = volume.command(&[]);
    command.uid(HERMES).gid(HERMES);
    let ran = Ran::of(&finish(&mut command));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(rights(&volume.scan("gateway-coder/run")), "0755 10000:10000");
    assert_eq!(volume.boot_log().lines().count(), 2);
}
