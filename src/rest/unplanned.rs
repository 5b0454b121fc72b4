//! A launch that fails before it has a plan, or its descriptors.

use nix::unistd::getppid;

use super::change::{Changed, Links};
use super::sleep::{Woken, orphaned, sleep, unable_to_wait, waiter_in};
use super::starter::{is_in_finish, report_why_no_rest};
use super::watch::RestWatch;
use super::words::{reason_of, until};
use crate::drop;
use crate::error::Findings;
use crate::exit::Exit;
use crate::log::{Log, Opening};
use crate::machine::{Host, Machine};
use crate::plan::{Change, Plan, Supervision};
use crate::record::{Resting, RestingKind, write_resting};
use crate::report::{Level, Reporter};
use crate::sys;

/// The identity of the process when it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunsAs {
    /// The caller's: nothing was dropped.
    Caller,
    /// The worker's user: the drop is done, and cannot be repeated.
    User,
}

/// Rests after an error in the options, the user or the descriptors. Only an edit of `run`, an account or
/// `notification-fd` fixes it, and only the supervisor can start `run` again.
pub(crate) fn until_run_changes(
    plan: &Plan,
    runs_as: RunsAs,
    findings: &Findings,
    reporter: &mut Reporter,
) -> Exit {
    let exit = findings.exit();
    let supervisor = getppid();
    let supervision = Supervision::find(plan.place, &plan.directory, &Machine);
    if exit == Exit::SYSTEM || supervision != Supervision::Supervised {
        reporter.findings(Level::Fatal, findings);
        report_why_no_rest(&supervision, plan, reporter);
        return exit;
    }
    sys::signals::reset_ignored();
    let unrecorded = become_recorder(plan, runs_as).err();
    if unrecorded.is_none() && is_in_finish() {
        reporter.findings(Level::Fatal, findings);
        return exit;
    }
    // before anything is reported: a reader may edit or signal immediately
    let links = if Machine.is_root() { Links::NotFollowed } else { Links::Followed };
    let mut watch = RestWatch::on_run_files(plan, links);
    let mut place = None;
    let waiter = waiter_in(&mut place, Some(supervisor), reporter);
    if unrecorded.is_none() {
        Log::open(plan, Opening::OwnLines, None, &[], reporter);
    }
    reporter.findings(Level::Fatal, findings);
    let Some(waiter) = waiter else { return Exit::SYSTEM };
    let until = until(&watch, "run or /etc/passwd changes");
    match unrecorded {
        Some(why) => reporter.info(&format!("{until}; not recorded: {why}")),
        None => {
            reporter.info(&until);
            let resting = Resting::now(RestingKind::Configuration, reason_of(findings), exit);
            write_resting(plan, Some(resting), reporter);
        }
    }
    let woken = sleep(&mut watch, waiter, Changed::RunFile, None);
    if unrecorded.is_none() && woken != Woken::Orphaned {
        write_resting(plan, None, reporter);
    }
    match woken {
        Woken::Stop => Exit::OK,
        Woken::Orphaned => orphaned(reporter),
        Woken::Refused(errno) => unable_to_wait(errno, reporter),
        Woken::By(_) | Woken::RecheckDue => exit,
    }
}

/// Becomes the user, as whom log and record are written, or returns why they must not be: root never writes to
/// user-writable files, and a plan with findings may point to some.
fn become_recorder(plan: &Plan, runs_as: RunsAs) -> Result<(), &'static str> {
    let cannot_become = Err("unable to become the worker's user");
    match (runs_as, plan.change) {
        (RunsAs::User, _) => Ok(()),
        (RunsAs::Caller, Change::Unknown) if Machine.is_root() => Err("the worker's user is unknown"),
        (RunsAs::Caller, Change::StaysRoot) if plan.file.as_ref().is_some_and(|file| !file.is_root_owned) => {
            Err("its location would come from a file not owned by root")
        }
        (RunsAs::Caller, Change::StaysRoot) => drop::become_identity(plan).or(cannot_become),
        (RunsAs::Caller, _) => match drop::become_identity(plan) {
            Ok(()) if !Machine.is_root() => Ok(()),
            _ => cannot_become,
        },
    }
}
