//! `futo explain NAME`: the launcher's plan for a service, from its run script.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::CommandError;
use super::options::{Command, Words, switch};
use crate::error::{reason, reason_of};
use crate::exit::Exit;
use crate::launch::launch;
use crate::observe::{run_script_of, words_of};
use crate::plan::{Host, Machine};
use crate::service::layout;
use crate::sys;

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
    let (path, script) = run_script_of(Machine.is_root(), &directory)
        .map_err(|(path, error)| CommandError::Read { path, reason: reason_of(&error) })?;
    let launch_words = words_of(&script).map_err(|why| CommandError::NotOurs { path, why })?;

    let unreachable = |errno| CommandError::Read { path: directory.clone(), reason: reason(errno) };
    nix::unistd::chdir(&directory).map_err(unreachable)?;
    options.extend(launch_words);
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
