//! Where the worker's variables come from, and which wins; beside s6-envdir, chpst and with-contenv.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod container;
mod dotenv;
mod env_dir;
mod optional;
mod precedence;
mod secret;
mod trust;
mod values;

use std::path::Path;
use std::process::Command;

use support::launching::{code, finish};
use support::{Probe, Scratch, path_str, said, stdout};

/// A probe behind `futo-launch --log - OPTIONS` in this directory.
fn probe(scratch: &Scratch, directory: &Path, options: &[&str], inherited: &[(&str, &str)]) -> Probe {
    let mut command = scratch.launch(directory, &["--log", "-"]);
    command.args(options).arg("--").arg(scratch.probe()).envs(inherited.iter().copied());
    Probe::of(&finish(&mut command))
}

/// Exit code and words of a launch that is refused.
fn refused(scratch: &Scratch, directory: &Path, options: &[&str]) -> (i32, String) {
    let mut command = scratch.launch(directory, &["--log", "-"]);
    let output = finish(command.args(options).args(["--", "echo", "ran"]));
    assert_eq!(stdout(&output), "", "{output:?}");
    (code(&output), said(&output))
}

/// The variables of a program that a command executes, without those that name its user.
fn variables_behind(mut command: Command) -> Vec<String> {
    let output = finish(command.args(["/usr/bin/env", "-0"]));
    assert_eq!(code(&output), 0, "{output:?}");
    let is_ours = |line: &&str| !["HOME=", "USER=", "LOGNAME="].iter().any(|own| line.starts_with(own));
    let all = stdout(&output);
    let mut variables: Vec<String> = all.split('\0').filter(is_ours).map(str::to_string).collect();
    variables.sort();
    variables
}

/// Files of one variable each.
fn directory_of(scratch: &Scratch, name: &str, files: &[(&str, &str)]) -> String {
    for (file, content) in files {
        scratch.write(Path::new(name).join(file), content, 0o644);
    }
    path_str(&scratch.join(name)).to_string()
}
