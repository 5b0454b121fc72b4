//! `futo try NAME`: one run in the foreground, as the service would run it.

use std::ffi::OsString;

use super::options::{Command, Words};
use super::services::Entered;
use super::{CommandError, services};
use crate::config::Spec;
use crate::config::settings::LogTarget;
use crate::error::Findings;
use crate::exit::Exit;
use crate::observe::as_under_supervisor;
use crate::report::{Level, Reporter};
use crate::{drop, run};

pub(super) const COMMAND: Command = Command {
    name: "try",
    operands: "NAME|DIR",
    help: "run a service's worker once, here, with its environment, user and directory",
    more: "Without log, run record, timing or readiness; leaves as the worker does. The environment is the service's \
           own: of the shell's only PATH (unless the container has one) and TERM are kept.",
    options: &[services::SCAN_DIR, services::FROM],
    launch_options: false,
    run: try_run,
};

fn try_run(words: Words) -> Result<Exit, CommandError> {
    let entered = services::enter_one(COMMAND.name, &words)?;
    Ok(as_under_supervisor(|| run_once(entered)))
}

fn run_once(entered: Entered) -> Exit {
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
    match drop::become_user(plan) {
        Ok(dropped) => run::run_in_foreground(&dropped, &mut reporter),
        Err(error) => {
            reporter.finding(Level::Fatal, &error.into());
            Exit::SYSTEM
        }
    }
}
