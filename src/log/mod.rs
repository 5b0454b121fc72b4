//! The worker's log, opened for appending. The worker writes to the file itself; the launcher opens it before each run
//! and rotates it between runs, as the user, following no links.

mod beside;
mod compress;
mod open;
mod pump;
pub(crate) mod remedy;
mod rotate;
mod stamp;
mod tail;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat};

use open::{OpenedLog, open};
use pump::state::lock_of;
pub(crate) use pump::state::{PumpState, SUFFIX};
pub(crate) use rotate::{compressed, lock_names, numbered};
pub(crate) use stamp::time_of_line;

use crate::config::spec::{LogRules, LogWriter};
use crate::config::value::ByteSize;
use crate::error::{Finding, reason};
use crate::plan::{LogPlan, Plan};
use crate::report::{OwnLines, Reporter, Topic};
use crate::sys::spawn::Join;
use pump::NoPump;
pub(crate) use pump::Pump;
pub(crate) use remedy::remedy_on_volume;

/// How long the last lines of a run are waited for.
const SETTLES: Duration = Duration::from_millis(500);
/// The same of all lines, where nothing is left to do but to end.
const SETTLES_AS_INIT: Duration = Duration::from_secs(2);

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
    /// Through a pump to this file.
    Pumped {
        /// The pump.
        pump: Rc<Pump>,
        /// The run's end of its pipe.
        end: Rc<OwnedFd>,
        /// The file's path, absolute.
        path: PathBuf,
        /// Its number and its length when the run's output began.
        inode: u64,
        /// In bytes.
        length: u64,
    },
    /// To the inherited stdout (`--log -`).
    Inherited,
    /// To the inherited stderr, since the file cannot be opened.
    Unavailable,
    /// To /dev/null (`--log none`), which is open.
    Discarded(Rc<OwnedFd>),
}

/// What a log is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A run: a log that is too large is rotated before it.
    Run,
    /// To be opened once more while a worker may be writing.
    Again,
    /// Our own lines, where nothing is run.
    OwnLines,
}

impl Log {
    /// Opens the log of the plan, and lets our own lines go there too. What is wrong is reported, and the worker
    /// runs all the same. A pump of `before` continues. `handled` are the signals that this process handles.
    pub fn open(
        plan: &Plan,
        opening: Opening,
        before: Option<&Log>,
        handled: &[i32],
        reporter: &mut Reporter,
    ) -> Log {
        let path = match &plan.log {
            LogPlan::File(path) => path,
            LogPlan::Inherited | LogPlan::Logger => return Log::Inherited,
            LogPlan::Discarded => return Log::discard(reporter),
        };
        let has_pump = plan.log_rules.writer == LogWriter::Pump && opening != Opening::OwnLines;
        if let (true, Some(Log::Pumped { pump, .. })) = (has_pump, before) {
            let trouble = pump.revive(handled).err().map(|errno| {
                let text =
                    format!("unable to restart the pump of log '{}': {}", path.display(), reason(errno));
                Finding::trouble(text, None)
            });
            reporter.trouble(Topic::Pump, trouble);
            if plan.log_rules.gzip && opening == Opening::Run {
                compress::start_at(path, plan.log_rules.keep, handled, reporter);
            }
            return Log::pumped(Rc::clone(pump), &plan.directory.join(path));
        }
        let rules = match opening {
            Opening::Run if !has_pump => plan.log_rules,
            Opening::Run | Opening::Again | Opening::OwnLines => {
                LogRules { size: ByteSize(0), ..plan.log_rules }
            }
        };
        let opened = open(path, rules, &plan.identity).and_then(|OpenedLog { file, length, note }| {
            let log = match has_pump {
                true => start_pump(plan, path, handled)?,
                false => Log::File { file: Rc::new(file), path: path.clone(), length },
            };
            Ok((log, note))
        });
        match opened {
            Ok((log, note)) => {
                reporter.set_log(log.own_lines());
                reporter.trouble(Topic::Log, note);
                if plan.log_rules.gzip && opening == Opening::Run && !has_pump {
                    compress::start_at(path, plan.log_rules.keep, handled, reporter);
                }
                log
            }
            Err(trouble) => {
                reporter.set_log(None);
                reporter.trouble(Topic::Log, Some(trouble));
                Log::Unavailable
            }
        }
    }

    fn discard(reporter: &mut Reporter) -> Log {
        let opened = nix::fcntl::open("/dev/null", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty());
        let trouble = |errno| {
            let text =
                format!("unable to open '/dev/null': {}; output goes to the inherited stderr", reason(errno));
            Finding::trouble(text, None)
        };
        match opened.map_err(trouble) {
            Ok(file) => Log::Discarded(Rc::new(file)),
            Err(trouble) => {
                reporter.trouble(Topic::Log, Some(trouble));
                Log::Unavailable
            }
        }
    }

    /// From here on a run's output goes through the pump.
    fn pumped(pump: Rc<Pump>, path: &Path) -> Log {
        let status = nix::sys::stat::lstat(path);
        let (inode, length) = status.map_or((0, 0), |status| (status.st_ino, status.st_size));
        let (path, length) = (path.to_path_buf(), u64::try_from(length).unwrap_or(0));
        Log::Pumped { end: pump.end_for_run(), pump, path, inode, length }
    }

    /// Where our own lines go.
    fn own_lines(&self) -> Option<OwnLines> {
        match self {
            // what an earlier worker has left may still have a pump
            Log::File { file, path, .. } => {
                Some(OwnLines { to: Rc::clone(file), turn: lock_of(path).map(Rc::new) })
            }
            Log::Pumped { pump, .. } => Some(OwnLines { to: pump.end_for_own_lines(), turn: None }),
            Log::Inherited | Log::Unavailable | Log::Discarded(_) => None,
        }
    }

    /// The pump, to be looked after.
    pub(crate) fn pump(&self) -> Option<Rc<Pump>> {
        match self {
            Log::Pumped { pump, .. } => Some(Rc::clone(pump)),
            Log::File { .. } | Log::Inherited | Log::Unavailable | Log::Discarded(_) => None,
        }
    }

    /// The last lines of the run that began when this was opened.
    pub fn last_lines(&self) -> Vec<String> {
        match self {
            Log::File { file, path, length } => tail::last_lines(file, path, *length),
            Log::Pumped { pump, path, inode, length, .. } => {
                pump.settle(SETTLES);
                tail::last_lines_at(path, *inode, *length)
            }
            Log::Inherited | Log::Unavailable | Log::Discarded(_) => Vec::new(),
        }
    }

    /// As PID 1, with which the kernel ends all other processes: waits until the pump has written everything.
    pub fn settle_as_init(&self) {
        if let Log::Pumped { pump, .. } = self
            && nix::unistd::getpid().as_raw() == 1
        {
            pump.settle_with_copies(SETTLES_AS_INIT);
        }
    }

    /// Warns if the file has become shorter than it was at the start of the run: a program that opens
    /// /dev/stderr or /dev/stdout by name empties what they lead to, and nothing but a pipe prevents it.
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

    /// The number of the descriptor for the worker's stdout and stderr.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.output().map(|output| output.as_raw_fd())
    }

    /// The descriptor for the worker's stdout and stderr.
    pub fn output(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Log::File { file, .. } | Log::Discarded(file) => Some(file.as_fd()),
            Log::Pumped { end, .. } => Some(end.as_fd()),
            Log::Inherited | Log::Unavailable => None,
        }
    }

    /// The inherited descriptor used for both if there is none.
    pub fn join(&self) -> Join {
        match self {
            Log::Unavailable => Join::StdoutToStderr,
            Log::File { .. } | Log::Inherited | Log::Pumped { .. } | Log::Discarded(_) => {
                Join::StderrToStdout
            }
        }
    }
}

fn start_pump(plan: &Plan, path: &Path, handled: &[i32]) -> Result<Log, Finding> {
    let path = plan.directory.join(path);
    let no_pump = |why: NoPump| {
        let text = format!(
            "unable to start the pump of log '{}': {why}; output goes to the inherited stderr",
            path.display()
        );
        Finding::trouble(text, why.remedy(&path, plan.identity.uid))
    };
    let pump = Pump::start(plan.name.as_str(), &path, plan.log_rules, handled).map_err(no_pump)?;
    Ok(Log::pumped(Rc::new(pump), &path))
}
