//! Boot reconciliation, in milliseconds from fork to exit: fresh on an empty tmpfs, and again where
//! nothing has changed; beside a C program that makes just the needed system calls, and Python.

mod support;

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use futo_launch::boot::quota::MAX_INSTANCES;
use support::{PATH, compile, option, quantile};

/// hermes, as tests/accounts has it.
const HERMES: u32 = 10000;

struct Ground {
    directory: PathBuf,
}

impl Ground {
    fn set_up() -> Ground {
        // a launcher below /tmp, where anybody can make files, would not be published
        let directory = PathBuf::from(format!("/run/futo-bench-boot-{}", std::process::id()));
        for name in ["scan", "home"] {
            fs::create_dir_all(directory.join(name)).expect("a scratch directory");
        }
        compile(&directory, "reconcile", "reconcile", &[]);
        for program in [env!("CARGO_BIN_EXE_futo"), env!("CARGO_BIN_EXE_futo-launch")] {
            let name = Path::new(program).file_name().expect("a name");
            fs::copy(program, directory.join(name)).expect("the program");
        }
        Ground { directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// A home with so many profiles, half of them running.
    fn make_home(&self, profiles: usize) {
        let home = self.directory.join("home");
        self.mount("home");
        fs::create_dir(home.join("profiles")).expect("a home");
        for number in 0..profiles {
            let profile = home.join(format!("profiles/agent{number:05}"));
            fs::create_dir(&profile).expect("a profile");
            fs::write(profile.join("SOUL.md"), "# soul\n").expect("written");
            let state = if number % 2 == 0 { "running" } else { "stopped" };
            let text = format!(
                "{{\"pid\": {number}, \"gateway_state\": \"{state}\", \"updated_at\": \"2026-05-01T00:00:00Z\"}}"
            );
            fs::write(profile.join("gateway_state.json"), text).expect("written");
            lchown(&profile, Some(HERMES), Some(HERMES)).expect("root");
        }
        for path in [home.join("profiles"), home] {
            lchown(path, Some(HERMES), Some(HERMES)).expect("root");
        }
    }

    fn empty_scan(&self) {
        self.mount("scan");
    }

    /// An empty tmpfs in place of the one before.
    fn mount(&self, name: &str) {
        let place = self.directory.join(name);
        let _ = Command::new("umount").arg(&place).stderr(Stdio::null()).status();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "mode=0755", "tmpfs"]).arg(&place).status();
        assert!(mounted.expect("mount starts").success(), "a tmpfs");
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env("PATH", PATH).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("HERMES_HOME", self.path("home")).env("S6_PROFILE_GATEWAY_SCANDIR", self.path("scan"));
        command
    }

    fn run(&self, words: &[String]) -> f64 {
        let mut command = self.command(words);
        let start = Instant::now();
        let status = command.status().expect("it starts");
        let time = start.elapsed().as_secs_f64() * 1e3;
        assert!(status.success(), "{words:?}");
        time
    }

    /// In MB, of one run: the last that was seen before it ended.
    fn peak_memory(&self, words: &[String]) -> f64 {
        let mut child = self.command(words).spawn().expect("it starts");
        let mut peak = 0.0;
        while child.try_wait().expect("waited").is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<f64>().ok());
            peak = kilobytes.unwrap_or(peak);
        }
        peak / 1024.0
    }

    /// What the trees have in common: every file but links, with its mode and text.
    fn tree(&self) -> Vec<String> {
        let output = Command::new("sh")
            .arg("-c")
            .arg("find . -mindepth 1 ! -name .futo-lock -printf '%p %m %g %s\\n' | sort; cat gateway-*/run | cksum")
            .current_dir(self.directory.join("scan"))
            .output()
            .expect("find");
        String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for name in ["scan", "home"] {
            let _ = Command::new("umount").arg(self.directory.join(name)).status();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn main() {
    let rounds = option("-n", 11);
    let ground = Ground::set_up();
    let (home, scan) = (ground.path("home"), ground.path("scan"));
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/python/reconcile.py");
    let numbers = [HERMES.to_string(), HERMES.to_string()];
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let floor = words(&[&ground.path("reconcile"), &home, &scan, &numbers[0], &ground.path("futo-launch")]);
    let ours = words(&[&ground.path("futo"), "reconcile", "--preset", "hermes"]);
    let python = words(&["python3", &python.display().to_string(), &home, &scan, &numbers[0], &numbers[1]]);

    println!(
        "{:<10} {:>9} {:>9} {:>7} {:>9} {:>7} {:>10} {:>9} {:>7} {:>9}",
        "instances", "C", "futo", "ratio", "Python", "ratio", "again: futo", "Python", "ratio", "MB"
    );
    // with the home itself as many as are published
    for profiles in [10, 100, MAX_INSTANCES - 1] {
        ground.make_home(profiles);
        ground.empty_scan();
        let memory = ground.peak_memory(&ours);
        let tree = ground.tree();
        ground.empty_scan();
        ground.run(&floor);
        assert_eq!(ground.tree(), tree, "the same tree");

        let mut times: [Vec<f64>; 5] = Default::default();
        for _ in 0..rounds {
            ground.empty_scan();
            times[0].push(ground.run(&floor));
            ground.empty_scan();
            times[1].push(ground.run(&ours));
            times[3].push(ground.run(&ours));
            ground.empty_scan();
            times[2].push(ground.run(&python));
            times[4].push(ground.run(&python));
        }
        let [floor, ours, python, again, python_again] = times.map(|mut times| quantile(&mut times, 0.5));
        println!(
            "{profiles:<10} {floor:>9.2} {ours:>9.2} {:>7.2} {python:>9.2} {:>7.2} {again:>10.2} {python_again:>9.2} {:>7.2} {:>9.1}",
            ours / floor,
            python / ours,
            python_again / again,
            memory
        );
    }
}
