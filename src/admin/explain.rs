//! `futo explain NAME`: the launcher's plan for a service, from its run script.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::CommandError;
use crate::error::{reason, reason_of};
use crate::exit::Exit;
use crate::launch::launch;
use crate::service::layout;
use crate::service::run_script::{self, RunScript};
use crate::sys;

/// The largest run script that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

pub(super) fn explain(words: impl Iterator<Item = OsString>) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: "explain", what };
    let mut options: Vec<OsString> = Vec::new();
    let mut form = "--explain";
    let mut name = None;
    for word in words {
        match word.to_str() {
            Some("--json") => form = "--explain=json",
            Some("--show-values") => options.push(word),
            Some(option) if option.starts_with('-') => {
                return Err(usage(format!("unknown option '{option}'")));
            }
            _ if name.is_some() => return Err(usage("one service at a time".to_string())),
            _ => name = Some(word),
        }
    }
    let name = name.ok_or_else(|| usage("which service?".to_string()))?;
    let directory = find(&name)?;
    let script = directory.join(layout::RUN);
    let run = read(&script)?;

    let unreachable = |errno| CommandError::Read { path: directory.clone(), reason: reason(errno) };
    nix::unistd::chdir(&directory).map_err(unreachable)?;
    options.insert(0, OsString::from(form));
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
