//! The worker's log: plain append. The worker writes to the file itself; the launcher opens it before
//! each run and rotates it between runs. All as the user, no link followed.

mod open;
pub(crate) mod remedy;
mod rotate;
pub mod tail;

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::rc::Rc;

use nix::sys::stat::fstat;

pub(crate) use open::remedy_on_volume;
use open::{OpenedLog, open};

use crate::config::spec::LogRules;
use crate::config::value::ByteSize;
use crate::error::Finding;
use crate::plan::{LogPlan, Plan};
use crate::report::{Reporter, Topic};
use crate::sys::spawn::Join;

/// Where a run's stdout and stderr go.
#[derive(Clone, Debug)]
pub enum Log {
    /// To this file.
    File {
        /// Open for appending.
        file: Rc<OwnedFd>,
        /// Its path.
        path: PathBuf,
        /// Its length when opened: where this run's output begins.
        length: u64,
    },
    /// To the inherited stdout (`--log -`).
    Inherited,
    /// To the inherited stderr: the file cannot be opened.
    Unavailable,
}

/// Whether a log that is too large may be rotated now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Between runs.
    WhenDue,
    /// While a worker may be writing.
    Never,
}

impl Log {
    /// Opens the log of the plan, and lets our own lines go there too. What is wrong is reported, and the worker
    /// runs all the same.
    pub fn open(plan: &Plan, rotation: Rotation, reporter: &mut Reporter) -> Log {
        let LogPlan::File(path) = &plan.log else {
            return Log::Inherited;
        };
        let rules = match rotation {
            Rotation::WhenDue => plan.log_rules,
            Rotation::Never => LogRules { size: ByteSize(u64::MAX), ..plan.log_rules },
        };
        match open(path, rules, &plan.identity) {
            Ok(OpenedLog { file, length, note }) => {
                let file = Rc::new(file);
                reporter.set_log(Some(Rc::clone(&file)));
                reporter.trouble(Topic::Log, note);
                Log::File { file, path: path.clone(), length }
            }
            Err(trouble) => {
                reporter.set_log(None);
                reporter.trouble(Topic::Log, Some(trouble));
                Log::Unavailable
            }
        }
    }

    /// Warns if the file has become shorter than it was at the start of the run: a program that opens
    /// /dev/stderr or /dev/stdout by name empties what they lead to, and nothing but a pipe prevents it.
    pub fn report_truncation(&self, reporter: &mut Reporter) {
        let Log::File { file, path, length } = self else { return };
        let is_shorter = fstat(file).is_ok_and(|status| u64::try_from(status.st_size).unwrap_or(0) < *length);
        let trouble = is_shorter.then(|| {
            let text = format!("log '{}' was truncated during a run: earlier lines are lost", path.display());
            let remedy = "a worker that opens /dev/stderr or /dev/stdout by name does this: let it append (>>), or \
                          use --log -";
            Finding::trouble(text, Some(remedy.to_string()))
        });
        reporter.trouble(Topic::Truncation, trouble);
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
