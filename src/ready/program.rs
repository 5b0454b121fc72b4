//! The search for the program, and what to say when it cannot be executed.

use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, access};

use super::c_path;
use super::environment::Environment;
use crate::error::{Problem, reason};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::sys;

/// Where to look if the environment has no PATH: what s6-overlay gives.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why the program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// In no directory of PATH, or not at its path.
    #[error("unable to execute '{program}': not found{}", searched.as_ref().map_or(String::new(), |path| format!(" in PATH ({path})")))]
    NotFound {
        /// As given.
        program: String,
        /// The PATH that was searched.
        searched: Option<String>,
    },
    /// It is there and the system refuses.
    #[error("unable to execute '{path}': {why}")]
    CannotExecute {
        /// What was found.
        path: String,
        /// Why.
        why: String,
        /// What to do.
        remedy: Option<String>,
    },
}

impl Problem for ProgramError {
    fn exit(&self) -> Exit {
        match self {
            ProgramError::NotFound { .. } => Exit::NOT_FOUND,
            ProgramError::CannotExecute { .. } => Exit::CANNOT_EXECUTE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ProgramError::NotFound { .. } => {
                Some("check the name, or write the program with its whole path".to_string())
            }
            ProgramError::CannotExecute { remedy, .. } => remedy.clone(),
        }
    }
}

/// The paths to try in order. A name with a slash is a path; PATH is the worker's own, and an empty
/// element of it is the worker's directory, as POSIX has it.
pub fn candidates(program: &OsStr, environment: &Environment) -> Vec<CString> {
    if program.as_bytes().contains(&b'/') {
        return vec![c_path(Path::new(program))];
    }
    search_path(environment)
        .as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| match directory {
            b"" => c_path(&Path::new(".").join(program)),
            _ => c_path(&Path::new(OsStr::from_bytes(directory)).join(program)),
        })
        .collect()
}

fn search_path(environment: &Environment) -> &OsStr {
    environment.get("PATH").unwrap_or(OsStr::new(DEFAULT_PATH))
}

/// The directories in which the program could appear.
pub fn directories(plan: &Plan, environment: &Environment) -> Vec<PathBuf> {
    let base = plan.chdir.as_deref().unwrap_or(Path::new(""));
    let program = plan.program.first().map(OsStr::new).unwrap_or_default();
    candidates(program, environment).iter().map(|path| base.join(OsStr::from_bytes(path.to_bytes()))).collect()
}

/// Looks for the program without executing it, from the plan's directory: for `--explain`.
pub fn find(plan: &Plan, environment: &Environment) -> Result<PathBuf, ProgramError> {
    let program = plan.program.first().map(OsStr::new).unwrap_or_default();
    let mut counts = (PathBuf::from(program), Errno::ENOENT);
    for path in directories(plan, environment) {
        match access(&path, AccessFlags::X_OK) {
            Ok(()) if path.is_file() => return Ok(path),
            Ok(()) | Err(Errno::EACCES) if counts.1 != Errno::EACCES && sys::file::exists(&path) => {
                counts = (path, Errno::EACCES);
            }
            _ => {}
        }
    }
    Err(explain_failure(program, &counts.0, counts.1, environment))
}

/// What to say when executing failed: `path` is the candidate that counts, seen from the worker's
/// directory.
pub fn explain_failure(program: &OsStr, path: &Path, errno: Errno, environment: &Environment) -> ProgramError {
    let program_text = program.to_string_lossy().into_owned();
    let shown = path.display().to_string();
    let cannot = |why: String, remedy: Option<&str>| ProgramError::CannotExecute {
        path: shown.clone(),
        why,
        remedy: remedy.map(str::to_string),
    };
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            if sys::file::exists(path)
                && let Some(interpreter) = interpreter(path)
            {
                return cannot(
                    format!("its interpreter '{interpreter}' is not there"),
                    Some("correct the script's first line (a line end of CR LF is part of the name)"),
                );
            }
            let by_path = program.as_bytes().contains(&b'/');
            let searched = (!by_path).then(|| search_path(environment).to_string_lossy().into_owned());
            ProgramError::NotFound { program: program_text, searched }
        }
        Errno::EACCES if path.is_dir() => cannot("it is a directory".to_string(), None),
        Errno::EACCES => cannot(
            reason(errno),
            Some("the worker's user must be able to search every directory above it, and it needs mode +x"),
        ),
        Errno::ENOEXEC => cannot(
            "it is neither a binary of this machine nor a script with an interpreter line".to_string(),
            Some("begin a script with #!/bin/sh, or write sh in front of it"),
        ),
        errno => cannot(reason(errno), None),
    }
}

/// The interpreter of a script, control characters visible.
fn interpreter(path: &Path) -> Option<String> {
    let file = sys::file::open_regular(path, OFlag::empty()).ok()?;
    let mut room = [0_u8; 256];
    let count = nix::unistd::read(file.as_fd(), &mut room).ok()?;
    let line = room.get(..count)?.split(|byte| *byte == b'\n').next()?;
    let rest = line.strip_prefix(b"#!")?.trim_ascii_start();
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}
