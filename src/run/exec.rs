//! Exec mode: the worker takes the launcher's place. Same pid, nothing of ours left.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use super::signals::HANDLED;
use super::worker::system_refused;
use super::{Ended, Waiter};
use crate::error::Findings;
use crate::exit::Exit;
use crate::log::Log;
use crate::ready::{Ready, ReadyError, program};
use crate::sys;
use crate::sys::spawn::Join;

/// Executes the program; returns only if that failed, with everything as it was before.
///
/// After a rest there is a stream of signals: a stop that came through it counts, and one that comes
/// from here on has its default effect, on us or already on the worker.
pub(super) fn exec(ready: Ready<'_>, waiter: Option<&mut Waiter>) -> Ended {
    let plan = ready.plan;
    let arguments = ready.arguments();
    let environment = ready.environment.to_vector();
    let name = plan.program.first().map(std::ffi::OsString::as_os_str).unwrap_or_default();
    let candidates = program::candidates(name, &ready.environment);

    let dispositions = match waiter {
        None => None,
        Some(waiter) => {
            let saved = sys::signals::block_and_default(&HANDLED);
            let stops = |signal: &Signal| matches!(signal, Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT);
            if waiter.pending().iter().any(stops) {
                return Ended::Left(Exit::OK);
            }
            Some(saved)
        }
    };
    // the way back, should the program not be executable
    let output = sys::fd::SavedOutput::save();
    let before = plan.chdir.as_ref().map(|_| {
        nix::fcntl::openat(AT_FDCWD, ".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
    });

    let failed = match set_output(&ready) {
        Ok(()) => enter_and_execute(&ready, || {
            if let Some(mask) = plan.umask {
                nix::sys::stat::umask(Mode::from_bits_truncate(mask));
            }
            sys::signals::restore_for_worker().ok();
            sys::spawn::execute_first(&candidates, &arguments, &environment)
        }),
        Err(errno) => Err(system_refused("set stdout and stderr", errno.into()).into()),
    };

    output.restore();
    if let Some(saved) = dispositions {
        sys::signals::restore(saved);
    }
    let findings = match failed {
        Err(findings) => findings,
        Ok((index, errno)) => {
            let path = candidates.get(index).map(|path| Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())));
            let path = path.unwrap_or(Path::new(name));
            program::explain_failure(name, path, errno, &ready.environment).into()
        }
    };
    if let Some(Ok(directory)) = before {
        let _ = nix::unistd::fchdir(directory);
    }
    Ended::Broken(findings)
}

fn set_output(ready: &Ready<'_>) -> Result<(), Errno> {
    match (&ready.log, ready.log.join()) {
        (Log::File { file, .. }, _) => {
            nix::unistd::dup2_stdout(file)?;
            nix::unistd::dup2_stderr(file)
        }
        (_, Join::StderrToStdout) => nix::unistd::dup2_stderr(std::io::stdout()),
        (_, Join::StdoutToStderr) => nix::unistd::dup2_stdout(std::io::stderr()),
    }
}

fn enter_and_execute(
    ready: &Ready<'_>,
    execute: impl FnOnce() -> (usize, Errno),
) -> Result<(usize, Errno), Findings> {
    if let Some(directory) = &ready.plan.chdir {
        nix::unistd::chdir(directory).map_err(|errno| ReadyError::Directory(directory.clone(), errno))?;
    }
    Ok(execute())
}
