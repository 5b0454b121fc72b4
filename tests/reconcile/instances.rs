//! Systems of instances that a configuration describes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::boot::{Ran, Volume};
use crate::support::launching::finish;
use crate::support::{needs, read, rights, set_mode};

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
    assert!(ran.stderr.starts_with("futo: warning: 'lost+found' is skipped: its name does not match"));
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
    assert!(
        ran.code == 1 && ran.stderr.contains("'x-a' already exists in the scan directory"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_config_that_others_than_root_can_write_is_refused() {
    needs!(root);
    let volume = Volume::new("config");
    let config = volume.write("futo.toml", "user = 'root'\n");
    let ran = volume.reconcile(&["--config", &config.display().to_string()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("not allowed in a file writable by non-root users"), "{}", ran.stderr);
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
    assert!(ran.stderr.contains("is writable by non-root users"), "{}", ran.stderr);
}
