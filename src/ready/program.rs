//! Finding the program, and explaining why it cannot be executed.

use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::statvfs::FsFlags;
use nix::unistd::AccessFlags;

use super::environment::Environment;
use crate::error::{Problem, exit_of, reason};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::service::search_path;
use crate::sys;

/// Why the program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// Not in any directory of PATH, or not at its path.
    #[error("unable to execute '{program}': not found{}", searched.as_ref().map_or(String::new(), |path| format!(" in PATH ({path})")))]
    NotFound {
        /// As given.
        program: String,
        /// The searched PATH.
        searched: Option<String>,
    },
    /// The system lacks a resource, possibly only for a moment.
    #[error("unable to execute '{program}': {}", reason(*errno))]
    Refused {
        /// As given.
        program: String,
        /// The error of execve.
        errno: Errno,
    },
    /// It exists, but the system refuses to execute it.
    #[error("unable to execute '{path}': {why}")]
    CannotExecute {
        /// The file that was found.
        path: String,
        /// The reason.
        why: String,
        /// The hint.
        remedy: Option<String>,
    },
}

impl Problem for ProgramError {
    fn exit(&self) -> Exit {
        match self {
            ProgramError::NotFound { .. } => Exit::NOT_FOUND,
            ProgramError::Refused { .. } => Exit::SYSTEM,
            ProgramError::CannotExecute { .. } => Exit::CANNOT_EXECUTE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ProgramError::NotFound { .. } => Some("check the name, or give the full path".to_string()),
            ProgramError::Refused { .. } => None,
            ProgramError::CannotExecute { remedy, .. } => remedy.clone(),
        }
    }
}

/// The paths to try, in order. A name with a slash is a path; PATH is the worker's own, and an empty element means the
/// worker's directory, as in POSIX.
pub fn candidates(plan: &Plan, environment: &Environment) -> Vec<CString> {
    let program = name(plan);
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

/// A path for the kernel; a path that contains NUL cannot exist, and becomes one that does not.
pub(crate) fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().to_os_string().into_vec()).unwrap_or_default()
}

/// The program as given; empty only with a finding.
fn name(plan: &Plan) -> &OsStr {
    plan.program.first().map(OsStr::new).unwrap_or_default()
}

fn search_path(environment: &Environment) -> &OsStr {
    environment.get("PATH").unwrap_or(OsStr::new(search_path::OF_SERVICE))
}

/// The paths where the program could appear, relative to the launcher's directory.
pub fn places(plan: &Plan, environment: &Environment) -> Vec<PathBuf> {
    let base = plan.chdir.as_deref().unwrap_or(Path::new(""));
    candidates(plan, environment).iter().map(|path| base.join(OsStr::from_bytes(path.to_bytes()))).collect()
}

/// Finds the program without executing it, from the plan's directory, for `--explain`.
pub fn find(plan: &Plan, environment: &Environment) -> Result<PathBuf, ProgramError> {
    let executable = |path: &PathBuf| may_execute(path) && path.is_file();
    match places(plan, environment).into_iter().find(executable) {
        Some(path) => Ok(path),
        None => Err(explain_failure(plan, environment, Errno::EACCES)),
    }
}

/// Explains why executing the program failed, from the launcher's directory, before any `--chdir`.
pub fn explain_failure(plan: &Plan, environment: &Environment, errno: Errno) -> ProgramError {
    let program = name(plan);
    if is_refusal(errno) {
        return ProgramError::Refused { program: program.to_string_lossy().into_owned(), errno };
    }
    let by_name = !program.as_bytes().contains(&b'/');
    // a PATH directory that the user cannot search is skipped; in an explicit path it is the obstacle
    let counts = |path: &PathBuf| match sys::file::look_for(path) {
        Ok(()) => true,
        Err(errno) => errno == Errno::EACCES && !by_name,
    };
    let Some(path) = places(plan, environment).into_iter().find(counts) else {
        let searched = by_name.then(|| search_path(environment).to_string_lossy().into_owned());
        return ProgramError::NotFound { program: program.to_string_lossy().into_owned(), searched };
    };
    cannot_execute(&path, errno)
}

/// Whether a failed execve may succeed later: unlike open, execve has many errors that concern the file or its
/// arguments.
fn is_refusal(errno: Errno) -> bool {
    use Errno::{E2BIG, EINVAL, EISDIR, ELIBBAD, ENOEXEC, EPERM};
    !matches!(errno, E2BIG | EINVAL | EISDIR | ELIBBAD | ENOEXEC | EPERM) && exit_of(errno) == Exit::SYSTEM
}

/// The interpreter, if the program is a script.
pub fn interpreter_of(plan: &Plan, environment: &Environment) -> Option<PathBuf> {
    let path = places(plan, environment).into_iter().find(|path| sys::file::exists(path))?;
    interpreter(&path).map(PathBuf::from)
}

/// The maximum number of arguments to inspect, and of files to return.
const MAX_ARGUMENTS: usize = 256;
const MAX_FILES: usize = 16;

/// The files among the program's arguments, such as an interpreter's script, relative to the launcher's directory.
/// Files the launcher itself writes do not count.
pub fn argument_files(plan: &Plan) -> Vec<PathBuf> {
    let base = plan.chdir.as_deref().unwrap_or(Path::new(""));
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    let state_dir = plan.state_dir.as_deref().and_then(whole);
    let log = plan.log.file().and_then(whole);
    let is_own = |path: &PathBuf| {
        let path = whole(path);
        let is_state =
            || path.as_ref().zip(state_dir.as_ref()).is_some_and(|(path, it)| path.starts_with(it));
        path.is_none() || path == log || is_state()
    };
    let words = plan.program.iter().skip(1).take(MAX_ARGUMENTS);
    let files = words.map(|word| base.join(word)).filter(|path| sys::file::is_regular(path));
    files.filter(|path| !is_own(path)).take(MAX_FILES).collect()
}

fn cannot_execute(path: &Path, errno: Errno) -> ProgramError {
    let rights = "the worker's user needs execute permission (chmod +x), and search permission on its parent directories";
    let (why, remedy) = match errno {
        _ if path.is_dir() => ("it is a directory".to_string(), Some("name a program, not its directory")),
        Errno::EACCES if has_mode_x(path) && is_on_noexec(path) => (
            "it is on a volume mounted noexec".to_string(),
            Some(
                "remount it with exec, move the program, or name the interpreter: sh SCRIPT, python3 SCRIPT",
            ),
        ),
        Errno::ENOEXEC => (
            "it is neither a binary for this machine nor a script with a #! line".to_string(),
            Some("start the script with #!/bin/sh, or run it with sh"),
        ),
        _ => match refused_interpreter(path) {
            Some((interpreter, Errno::ENOENT)) => (
                format!("its interpreter '{interpreter}' does not exist"),
                Some("correct the script's first line (with CR LF line endings, the CR is part of the name)"),
            ),
            Some((interpreter, _)) if may_execute(path) && is_on_noexec(Path::new(&interpreter)) => (
                format!("its interpreter '{interpreter}' is on a volume mounted noexec"),
                Some("remount it with exec, or name another interpreter in the script's first line"),
            ),
            Some((interpreter, errno)) if may_execute(path) => (
                format!("its interpreter '{interpreter}' cannot be executed: {}", reason(errno)),
                Some(rights),
            ),
            _ => {
                let at = refusing_component(path)
                    .map_or(String::new(), |component| format!(" at '{}'", component.display()));
                (format!("{}{at}", reason(errno)), (errno == Errno::EACCES).then_some(rights))
            }
        },
    };
    ProgramError::CannotExecute { path: path.display().to_string(), why, remedy: remedy.map(str::to_string) }
}

/// Predicts why executing the program will fail, as far as possible without trying.
pub fn predict_failure(plan: &Plan, environment: &Environment) -> Option<ProgramError> {
    match find(plan, environment) {
        Ok(path) => predict_failure_of(&path),
        Err(error) => Some(error),
    }
}

/// Predicts why executing this existing file will fail.
fn predict_failure_of(path: &Path) -> Option<ProgramError> {
    let errno = match first_bytes(path)? {
        start if start.starts_with(b"#!") => refused_interpreter(path)?.1,
        start if start.starts_with(b"\x7fELF") => return None,
        // a format registered with the kernel (binfmt_misc) does not start with text
        start if start.contains(&0) => return None,
        _ => Errno::ENOEXEC,
    };
    Some(cannot_execute(path, errno))
}

/// The first directory in a path that this user cannot search.
pub fn refusing_component(path: &Path) -> Option<PathBuf> {
    let mut above: Vec<&Path> =
        path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
    above.reverse();
    above
        .into_iter()
        .find(|path| sys::file::may(path, AccessFlags::X_OK) == Err(Errno::EACCES))
        .map(Path::to_path_buf)
}

/// Whether the mode has an execute bit, so that the mode is not to blame.
fn has_mode_x(path: &Path) -> bool {
    nix::sys::stat::stat(path).is_ok_and(|status| status.st_mode & 0o111 != 0)
}

fn is_on_noexec(path: &Path) -> bool {
    nix::sys::statvfs::statvfs(path).is_ok_and(|volume| volume.flags().contains(FsFlags::ST_NOEXEC))
}

fn may_execute(path: &Path) -> bool {
    sys::file::may(path, AccessFlags::X_OK).is_ok()
}

/// The interpreter of a script if it cannot be executed, escaped for display, and the error.
fn refused_interpreter(path: &Path) -> Option<(String, Errno)> {
    let interpreter = interpreter(path)?;
    let errno = sys::file::may(Path::new(&interpreter), AccessFlags::X_OK).err()?;
    Some((interpreter.escape_debug().to_string(), errno))
}

/// The interpreter of a script.
fn interpreter(path: &Path) -> Option<String> {
    let start = first_bytes(path)?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    let rest = line.strip_prefix(b"#!")?.trim_ascii_start();
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}

/// The part of a file that the kernel reads to recognise its format; none if the user cannot read it.
fn first_bytes(path: &Path) -> Option<Vec<u8>> {
    let file = sys::file::open_regular(path, OFlag::empty()).ok()?;
    let mut room = vec![0_u8; 256];
    let count = nix::unistd::read(file.as_fd(), &mut room).ok()?;
    room.truncate(count);
    Some(room)
}
