//! Killed, or refused by the system, at every step that changes something: each service is entirely old or
//! entirely new, what failed is named, all others go on, and the next run repairs the rest.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use futo_launch::service::layout;
use support::boot::{Ran, Volume};
use support::{Scratch, needs, read, unmount};

/// The system calls that change something, and those that open.
const STEPS: &str = "openat,write,mkdirat,symlinkat,linkat,renameat,renameat2,unlinkat,mknodat,fchownat,fchmodat,\
                     flock";
const SERVICES: [&str; 2] = ["gateway-a", "gateway-default"];

/// What a supervisor would see of a service: the files behind the names, executable or not.
type Seen = BTreeMap<&'static str, (String, bool)>;

fn seen(service: &Path) -> Option<Seen> {
    use std::os::unix::fs::PermissionsExt;
    if !service.exists() {
        return None;
    }
    let file = |name: &&'static str| {
        let path = service.join(name);
        let mode = fs::metadata(&path).ok()?.permissions().mode();
        Some((*name, (read(&path), mode & 0o111 != 0)))
    };
    Some(layout::FILES.iter().filter_map(file).collect())
}

fn all_seen(volume: &Volume) -> Vec<Option<Seen>> {
    SERVICES.map(|service| seen(&volume.scan(service))).to_vec()
}

/// Where a scenario begins, and the run that is disturbed.
struct Scenario {
    volume: Volume,
    roots: Scratch,
    options: Vec<String>,
    old: Vec<Option<Seen>>,
    new: Vec<Option<Seen>>,
}

impl Scenario {
    /// Runs `prepare`, keeps the scan directory as it is then, and makes the last run once undisturbed.
    fn new(name: &str, prepare: impl Fn(&Scenario)) -> Scenario {
        let volume = Volume::new(name);
        let roots = Scratch::of_root(name);
        let mut scenario = Scenario { volume, roots, options: Vec::new(), old: Vec::new(), new: Vec::new() };
        scenario.volume.profile_in("a", "running");
        prepare(&scenario);
        scenario.old = all_seen(&scenario.volume);
        scenario.copy("scan", "scan.old");
        // every file of a service is another, some come, some go
        scenario.volume.profile_in("a", "stopped");
        scenario.options = scenario.with("[5]", "/other");
        assert_eq!(scenario.run(&[]).code, 0);
        scenario.new = all_seen(&scenario.volume);
        assert!(scenario.old.iter().zip(&scenario.new).all(|(old, new)| new.is_some() && old != new));
        scenario
    }

    /// The options for a configuration.
    fn with(&self, no_restart: &str, venv: &str) -> Vec<String> {
        let config = self.roots.write(
            format!("{}.toml", venv.replace('/', "")),
            // how many processes there are is not to count
            &format!("no-restart = {no_restart}\nvenv = '{venv}'\ncontainer-command = {{}}\n"),
            0o644,
        );
        vec!["--config".to_string(), config.display().to_string()]
    }

    fn copy(&self, from: &str, to: &str) {
        let to = self.volume.scratch.join(to);
        let _ = fs::remove_dir_all(&to);
        let copied = Command::new("cp").arg("-a").args([&self.volume.scratch.join(from), &to]).status();
        assert!(copied.expect("cp starts").success());
    }

    fn run(&self, prefix: &[&str]) -> Ran {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        match prefix {
            [] => self.volume.reconcile(&options),
            _ => self.volume.reconcile_through(prefix, &options),
        }
    }

    /// How often each system call is made by the run.
    fn steps(&self) -> BTreeMap<String, usize> {
        self.copy("scan.old", "scan");
        let trace = self.volume.scratch.join("trace").display().to_string();
        let traced = self.run(&["strace", "-o", &trace, "-e", &format!("trace={STEPS}")]);
        assert_eq!(traced.code, 0, "{}", traced.stderr);
        let mut steps = BTreeMap::new();
        for line in read(&trace).lines().filter(|line| line.contains('(')) {
            *steps.entry(line.split('(').next().expect("a name").to_string()).or_default() += 1;
        }
        assert!(steps["openat"] > 10 && steps["write"] >= 10 && steps["renameat"] >= 2, "{steps:?}");
        steps
    }

    /// Disturbs the run at every step; `check` sees what came of it.
    fn disturb(&self, tamper: impl Fn(usize) -> String, check: impl Fn(&str, &Ran)) {
        let mut disturbed = 0;
        for (step, count) in self.steps() {
            for number in 1..=count {
                self.copy("scan.old", "scan");
                let inject = format!("inject={step}:{}:when={number}", tamper(disturbed));
                let ran =
                    self.run(&["strace", "-o", "/dev/null", "-e", &format!("trace={step}"), "-e", &inject]);
                disturbed += 1;
                for (index, seen) in all_seen(&self.volume).into_iter().enumerate() {
                    assert!(
                        seen == self.old[index] || seen == self.new[index],
                        "{inject}: {} is neither old nor new: {seen:#?}\nold {:#?}\nnew {:#?}",
                        SERVICES[index],
                        self.old[index],
                        self.new[index]
                    );
                }
                check(&inject, &ran);
                let next = self.run(&[]);
                assert_eq!(next.code, 0, "{inject}: {}", next.stderr);
                assert_eq!(all_seen(&self.volume), self.new, "{inject}: the next run repairs it");
                self.assert_nothing_is_left(&inject);
            }
        }
        assert!(disturbed > 40, "{disturbed}");
    }

    fn assert_nothing_is_left(&self, inject: &str) {
        let mut todo = vec![self.volume.scan("")];
        while let Some(directory) = todo.pop() {
            let current = fs::read_link(directory.join(".cur")).ok();
            for entry in fs::read_dir(&directory).expect("listed") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                let is_left = name.starts_with(".futo-new-")
                    || name.ends_with(".new")
                    || (name.starts_with(".gen-") && current.as_deref() != Some(Path::new(&name)));
                assert!(!is_left, "{inject}: {} is left", path.display());
                if path.is_dir() && !path.is_symlink() {
                    todo.push(path);
                }
            }
        }
    }

    fn count_new(&self) -> usize {
        all_seen(&self.volume).iter().zip(&self.new).filter(|(seen, new)| seen == new).count()
    }
}

fn fresh(name: &str) -> Scenario {
    Scenario::new(name, |_| {})
}

fn first_update(name: &str) -> Scenario {
    Scenario::new(name, |scenario| {
        let options = scenario.with("[0]", "/one");
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        assert_eq!(scenario.volume.reconcile(&options).code, 0);
    })
}

fn second_update(name: &str) -> Scenario {
    Scenario::new(name, |scenario| {
        for (codes, venv) in [("[0]", "/zero"), ("[]", "/one")] {
            let options = scenario.with(codes, venv);
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            assert_eq!(scenario.volume.reconcile(&options).code, 0);
        }
    })
}

fn killed(scenario: &Scenario) {
    scenario.disturb(|_| "signal=KILL".to_string(), |inject, ran| assert_eq!(ran.code, 137, "{inject}"));
}

#[test]
fn killed_at_every_step_of_publishing() {
    needs!(root, "strace");
    killed(&fresh("kill-fresh"));
}

#[test]
fn killed_at_every_step_of_the_first_update() {
    needs!(root, "strace");
    killed(&first_update("kill-first"));
}

#[test]
fn killed_at_every_step_of_a_later_update() {
    needs!(root, "strace");
    killed(&second_update("kill-second"));
}

fn refused(scenario: &Scenario) {
    let errors = ["ENOSPC", "EACCES", "EROFS", "ENOTDIR", "EIO"];
    scenario.disturb(
        |number| format!("error={}", errors[number % errors.len()]),
        |inject, ran| match ran.code {
            // where nothing depended on it: a close, a line to s6-svscan
            0 => assert_eq!(scenario.count_new(), SERVICES.len(), "{inject}"),
            1 => {
                assert!(scenario.count_new() >= SERVICES.len() - 1, "{inject}: others go on: {}", ran.stderr);
                assert!(ran.stderr.contains("futo: fatal: "), "{inject}: {}", ran.stderr);
            }
            2 => assert!(ran.stderr.contains("futo: fatal: "), "{inject}: {}", ran.stderr),
            code => panic!("{inject}: {code}: {}", ran.stderr),
        },
    );
}

#[test]
fn refused_at_every_step_of_publishing() {
    needs!(root, "strace");
    refused(&fresh("refuse-fresh"));
}

#[test]
fn refused_at_every_step_of_the_first_update() {
    needs!(root, "strace");
    refused(&first_update("refuse-first"));
}

#[test]
fn refused_at_every_step_of_a_later_update() {
    needs!(root, "strace");
    refused(&second_update("refuse-second"));
}

fn mount(arguments: &[&str], target: &Path) {
    let status = Command::new("mount").args(arguments).arg(target).status();
    assert!(status.expect("mount starts").success(), "{arguments:?}");
}

#[test]
fn a_full_scan_directory_is_named_and_what_fits_is_there() {
    needs!(root, "strace");
    let volume = Volume::new("full");
    for profile in ["a", "b", "c", "d"] {
        volume.profile_in(profile, "running");
    }
    // room for some of the services
    mount(&["-t", "tmpfs", "-o", "mode=0755,nr_inodes=32", "tmpfs"], &volume.scan(""));
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no space left on device"), "{}", ran.stderr);
    assert!(volume.scan("gateway-default/run").exists());
    assert!(ran.stdout.contains("profile=d prior_state=running action=failed"), "{}", ran.stdout);
    let there = fs::read_dir(volume.scan("")).expect("listed").count();
    assert!(ran.stdout.lines().filter(|line| !line.ends_with("failed")).count() == there - 1, "and the lock");
    mount(&["-o", "remount,nr_inodes=1000"], &volume.scan(""));
    assert_eq!(volume.reconcile(&[]).code, 0);
    assert!(volume.starts("gateway-d"));
    unmount(&volume.scan(""));
}

#[test]
fn a_scan_directory_that_cannot_be_written_is_named() {
    needs!(root, "strace");
    let volume = Volume::new("read-only");
    let scan = volume.scan("");
    mount(&["--bind", &scan.display().to_string()], &scan);
    mount(&["-o", "remount,bind,ro"], &scan);
    let ran = volume.reconcile(&[]);
    unmount(&scan);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("read-only file system"), "{}", ran.stderr);
    let scan = volume.scratch.join("scan");
    fs::remove_dir_all(&scan).expect("removed");
    fs::write(&scan, "a file").expect("written");
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is a file, not a directory"), "{}", ran.stderr);
}

#[test]
fn many_at_once_wait_for_each_other() {
    needs!(root, "strace");
    let volume = Volume::new("at-once");
    for number in 0..20 {
        volume.profile_in(&format!("p{number}"), if number % 2 == 0 { "running" } else { "stopped" });
    }
    volume.scratch.futo();
    for _ in 0..5 {
        let children: Vec<_> = (0..8)
            .map(|number| {
                let options: &[&str] = if number % 2 == 0 { &["--no-start"] } else { &[] };
                let mut command = volume.command(options);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
                command.spawn().expect("it starts")
            })
            .collect();
        for child in children {
            let ran = Ran::of(&child.wait_with_output().expect("waited"));
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
    }
    assert_eq!(volume.reconcile(&[]).code, 0);
    assert_eq!(volume.reconcile(&["--json"]).change("gateway-p0"), "unchanged");
    assert!(volume.starts("gateway-p0") && !volume.starts("gateway-p1"));
}

#[test]
fn a_lock_that_a_user_holds_on_the_scan_directory_delays_nothing() {
    needs!(root, "strace");
    let volume = Volume::new("held");
    let scan = volume.scan("").display().to_string();
    let mut holder = Command::new("setpriv")
        .args([
            "--reuid=abc",
            "--regid=abc",
            "--clear-groups",
            "flock",
            &scan,
            "sh",
            "-c",
            "echo held; exec sleep 30",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().expect("a pipe"), &mut line).expect("it holds the lock");
    assert_eq!(volume.reconcile(&[]).code, 0);
    holder.kill().expect("killed");
    holder.wait().expect("waited");
}
