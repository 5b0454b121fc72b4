//! What `futo convert` makes of the corpus.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::case::{Case, RunFile};
use crate::support::direct::Caller;
use crate::support::launching::{PATH, code, finish};
use crate::support::{Scratch, path_str, read, stderr};

/// What became of an old run file.
#[derive(Debug)]
pub enum Converted {
    Files(RunFile),
    /// Nothing, for this reason.
    Stays(String),
}

impl Converted {
    /// Whether it is what case.toml expects of it: `line`, `script`, or `stays: ` and how the reason begins.
    pub fn is_as_announced(&self, announced: &str) -> bool {
        match (self, announced.split_once(": ")) {
            (Converted::Stays(reason), Some(("stays", beginning))) => reason.starts_with(beginning),
            (Converted::Files(files), None) => {
                announced == if files.script.is_some() { "script" } else { "line" }
            }
            _ => false,
        }
    }
}

/// Converts the case as it is published: by root, below a directory that only root can write, owned by the caller.
pub fn convert(scratch: &Scratch, caller: Caller, case: &Case) -> Converted {
    let directory = scratch.join(&case.name);
    case.copy_to(&directory, &case.run(), caller);
    let mut command = Command::new(scratch.futo());
    let made = finish(command.args(["convert", "--write", path_str(&directory)]).env("PATH", PATH));
    if code(&made) != 0 {
        let text = stderr(&made);
        assert_eq!(code(&made), 100, "{}: {text}", case.name);
        let line = text.lines().next().expect("a reason");
        let (_, reason) = line.split_once("': ").expect("the path, then the reason");
        assert_eq!(read(directory.join("run")), case.run(), "{}: it stays", case.name);
        return Converted::Stays(reason.to_string());
    }
    assert_eq!(read(directory.join("run.before-futo")), case.run(), "{}", case.name);
    // both sides have it on their PATH
    let run = read(directory.join("run")).replace(path_str(&scratch.launcher()), "futo-launch");
    let script = ["worker.sh", "run-worker.sh"].map(|name| directory.join(name));
    let script = script.iter().find(|path| path.exists() && !case.directory.join(name(path)).exists());
    let script = script.map(|path| (name(path).to_string(), fs::read_to_string(path).expect("a script")));
    Converted::Files(RunFile { text: run, script })
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name")
}
