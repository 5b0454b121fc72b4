//! Exec mode: the worker replaces the launcher, with the same pid and nothing left behind.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::Mode;

use crate::config::value::ReadyForm;
use crate::error::{Finding, Findings};
use crate::ready::probe::ProbeContext;
use crate::ready::readiness::Notification;
use crate::ready::ready_watch::{ExecHelper, ReadyWatch};
use crate::ready::{Ready, ReadyError, c_path, program};
use crate::report::Reporter;
use crate::sys;
use crate::sys::signals::SavedDispositions;
use crate::sys::spawn::{Join, Vector, execute_first};
use crate::wait::{Waiter, handled, is_stop};

/// A stop arrived before the exec.
pub(crate) struct Stopped;

/// Executes the program; returns only if a stop arrived first or the exec failed, with everything restored.
///
/// After a rest there is a stream of signals: a stop that arrived through it counts, and a later one has its default
/// effect, on the launcher or already on the worker.
pub(crate) fn exec(
    mut ready: Ready<'_>,
    waiter: Option<&mut Waiter>,
    reporter: &Reporter,
) -> Result<Stopped, Findings> {
    let plan = ready.plan;
    let arguments = ready.arguments();
    let environment = ready.environment.to_vector();
    let candidates = program::candidates(plan, &ready.environment);

    let dispositions = match waiter.map(give_up_signals).transpose() {
        Ok(dispositions) => dispositions,
        Err(stopped) => return Ok(stopped),
    };
    // the worker's limits and a readiness notification cannot be undone
    if (!plan.limits.ulimits.is_empty() || plan.readiness.form.is_some())
        && let Some(error) = program::predict_failure(plan, &ready.environment)
    {
        if let Some(saved) = dispositions {
            sys::signals::restore(saved);
        }
        return Err(error.into());
    }
    // to restore the launcher if the program cannot be executed
    let output = sys::fd::SavedOutput::save();
    let before = plan
        .chdir
        .as_ref()
        .map(|_| nix::fcntl::openat(AT_FDCWD, ".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()));

    let failed = notify_readiness(&mut ready, &environment, reporter).and_then(|helper| {
        let failed = set_up(&ready).map(|()| execute_first(&candidates, &arguments, &environment));
        if let Some(helper) = helper {
            helper.dismiss();
        }
        failed
    });

    ready.notification.iter().for_each(Notification::keep);
    output.restore();
    if let Some(saved) = dispositions {
        sys::signals::restore(saved);
    }
    if let Some(Ok(directory)) = before {
        let _ = nix::unistd::fchdir(directory);
    }
    Err(match failed {
        Ok(errno) => program::explain_failure(plan, &ready.environment, errno).into(),
        Err(findings) => findings,
    })
}

/// Blocks all signals and resets them to their default disposition, unless a stop has arrived.
fn give_up_signals(waiter: &mut Waiter) -> Result<SavedDispositions, Stopped> {
    let saved = sys::signals::block_and_default(handled());
    // with its supervisor gone, the service is about to be started a second time
    if waiter.pending().into_iter().any(is_stop) || waiter.has_lost_parent() {
        return Err(Stopped);
    }
    waiter.leave_parent();
    Ok(saved)
}

/// Without `--ready` the worker inherits the descriptor, as with chain-loading tools. Otherwise it does not: `--ready
/// start` is reported now, and a check is left to a helper.
fn notify_readiness(
    ready: &mut Ready<'_>,
    environment: &Vector,
    reporter: &Reporter,
) -> Result<Option<ExecHelper>, Findings> {
    match (&ready.plan.readiness.form, ready.notification.as_ref()) {
        (Some(ReadyForm::Check(check)), Some(notification)) => {
            let directory = ready.plan.chdir.as_deref().map(c_path);
            let watch = ReadyWatch {
                notification,
                check,
                context: ProbeContext { environment, directory: directory.as_deref() },
                timeout: ready.ready_timeout.map(|delay| delay.duration()),
                reporter,
                handled: handled(),
            };
            let refused = |errno: Errno| Finding::refused("start the --ready helper", errno.into());
            Ok(Some(watch.before_exec().map_err(refused)?))
        }
        (Some(_), Some(_)) => {
            if let Some(notification) = ready.notification.take() {
                notification.send_and_close();
            }
            Ok(None)
        }
        (None, Some(notification)) => {
            notification.hand_on();
            Ok(None)
        }
        (_, None) => Ok(None),
    }
}

fn set_output(ready: &Ready<'_>) -> Result<(), Errno> {
    match (ready.log.output(), ready.log.join()) {
        (Some(output), _) => {
            nix::unistd::dup2_stdout(output)?;
            nix::unistd::dup2_stderr(output)
        }
        (_, Join::StderrToStdout) => nix::unistd::dup2_stderr(std::io::stdout()),
        (_, Join::StdoutToStderr) => nix::unistd::dup2_stdout(std::io::stderr()),
    }
}

/// The last steps that affect the worker.
fn set_up(ready: &Ready<'_>) -> Result<(), Findings> {
    set_output(ready).map_err(|errno| Finding::refused("set stdout and stderr", errno.into()))?;
    if let Some(mask) = ready.plan.umask {
        nix::sys::stat::umask(Mode::from_bits_truncate(mask));
    }
    if let Some(directory) = &ready.plan.chdir {
        nix::unistd::chdir(directory).map_err(|errno| ReadyError::Directory(directory.clone(), errno))?;
    }
    for limit in ready.plan.limits.to_kernel() {
        limit.set().map_err(|errno| Finding::refused("set ulimits", errno.into()))?;
    }
    sys::signals::restore_for_worker()
        .map_err(|errno| Finding::refused("empty the signal mask", errno.into()).into())
}
