//! `futo explain NAME`: the launcher's plan for a service, from its run script.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::CommandError;
use super::options::{Command, Words, switch};
use crate::error::{reason, reason_of};
use crate::exit::Exit;
use crate::launch::launch;
use crate::service::layout;
use crate::service::run_script::{self, RunScript};
use crate::sys;

/// The largest run script that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

pub(super) const COMMAND: Command = Command {
    name: "explain",
    operands: "NAME|DIR",
    help: "show the launcher's plan for a service, and everything that would fail; runs nothing",
    more: "",
    options: &[switch("json", "for programs"), switch("show-values", "show the variables' values too")],
    launch_options: false,
    run: explain,
};

fn explain(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: &str| CommandError::Usage { command: "explain", what: what.to_string(), remedy: None };
    let name = match words.operands.as_slice() {
        [name] => name.clone(),
        [] => return Err(usage("which service?")),
        _ => return Err(usage("one service at a time")),
    };
    let mut options = vec![OsString::from(if words.has("json") { "--explain=json" } else { "--explain" })];
    if words.has("show-values") {
        options.push("--show-values".into());
    }
    let directory = find(&name)?;
    let script = directory.join(layout::RUN);
    let run = read(&script)?;

    let unreachable = |errno| CommandError::Read { path: directory.clone(), reason: reason(errno) };
    nix::unistd::chdir(&directory).map_err(unreachable)?;
    match run {
        RunScript::File => options.extend(["--file", "./run"].map(OsString::from)),
        RunScript::OneLine(words) => options.extend(words),
    }
    Ok(launch(options))
}

fn find(name: &OsStr) -> Result<PathBuf, CommandError> {
    let holds_run = |directory: &PathBuf| sys::file::is_regular(&directory.join(layout::RUN));
    let path = Path::new(name);
    let places: Vec<PathBuf> = match path.components().count() {
        1 if path.is_relative() && name != "." => layout::PLACES.iter().map(PathBuf::from).collect(),
        _ => Vec::new(),
    };
    let mut candidates: Vec<PathBuf> = places.iter().map(|place| place.join(path)).collect();
    candidates.push(path.to_path_buf());
    candidates
        .into_iter()
        .find(holds_run)
        .ok_or_else(|| CommandError::NoService { name: name.to_string_lossy().into_owned(), places })
}

fn read(script: &Path) -> Result<RunScript, CommandError> {
    let bytes = sys::file::open_regular(script, OFlag::O_NOFOLLOW)
        .and_then(|file| sys::file::read_at_most(file, MAX_BYTES))
        .map_err(|error| CommandError::Read { path: script.to_path_buf(), reason: reason_of(&error) })?;
    run_script::parse(&bytes).map_err(|why| CommandError::NotOurs { path: script.to_path_buf(), why })
}
