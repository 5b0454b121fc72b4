//! The state of a profile, and what hostile files on the volume come to.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;

use crate::support;
use crate::support::boot::Volume;
use crate::support::{needs, read, set_mode};

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
        ("Bad", "Bad: its name does not match [a-z0-9][a-z0-9_-]*"),
        ("a.b", "a.b: its name does not"),
        ("-x", "-x: its name does not"),
        ("with\\u{20}space", "with space: its name does not"),
        ("new\\nline", "new\\nline: its name does not"),
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
