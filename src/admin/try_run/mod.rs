//! `futo try NAME`: one run in the foreground, as the service would run it.

mod monitor;
mod terminal;
mod terminals;

use std::ffi::OsString;

use nix::errno::Errno;

use super::options::{Command, Operands, Words};
use super::services::EnteredService;
use super::{CommandError, services};
use crate::config::Spec;
use crate::config::settings::LogTarget;
use crate::error::{Findings, reason};
use crate::exit::Exit;
use crate::observe::with_supervisor_environment;
use crate::plan::{Change, Plan};
use crate::report::{Level, Reporter};
use crate::{drop, run, sys};
use terminals::Terminals;

pub(super) const COMMAND: Command = Command {
    name: "try",
    operands: Operands::Services("NAME|DIR"),
    help: "run a service's worker once in the foreground, with its environment, user and directory",
    more: "Without log, run record, timing or readiness; exits as the worker does. The environment is the \
           service's: only PATH (unless the container sets it) and TERM are inherited from the shell. Under \
           root, a worker of another user gets a session and a terminal of its own (as with sudo's use_pty), \
           which ^C, ^Z and changes of the window size reach.",
    options: &[services::SCAN_DIR, services::FROM],
    launch_options: false,
    run: try_run,
};

fn try_run(words: Words) -> Result<Exit, CommandError> {
    let entered = services::enter(COMMAND.name, &words)?;
    Ok(with_supervisor_environment(|| run_once(entered)))
}

fn run_once(entered: EnteredService) -> Exit {
    let mut reporter = Reporter::of_program("futo");
    let mut findings = Findings::default();
    let name = OsString::from(&entered.name);
    let once = |spec: &mut Spec| {
        spec.passed_name.get_or_insert(name);
        spec.timing = None;
        spec.log = Some(LogTarget::Inherited);
        spec.keep_fds.clear();
    };
    let (draft, _) = entered.plan(once, &mut findings);
    let plan = match draft.approve(&findings) {
        Ok(plan) => plan,
        Err(_) => {
            reporter.findings(Level::Fatal, &findings);
            return findings.exit();
        }
    };
    if let Err(errno) = sys::fd::fill_standard() {
        return without_session(errno, &reporter);
    }
    let terminals = Terminals::find();
    if plan.change != Change::Become || !terminals.are_in_reach() {
        return run_here(plan, &mut reporter);
    }
    let user = plan.identity.uid;
    match terminal::run(&terminals, user, || run_here(plan, &mut Reporter::of_program("futo")).code()) {
        Ok(code) => Exit::of_worker(code),
        Err(errno) => without_session(errno, &reporter),
    }
}

fn without_session(errno: Errno, reporter: &Reporter) -> Exit {
    let text = format!("unable to create a session for the worker: {}", reason(errno));
    reporter.say_at_shell(Level::Fatal, &text, None);
    Exit::SYSTEM
}

/// Runs the worker in place of this process.
fn run_here(plan: Plan, reporter: &mut Reporter) -> Exit {
    match drop::become_user(plan) {
        Ok(dropped) => run::run_in_foreground(&dropped, reporter),
        Err(error) => {
            reporter.finding(Level::Fatal, &error.into());
            Exit::SYSTEM
        }
    }
}
