//! What root's commands for people do with definitions, processes and files of abc's: never with more rights than abc
//! has.

#[path = "../support/mod.rs"]
mod support;

mod denial_of_service;
mod output;
mod places;
mod rights;
mod secrets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::launching::finish;
use support::{Scratch, own_by_abc, printed, set_mode, write};

/// What only root may read.
const SECRET: &str = "hunter2";

/// Definitions that abc can write, and secrets of root's.
struct Scene {
    scratch: Scratch,
    definitions: PathBuf,
    secrets: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let scratch = Scratch::of_root(name);
        let definitions = scratch.directory_of_abc("definitions");
        fs::create_dir(scratch.join("scan")).expect("a directory");
        let secrets = scratch.join("secrets");
        fs::create_dir(&secrets).expect("a directory");
        set_mode(&secrets, 0o700);
        Scene { definitions, secrets, scratch }
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.secrets.join(name);
        write(&path, text, 0o600);
        path
    }

    /// A definition of abc's; `LAUNCHER` in it is the launcher.
    fn define(&self, name: &str, run: &str) -> PathBuf {
        let directory = self.definitions.join(name);
        fs::create_dir_all(&directory).expect("a directory");
        own_by_abc(&directory);
        let run = run.replace("LAUNCHER", &self.scratch.launcher().display().to_string());
        let path = directory.join("run");
        write(&path, &run, 0o755);
        own_by_abc(&path);
        directory
    }

    fn futo(&self, words: &[&str]) -> Output {
        self.futo_in(Path::new("/"), words)
    }

    fn futo_in(&self, directory: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(self.scratch.futo());
        command.args(words).arg("--from").arg(&self.definitions);
        command.arg("--scan-dir").arg(self.scratch.join("scan")).current_dir(directory);
        finish(&mut command)
    }

    /// All that a command says of a service.
    fn said(&self, words: &[&str]) -> String {
        printed(&self.futo(words))
    }
}

/// The two forms of a run script with these options.
fn forms(option: &str, key: &str, program: &str) -> [(&'static str, String); 2] {
    [
        ("line", format!("#!/bin/sh\nexec LAUNCHER {option} -- {program}\n")),
        ("file", format!("#!LAUNCHER --file\n{key}\nexec = [\"{program}\"]\n")),
    ]
}
