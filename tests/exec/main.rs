//! Exec mode: what the worker finds, what is said when there is no worker, and what `--explain` says.

#[path = "../support/mod.rs"]
mod support;

mod env_files;
mod explain;
mod inherited;
mod log;
mod options;
mod program;
mod settings_file;

use std::process::Output;

use support::launching::{code, finish};
use support::{Scratch, said};

/// Exit code and words.
fn ended(output: &Output) -> (i32, String) {
    (code(output), said(output))
}

/// Exit code and words of `futo-launch WORDS` outside a service directory.
fn words(scratch: &Scratch, words: &[&str]) -> (i32, String) {
    ended(&finish(&mut scratch.launch(&scratch.path, words)))
}
