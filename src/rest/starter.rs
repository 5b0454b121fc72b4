//! What started this launcher, and whether a rest is useful there.

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getppid};

use crate::machine::Machine;
use crate::plan::{Plan, Supervision};
use crate::report::Reporter;
use crate::service::layout;
use crate::service::supervision::Status;

/// The process that started this one, and its kind; determined on first use.
#[derive(Debug, Default)]
pub(super) struct Starter(Option<(Pid, Supervision)>);

impl Starter {
    /// Whether it restarts `run`, so that a rest is useful.
    pub(super) fn supervises(&mut self, plan: &Plan) -> bool {
        self.find(plan).1 == Supervision::Supervised
    }

    /// This process's parent, if it is the one that can stop it: a supervisor, or the shell of its run script.
    pub(super) fn supervisor(&mut self, plan: &Plan) -> Option<Pid> {
        match self.find(plan) {
            (_, Supervision::None) => None,
            (parent, Supervision::Supervised | Supervision::Left(_) | Supervision::UnderShell(_)) => {
                Some(*parent)
            }
        }
    }

    /// Reports why the launcher does not rest, if determined.
    pub(super) fn report_why_no_rest(&self, plan: &Plan, reporter: &Reporter) {
        self.0.iter().for_each(|(_, supervision)| report_why_no_rest(supervision, plan, reporter));
    }

    /// Looked at as the user.
    fn find(&mut self, plan: &Plan) -> &(Pid, Supervision) {
        self.0.get_or_insert_with(|| (getppid(), supervision(plan)))
    }
}

/// The relation to a supervisor that restarts this process: none restarts programs other than `run`.
fn supervision(plan: &Plan) -> Supervision {
    match Supervision::find(plan.place, &plan.directory, &Machine) {
        Supervision::Supervised if is_in_finish() => Supervision::None,
        supervision => supervision,
    }
}

/// Without the supervisor's signals a rest would never end.
pub(super) fn report_why_no_rest(supervision: &Supervision, plan: &Plan, reporter: &Reporter) {
    if let Some(quirk) = supervision.quirk(&plan.directory) {
        reporter.info(&format!("not resting: {}", quirk.text));
        quirk.hint.iter().for_each(|hint| reporter.hint(hint));
    }
}

/// Whether the supervisor is executing `finish`: s6 kills it after a timeout, and does not restart it. Checked as the
/// user, who may own the directory.
pub(super) fn is_in_finish() -> bool {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let supervise = nix::fcntl::open(layout::SUPERVISE, flags, Mode::empty());
    let status = supervise.ok().and_then(|supervise| Status::read(supervise).ok());
    status.is_some_and(|status| status.is_finishing)
}
