//! Dropped → [`Ready`]: all work on the user's files, done as the user: descriptors, variables, log, directory,
//! program.

pub mod directories;
pub mod environment;
pub mod gate;
pub mod port;
pub mod probe;
pub mod program;
pub mod readiness;
pub mod ready_watch;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use crate::config::timing::Timing;
use crate::config::value::Delay;
use crate::drop::Dropped;
use crate::error::{Findings, Problem, exit_of, reason};
use crate::exit::Exit;
use crate::log::{Log, Opening};
use crate::plan::{Draft, Mode, Plan};
use crate::report::{Reporter, Topic};
use crate::sys;
use crate::sys::spawn::Vector;
use crate::wait::handled;
use environment::Environment;
pub(crate) use program::c_path;
use readiness::Notification;

/// Everything a run needs.
#[derive(Debug)]
pub struct Ready<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The worker's variables.
    pub environment: Environment,
    /// The timing; none without a timing option.
    pub timing: Option<Timing>,
    /// The destination of its output.
    pub log: Log,
    /// The readiness notification, if the service directory has `notification-fd` and it is still to be sent.
    pub notification: &'a mut Option<Notification>,
    /// How long to probe for readiness.
    pub ready_timeout: Option<Delay>,
}

/// Errors in the user's files.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// A descriptor of `--keep-fd` is not open.
    #[error("--keep-fd: descriptor {0} is not open")]
    KeepFd(i32),
    /// The descriptors cannot be closed.
    #[error("unable to close inherited descriptors: {}", reason(*.0))]
    Close(nix::errno::Errno),
    /// The directory of `--chdir` cannot be entered.
    #[error("unable to change to directory '{}': {}", .0.display(), reason(*.1))]
    Directory(std::path::PathBuf, nix::errno::Errno),
    /// An argument contains NUL, which is possible in a service file.
    #[error("an argument contains a NUL byte")]
    NulInArgument,
}

impl Problem for ReadyError {
    fn exit(&self) -> Exit {
        match self {
            ReadyError::Close(_) => Exit::SYSTEM,
            ReadyError::Directory(_, errno) => exit_of(*errno),
            ReadyError::KeepFd(_) | ReadyError::NulInArgument => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ReadyError::Directory(..) => Some(
                "the worker's user needs search permission on it and every directory above it".to_string(),
            ),
            _ => None,
        }
    }
}

/// Prepares a run. A log that cannot be opened is not an error: a warning is reported, and the worker runs.
///
/// `held` is the notification descriptor kept by [`settle_descriptors`]. The supervisor is notified once per process:
/// later the number may belong to another descriptor.
pub fn prepare<'a>(
    dropped: &'a Dropped,
    held: &'a mut Option<Notification>,
    reporter: &mut Reporter,
) -> Result<Ready<'a>, Findings> {
    let plan = &dropped.plan;
    let mut findings = Findings::default();
    // the log may be in one of them
    let unwritable = directories::make(dropped, &mut findings);
    let log = Log::open(plan, Opening::Run, None, handled(), reporter);
    let environment = environment::build(plan, &mut findings);
    reporter.trouble(Topic::Directories, unwritable);
    reporter.trouble(Topic::Environment, environment.quirks());
    if plan.program.iter().any(|word| word.as_bytes().contains(&0)) {
        findings.push(ReadyError::NulInArgument);
    }
    let timing = timing(plan, &environment, &mut findings);
    let ready_timeout = plan.readiness.timeout(&|name| environment.get(name), &mut findings);
    findings.or(())?;
    Ok(Ready { plan, environment, timing, log, notification: held, ready_timeout })
}

/// The timing, with the worker's variables expanded.
pub(crate) fn timing(plan: &Plan, environment: &Environment, findings: &mut Findings) -> Option<Timing> {
    match &plan.mode {
        Mode::Loop(spec) => spec.settle(&|name| environment.get(name), findings),
        Mode::Exec | Mode::ExecAsInit => None,
    }
}

/// Reports everything that would fail, without changing anything, for `--explain`. Returns the environment as far as
/// it could be read, and the timing.
pub fn inspect(draft: &Draft, findings: &mut Findings) -> (Environment, Option<Timing>) {
    let plan = draft.plan();
    findings.take(Notification::find(plan));
    check_keep_fds(plan, findings);
    directories::inspect(plan, findings);
    let environment = environment::build(plan, findings);
    if let Some(directory) = &plan.chdir
        && let Err(errno) = sys::file::may(directory, nix::unistd::AccessFlags::X_OK)
    {
        findings.push(ReadyError::Directory(directory.clone(), errno));
    }
    // a missing program already has a finding
    if !plan.program.is_empty()
        && let Some(error) = program::predict_failure(plan, &environment)
    {
        findings.push(error);
    }
    // errors independent of the variables have already been reported
    let mut of_options = Findings::default();
    let timing = timing(plan, &environment, &mut of_options);
    plan.readiness.timeout(&|name| environment.get(name), &mut of_options);
    findings.add_new(of_options);
    (environment, timing)
}

fn check_keep_fds(plan: &Plan, findings: &mut Findings) {
    for fd in plan.keep_fds.iter().filter(|fd| !sys::fd::is_open(**fd)) {
        findings.push(ReadyError::KeepFd(*fd));
    }
}

/// Closes every inherited descriptor from 3 up that is not passed on. Must be called once, before the launcher opens
/// any of its own; errors can only be fixed by a restart. Returns the notification descriptor, for [`prepare`].
pub fn settle_descriptors(plan: &Plan) -> Result<Option<Notification>, Findings> {
    let mut findings = Findings::default();
    let notification = findings.take(Notification::find(plan)).flatten();
    check_keep_fds(plan, &mut findings);
    let number = notification.as_ref().map(Notification::number);
    let keep: Vec<i32> = plan.keep_fds.iter().copied().chain(number).collect();
    findings.take(sys::fd::close_all_but(&keep).map_err(ReadyError::Close));
    // commands of gates and hooks must not inherit it
    notification.iter().for_each(Notification::keep);
    findings.or(notification)
}

impl Ready<'_> {
    /// The program's arguments for the kernel.
    pub fn arguments(&self) -> Vector {
        // NUL was refused before
        Vector::new(self.plan.program.iter().filter_map(|word| CString::new(word.as_bytes()).ok()).collect())
    }
}
