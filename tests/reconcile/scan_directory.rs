//! What is left alone, cleaned and pruned in a scan directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;

use crate::support::boot::{Ran, Volume};
use crate::support::launching::finish;
use crate::support::{HERMES, needs, own_by_hermes, rights, snapshot};

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
        ran.stderr
            .contains("'gateway-coder' already exists in the scan directory and was not created by futo")
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
