//! The gateways of hermes under a real s6-svscan: at boot, after a restart, and as profiles come and go.

mod profiles;
mod scan_directory;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use support::boot::{Ran, Volume};
use support::launching::finish;
use support::{PATIENCE, Scratch, Svscan, eventually, read, set_mode, signal, stderr, stdout};

const STAND_IN: &str = include_str!("../hermes/hermes");

/// A container: a volume, a scan directory with root's s6-svscan on it, and the stand-in for hermes.
struct Container {
    // stopped before its directory is removed
    svscan: Svscan,
    watcher: Option<Child>,
    volume: Volume,
    roots: Scratch,
    scan: PathBuf,
}

impl Container {
    fn new(name: &str) -> Container {
        Container::on(name, Volume::new(name))
    }

    fn on(name: &str, volume: Volume) -> Container {
        let scan = volume.scan("");
        Container {
            svscan: Svscan::on_directory(name, &scan, &[]),
            watcher: None,
            roots: roots(name, &scan),
            scan,
            volume,
        }
    }

    fn command(&self, options: &[&str]) -> Command {
        let config = self.roots.join("futo.toml").display().to_string();
        let scan = self.scan.display().to_string();
        let mut all = vec!["--config", &config, "--scan-dir", &scan];
        all.extend(options);
        self.volume.command(&all)
    }

    fn reconcile(&self, options: &[&str]) -> Ran {
        Ran::of(&finish(&mut self.command(options)))
    }

    fn watch(&mut self) {
        let out = |file: &str| fs::File::create(self.roots.join(file)).expect("a file");
        let mut command = self.command(&["--watch"]);
        command.stdin(Stdio::null()).stdout(out("stdout")).stderr(out("stderr"));
        self.watcher = Some(command.spawn().expect("it starts"));
        eventually("the first pass", || self.said().contains("profile=default").then_some(()));
    }

    fn said(&self) -> String {
        read(self.roots.join("stdout")) + &read(self.roots.join("stderr"))
    }

    /// Something that hermes types; gives what it says.
    fn hermes(&self, words: &str) -> String {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=hermes", "--regid=hermes", "--init-groups", "--", "sh", "-c", words])
            .env_clear()
            .env("PATH", format!("{}:{}", self.roots.join("venv/bin").display(), support::launching::PATH))
            .env("HERMES_HOME", self.volume.home(""))
            .current_dir("/");
        let output = finish(&mut command);
        stdout(&output) + &stderr(&output)
    }

    fn is_up(&self, service: &str) -> bool {
        self.svscan.svstat("up", service) == ["true"]
    }

    /// It happens soon: within two seconds, where the machine is not busy.
    fn soon(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < PATIENCE, "never: {what}; {}{}", self.said(), self.listing());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes a desired state as another container would, and waits until it is so; gives how long that took.
    fn desire(&self, profile: &str, desired: &str) -> Duration {
        let start = Instant::now();
        let path = format!("profiles/{profile}/gateway_state.json");
        self.volume.write(&path, format!("{{\"desired_state\": \"{desired}\"}}"));
        let runs = desired == "running";
        self.soon(desired, || self.is_up(&format!("gateway-{profile}")) == runs);
        let took = start.elapsed();
        // what its process writes at its beginning does not come after the next one
        self.soon("written", || !runs || read(self.volume.home(&path)).contains("gateway_state"));
        took
    }

    /// All names on the volume and in the scan directory, for messages.
    fn listing(&self) -> String {
        let mut find = Command::new("find");
        stdout(&finish(find.arg(self.volume.home("profiles")).arg(&self.scan).args([
            "-maxdepth",
            "2",
            "-ls",
        ])))
    }

    fn starts(&self, profile: &str) -> String {
        let directory = if profile == "default" { String::new() } else { format!("profiles/{profile}/") };
        fs::read_to_string(self.volume.home(format!("{directory}starts"))).unwrap_or_default()
    }

    fn stop_watching(&mut self) -> Option<i32> {
        let mut watcher = self.watcher.take()?;
        signal(watcher.id().cast_signed(), Signal::SIGTERM);
        eventually("the watcher ends", || watcher.try_wait().expect("waited")).code()
    }

    /// The end of the container and its next start, on an empty scan directory.
    fn restart(&mut self, name: &str) {
        self.stop_watching();
        self.svscan.stop();
        fs::remove_dir_all(&self.scan).expect("removed");
        fs::create_dir(&self.scan).expect("a scan directory");
        self.svscan = Svscan::on_directory(name, &self.scan, &[]);
    }

    /// Root has it again, and what s6-svscan keeps in it: what an admin may do by hand.
    fn take_back(&self) {
        let words = "chown -h root:root . .s6-svscan .s6-svscan/*; chmod go-w . .s6-svscan";
        let status = Command::new("sh").args(["-c", words]).current_dir(&self.scan).status();
        assert!(status.expect("sh starts").success());
    }

    /// Every command that publishes.
    fn all_commands(&self) -> [(&'static str, Ran); 4] {
        let empty = self.roots.join("definitions");
        fs::create_dir_all(&empty).expect("made");
        let futo = |words: &[&str]| {
            let mut command = Command::new(self.volume.scratch.futo());
            command.args(words).arg("--from").arg(&empty).arg("--scan-dir").arg(&self.scan);
            Ran::of(&finish(&mut command))
        };
        [
            ("reconcile", self.reconcile(&[])),
            ("reconcile --dry-run", self.reconcile(&["--dry-run"])),
            ("sync", futo(&["sync"])),
            ("sync --dry-run", futo(&["sync", "--dry-run"])),
        ]
    }

    /// All of them refuse, name this, and change nothing.
    fn refuses(&self, what: &str, said: &str) {
        let before = self.names();
        for (command, ran) in self.all_commands() {
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{what}: {command}: {}", ran.stderr);
            assert!(ran.stderr.contains(said), "{what}: {command}: {}", ran.stderr);
            let hint = "hint: remove the line of the init hook that changes its owner";
            assert!(ran.stderr.contains(hint), "{what}: {command}: {}", ran.stderr);
        }
        assert_eq!(self.names(), before, "{what}");
    }

    /// The names in it, with owner and mode; without the lock, which root makes.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.scan).expect("listed").map(|entry| entry.expect("an entry"));
        let mut names: Vec<String> = entries
            .filter(|entry| entry.file_name() != ".futo-lock")
            .map(|entry| {
                let status = fs::symlink_metadata(entry.path()).expect("it");
                format!("{:?} {} {:o}", entry.file_name(), status.uid(), status.mode())
            })
            .collect();
        let own = fs::metadata(&self.scan).expect("it");
        names.push(format!(". {} {:o}", own.uid(), own.mode()));
        names.sort_unstable();
        names
    }

    /// What the image's own hook does first.
    fn give_away(&self) {
        let status = Command::new("chown").arg("-R").arg("hermes:hermes").arg(&self.scan).status();
        assert!(status.expect("chown starts").success());
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            let _ = watcher.kill();
            let _ = watcher.wait();
        }
    }
}

/// The program, and a configuration that names it, of root's.
fn roots(name: &str, scan: &std::path::Path) -> Scratch {
    let roots = Scratch::of_root(name);
    set_mode(roots.join(""), 0o755);
    roots.write("venv/bin/hermes", &STAND_IN.replace("@SCAN@", &scan.display().to_string()), 0o755);
    roots.write("futo.toml", &format!("venv = '{}'\n", roots.join("venv").display()), 0o644);
    roots
}

const RUNNING: &str = "{\"gateway_state\": \"running\"}";
