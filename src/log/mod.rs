//! The worker's log: plain append. The worker writes to the file itself; the launcher opens it before
//! each run and rotates it between runs. All as the user, no link followed.

mod open;
mod rotate;
pub mod tail;

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::rc::Rc;

pub use open::{LogTrouble, OpenedLog, open};

use crate::plan::{LogPlan, Plan};
use crate::report::Reporter;
use crate::sys::spawn::Join;

/// Where a run's stdout and stderr go.
#[derive(Debug)]
pub enum Log {
    /// To this file.
    File {
        /// Open for appending.
        file: Rc<OwnedFd>,
        /// Where it is.
        path: PathBuf,
        /// Its length when opened: where this run's output begins.
        length: u64,
    },
    /// To the inherited stdout (`--log -`).
    Inherited,
    /// To the inherited stderr: the file cannot be opened.
    Unavailable,
}

impl Log {
    /// Opens the log of the plan and lets our own lines go there too. What is wrong is said, unless it is
    /// what was said last, and the worker runs all the same.
    pub fn open(plan: &Plan, reporter: &mut Reporter) -> Log {
        let (log, trouble) = Log::try_open(plan);
        log.share_with(reporter);
        let is_new = reporter.is_new_log_trouble(trouble.as_ref().map(|trouble| trouble.text.as_str()));
        if let Some(trouble) = trouble.filter(|_| is_new) {
            trouble.say(reporter);
        }
        log
    }

    fn try_open(plan: &Plan) -> (Log, Option<LogTrouble>) {
        let LogPlan::File(path) = &plan.log else {
            return (Log::Inherited, None);
        };
        match open(path, plan.log_rules, &plan.identity) {
            Ok(OpenedLog { file, length, note }) => {
                (Log::File { file: Rc::new(file), path: path.clone(), length }, note)
            }
            Err(trouble) => (Log::Unavailable, Some(trouble)),
        }
    }

    /// Lets our own lines go there too.
    fn share_with(&self, reporter: &mut Reporter) {
        reporter.set_log(match self {
            Log::File { file, .. } => Some(Rc::clone(file)),
            Log::Inherited | Log::Unavailable => None,
        });
    }

    /// The descriptor for the worker's stdout and stderr.
    pub fn descriptor(&self) -> Option<RawFd> {
        match self {
            Log::File { file, .. } => Some(file.as_raw_fd()),
            Log::Inherited | Log::Unavailable => None,
        }
    }

    /// Which inherited descriptor both become where there is none.
    pub fn join(&self) -> Join {
        match self {
            Log::Unavailable => Join::StdoutToStderr,
            Log::File { .. } | Log::Inherited => Join::StderrToStdout,
        }
    }
}
