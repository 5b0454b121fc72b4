//! The worker's log, opened for appending. The worker writes to the file itself; the launcher opens it before each run
//! and rotates it between runs, as the user, following no links.

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
        /// Its length when opened, where the output of this run starts.
        length: u64,
    },
    /// To the inherited stdout (`--log -`).
    Inherited,
    /// To the inherited stderr, since the file cannot be opened.
    Unavailable,
}

/// Whether a log that exceeds its size may be rotated now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Between runs.
    WhenDue,
    /// While a worker may be writing.
    Never,
}

impl Log {
    /// Opens the plan's log, and sends the launcher's own lines there too. A failure is reported, and the worker still
    /// runs.
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

    /// Warns if the file is shorter than at the start of the run: opening /dev/stderr or /dev/stdout by name can
    /// truncate the file behind it, which only a pipe prevents.
    pub fn report_truncation(&self, reporter: &mut Reporter) {
        let Log::File { file, path, length } = self else { return };
        let is_shorter = fstat(file).is_ok_and(|status| u64::try_from(status.st_size).unwrap_or(0) < *length);
        let trouble = is_shorter.then(|| {
            let text = format!("log '{}' was truncated during a run: earlier lines are lost", path.display());
            let remedy = "opening /dev/stderr or /dev/stdout by name truncates it: make the worker append (>>), or use \
                          --log -";
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

    /// The inherited descriptor used for both if there is none.
    pub fn join(&self) -> Join {
        match self {
            Log::Unavailable => Join::StdoutToStderr,
            Log::File { .. } | Log::Inherited => Join::StderrToStdout,
        }
    }
}
