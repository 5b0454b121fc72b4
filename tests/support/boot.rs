//! A volume, a scan directory and `futo` between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::launching::{code, finish};
use super::{Scratch, own_by_hermes, read, stderr, stdout};

/// What a run of `futo` came to.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: &Output) -> Ran {
        Ran { code: code(output), stdout: stdout(output), stderr: stderr(output) }
    }

    /// The report of `--json`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// What was done with a service, of `--json`.
    pub fn change(&self, service: &str) -> String {
        let json = self.json();
        let services = json["services"].as_array().expect("services");
        let row = services.iter().find(|row| row["service"] == service).expect("a row");
        row["change"].as_str().unwrap_or("null").to_string()
    }
}

/// The home of hermes' profiles, and a scan directory: `home/` and `scan/` of a scratch directory.
pub struct Volume {
    pub scratch: Scratch,
}

impl Volume {
    pub fn new(name: &str) -> Volume {
        // root publishes only a launcher that nobody else can replace
        let volume = Volume { scratch: Scratch::of_root(name) };
        fs::create_dir(volume.scan("")).expect("the scan directory");
        volume.make("");
        volume.make("profiles");
        volume
    }

    /// A path below the home.
    pub fn home(&self, path: impl AsRef<Path>) -> PathBuf {
        self.scratch.join("home").join(path)
    }

    /// A path below the scan directory.
    pub fn scan(&self, path: impl AsRef<Path>) -> PathBuf {
        self.scratch.join("scan").join(path)
    }

    /// A directory of hermes' below the home.
    pub fn make(&self, path: &str) -> PathBuf {
        let path = self.home(path);
        fs::create_dir_all(&path).expect("a directory");
        own_by_hermes(&path);
        path
    }

    /// A file of hermes' below the home.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home(path);
        fs::write(&path, text).expect("written");
        own_by_hermes(&path);
        path
    }

    /// A profile with this state file.
    pub fn profile(&self, name: &str, state: impl AsRef<[u8]>) -> PathBuf {
        let directory = self.bare_profile(name);
        self.write(&format!("profiles/{name}/gateway_state.json"), state);
        directory
    }

    /// A profile that was in this state.
    pub fn profile_in(&self, name: &str, state: &str) -> PathBuf {
        self.profile(name, format!("{{\"gateway_state\": \"{state}\", \"pid\": 5}}"))
    }

    /// A profile without a state.
    pub fn bare_profile(&self, name: &str) -> PathBuf {
        let directory = self.make(&format!("profiles/{name}"));
        self.write(&format!("profiles/{name}/SOUL.md"), "# soul\n");
        directory
    }

    /// The command, as the hook would execute it.
    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(self.scratch.futo());
        command
            .args(["reconcile", "--preset", "hermes"])
            .args(options)
            .env_clear()
            .env("PATH", super::launching::PATH)
            .env("HERMES_HOME", self.home(""))
            .env("S6_PROFILE_GATEWAY_SCANDIR", self.scan(""));
        command
    }

    pub fn reconcile(&self, options: &[&str]) -> Ran {
        Ran::of(&finish(&mut self.command(options)))
    }

    /// Another program that executes the words it is given: `PREFIX… futo reconcile …`
    pub fn reconcile_through(&self, prefix: &[&str], options: &[&str]) -> Ran {
        let ours = self.command(options);
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).arg(ours.get_program()).args(ours.get_args()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran::of(&finish(&mut command))
    }

    pub fn boot_log(&self) -> String {
        read(self.home("logs/container-boot.log"))
    }

    /// Whether the service would be started.
    pub fn starts(&self, service: &str) -> bool {
        assert!(self.scan(service).join("run").exists(), "{service} is published");
        !self.scan(service).join("down").exists()
    }
}

/// Definitions of abc's and of root's, and a scan directory.
pub struct Definitions {
    /// Root's all the way up: `roots/` holds root's definitions, `scan/` is the scan directory.
    pub scratch: Scratch,
    /// `services/` is abc's.
    pub volume: Scratch,
}

impl Definitions {
    pub fn new(name: &str) -> Definitions {
        let definitions =
            Definitions { scratch: Scratch::of_root(name), volume: Scratch::new(&format!("{name}-volume")) };
        for directory in ["scan", "roots"] {
            fs::create_dir(definitions.scratch.join(directory)).expect("a directory");
        }
        definitions.volume.directory_of_abc("services");
        definitions
    }

    /// A path below the scan directory.
    pub fn scan(&self, path: impl AsRef<Path>) -> PathBuf {
        self.scratch.join("scan").join(path)
    }

    /// A path below abc's definitions.
    pub fn abcs(&self, path: impl AsRef<Path>) -> PathBuf {
        self.volume.join("services").join(path)
    }

    /// A path below root's definitions.
    pub fn roots(&self, path: impl AsRef<Path>) -> PathBuf {
        self.scratch.join("roots").join(path)
    }

    /// Writes a file of one of abc's definitions; what is executed gets mode 0755.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.abcs(path);
        self.write_at(&path, text);
        for each in path.ancestors().take_while(|each| *each != self.abcs("").as_path()) {
            super::own_by_abc(each);
        }
        path
    }

    /// The same of root's.
    pub fn write_roots(&self, path: &str, text: &str) -> PathBuf {
        let path = self.roots(path);
        self.write_at(&path, text);
        path
    }

    fn write_at(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        let is_script = matches!(path.file_name().and_then(|name| name.to_str()), Some("run" | "finish"));
        super::write(path, text, if is_script { 0o755 } else { 0o644 });
    }

    /// A definition of abc's of one line.
    pub fn line(&self, name: &str, words: &str) -> PathBuf {
        self.write(&format!("{name}/run"), &format!("#!/bin/sh\nexec futo-launch {words}\n"))
    }

    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(self.scratch.futo());
        command.arg("sync");
        for (option, path) in
            [("--from", self.roots("")), ("--from", self.abcs("")), ("--scan-dir", self.scan(""))]
        {
            command.arg(option).arg(path);
        }
        command.args(options).env_clear().env("PATH", super::launching::PATH);
        command
    }

    pub fn sync(&self, options: &[&str]) -> Ran {
        Ran::of(&finish(&mut self.command(options)))
    }
}
