//! Exec mode: the worker takes the launcher's place. Same pid, nothing of ours left.

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
use crate::sys::spawn::{Join, execute_first};

/// Executes the program; returns only if that failed, with everything as it was before.
///
/// After a rest there is a stream of signals: a stop that came through it counts, and one that comes
/// from here on has its default effect, on us or already on the worker.
pub(super) fn exec(ready: Ready<'_>, waiter: Option<&mut Waiter>) -> Ended {
    let plan = ready.plan;
    let arguments = ready.arguments();
    let environment = ready.environment.to_vector();
    let candidates = program::candidates(plan, &ready.environment);

    let dispositions = match waiter {
        None => None,
        Some(waiter) => {
            let saved = sys::signals::block_and_default(&HANDLED);
            let stops =
                |signal: &Signal| matches!(signal, Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT);
            if waiter.pending().iter().any(stops) {
                return Ended::Left(Exit::OK);
            }
            Some(saved)
        }
    };
    // the worker's bounds cannot be taken back from the launcher
    if !plan.limits.ulimits.is_empty()
        && let Some(error) = program::foretell(plan, &ready.environment)
    {
        if let Some(saved) = dispositions {
            sys::signals::restore(saved);
        }
        return Ended::Broken(error.into());
    }
    // the way back, should the program not be executable
    let output = sys::fd::SavedOutput::save();
    let before = plan
        .chdir
        .as_ref()
        .map(|_| nix::fcntl::openat(AT_FDCWD, ".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()));

    let failed = set_up(&ready).map(|()| execute_first(&candidates, &arguments, &environment));

    output.restore();
    if let Some(saved) = dispositions {
        sys::signals::restore(saved);
    }
    if let Some(Ok(directory)) = before {
        let _ = nix::unistd::fchdir(directory);
    }
    Ended::Broken(match failed {
        Ok(errno) => program::explain_failure(plan, &ready.environment, errno).into(),
        Err(findings) => findings,
    })
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

/// The last steps that the worker sees.
fn set_up(ready: &Ready<'_>) -> Result<(), Findings> {
    set_output(ready).map_err(|errno| system_refused("set stdout and stderr", errno.into()))?;
    if let Some(mask) = ready.plan.umask {
        nix::sys::stat::umask(Mode::from_bits_truncate(mask));
    }
    if let Some(directory) = &ready.plan.chdir {
        nix::unistd::chdir(directory).map_err(|errno| ReadyError::Directory(directory.clone(), errno))?;
    }
    for limit in ready.plan.limits.to_kernel() {
        limit.set().map_err(|errno| system_refused("set ulimits", errno.into()))?;
    }
    sys::signals::restore_for_worker()
        .map_err(|errno| system_refused("empty the signal mask", errno.into()).into())
}
