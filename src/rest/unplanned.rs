//! A launch that cannot go on before it has a plan, or the descriptors that it needs.

use nix::unistd::getppid;

use super::change::{Changed, Links};
use super::sleep::{Woken, orphaned, sleep, unable_to_wait, waiter_in};
use super::starter::{is_in_finish, report_why_no_rest};
use super::watch::RestWatch;
use super::words::{reason_of, until};
use crate::drop;
use crate::error::Findings;
use crate::exit::Exit;
use crate::log::{Log, Rotation};
use crate::machine::{Host, Machine};
use crate::plan::{Change, Plan, Supervision};
use crate::record::{Resting, RestingKind, write_resting};
use crate::report::{Level, Reporter};
use crate::sys;

/// As whom the process runs when it comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunsAs {
    /// Whoever started the launcher: nothing has been dropped.
    Caller,
    /// The worker's user: the drop has been made, and cannot be made again.
    User,
}

/// A launch that cannot even be planned: its options, its user, its descriptors. Only an edit of `run`,
/// of an account or of `notification-fd` fixes that, and only the supervisor can start `run` again.
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
    // before anything is reported: whoever reads that may edit or signal at once
    let links = if Machine.is_root() { Links::NotFollowed } else { Links::Followed };
    let mut watch = RestWatch::on_run_files(plan, links);
    let mut place = None;
    let waiter = waiter_in(&mut place, Some(supervisor), reporter);
    if unrecorded.is_none() {
        Log::open(plan, Rotation::Never, reporter);
    }
    reporter.findings(Level::Fatal, findings);
    let Some(waiter) = waiter else { return Exit::SYSTEM };
    let until = until(&watch, "run or /etc/passwd changes");
    match unrecorded {
        Some(why) => reporter.info(&format!("{until}; no run record says so: {why}")),
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
        Woken::By(_) | Woken::ToLookAgain => exit,
    }
}

/// Log and record are written as the user. Why this process must not write them, if it must not: root
/// writes nothing that the user can write, and a plan with findings may name such places.
fn become_recorder(plan: &Plan, runs_as: RunsAs) -> Result<(), &'static str> {
    let cannot_become = Err("unable to become the worker's user");
    match (runs_as, plan.change) {
        (RunsAs::User, _) => Ok(()),
        (RunsAs::Caller, Change::Unknown) if Machine.is_root() => Err("the worker's user is not known"),
        (RunsAs::Caller, Change::StaysRoot) if plan.file.as_ref().is_some_and(|file| !file.is_roots) => {
            Err("a file that is not owned by root would name its place")
        }
        (RunsAs::Caller, Change::StaysRoot) => drop::become_identity(plan).or(cannot_become),
        (RunsAs::Caller, _) => match drop::become_identity(plan) {
            Ok(()) if !Machine.is_root() => Ok(()),
            _ => cannot_become,
        },
    }
}
