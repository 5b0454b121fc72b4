//! The launcher of a service, from the live process: its arguments are what it runs with, whatever the run script
//! around it looks like, and can be neither missing nor out of date.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Gid, Uid};

use super::reason::Reason;
use crate::record::RunRecord;
use crate::service::launcher::{self, NAME};
use crate::service::layout;
use crate::sys::proc::{self, Halt, ProcessStat};
use crate::trust::{Rights, Trust};

/// A run script without `exec` is a shell or two above the launcher.
const DEEPEST: usize = 3;
/// More processes of one service than this are not inspected.
const MOST: usize = 64;
/// A launcher with more arguments,
const MOST_WORDS: usize = 1000;
/// or more bytes of them, is not read: the plan that is made of them takes many times as much memory.
const MOST_BYTES: usize = 64 << 10;
/// The children of these are services of their own.
const SUPERVISORS: [&[u8]; 6] =
    [b"s6-supervise", b"s6-svscan", b"runsv", b"runsvdir", b"supervise", b"svscan"];

/// A running futo-launch.
#[derive(Clone)]
pub struct Launcher {
    /// Its pid.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
    /// How long ago that was.
    pub age: Duration,
    /// What has stopped it, if something has.
    pub halt: Option<Halt>,
    /// Its arguments, without the program's name.
    pub words: Vec<OsString>,
    /// Its user and group, if it has only these.
    pub ids: Option<(Uid, Gid)>,
    /// The rights that its arguments carry; none if their author is unknown.
    pub(crate) rights: Option<Rights>,
    /// Its working directory, where this process may read it.
    pub directory: Option<PathBuf>,
    /// The HOME it was executed with, where this process may read its variables.
    pub home: Option<OsString>,
    /// Its children, where these can be read.
    pub children: Option<Children>,
}

/// The children of a launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// There are none.
    None,
    /// At least one, the oldest of which is this old.
    For(Duration),
}

impl Children {
    fn of(pid: i32) -> Option<Self> {
        let ages =
            proc::children(pid).ok()?.into_iter().take(MOST).filter_map(|child| proc::stat(child).ok());
        Some(ages.map(|stat| stat.age()).max().map_or(Children::None, Children::For))
    }
}

/// Its arguments may contain a secret.
impl std::fmt::Debug for Launcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "launcher {}, started at tick {}", self.pid, self.started)
    }
}

/// The process that a supervisor has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// There is none, or it has just ended.
    None,
    /// It cannot be inspected.
    Unknown(Reason),
    /// Stopped by SIGSTOP or a tracer, possibly without the supervisor's knowledge.
    Stopped(Halt),
    /// It runs.
    Runs,
    /// It is the interpreter of the run script, which has not started a launcher.
    InRunScript,
}

impl Process {
    /// The process of this pid, and the launcher that it is or has started.
    pub(super) fn inspect(pid: i32, trust: &Trust) -> (Self, Option<Launcher>) {
        match find_launcher(pid, trust) {
            // reaped by its supervisor in a moment
            Ok((stat, _)) if stat.is_dead() => (Process::None, None),
            Ok((stat, launcher)) => {
                let halt = stat.halt().or(launcher.as_ref().and_then(|launcher| launcher.halt));
                let is_in_script = || proc::command_line(pid).is_ok_and(|words| is_run_script(&words));
                let process = match (halt, &launcher) {
                    (Some(halt), _) => Process::Stopped(halt),
                    (None, None) if is_in_script() => Process::InRunScript,
                    (None, _) => Process::Runs,
                };
                (process, launcher)
            }
            Err(error) if is_gone(&error) && proc::own_stat().is_ok() => (Process::None, None),
            Err(error) => {
                let why = Reason::of_io(&format!("unable to read '/proc/{pid}'"), &error);
                (Process::Unknown(why), None)
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The process of this pid, and the first launcher among it and its children.
fn find_launcher(leader: i32, trust: &Trust) -> io::Result<(ProcessStat, Option<Launcher>)> {
    let stat = proc::stat(leader)?;
    let mut todo = VecDeque::from([(leader, stat, 0)]);
    let mut inspected = 0;
    while let Some((pid, stat, depth)) = todo.pop_front() {
        let words = match proc::command_line(pid) {
            Ok(words) => words,
            Err(error) if pid == leader => return Err(error),
            Err(_) => continue,
        };
        if let Some(words) = words_of_launcher(pid, &words) {
            let bytes: usize = words.iter().map(|word| word.len() + 1).sum();
            if words.len() > MOST_WORDS || bytes > MOST_BYTES {
                return Err(io::Error::other(format!(
                    "{NAME} has more than {MOST_WORDS} arguments, or more than {} KiB of them",
                    MOST_BYTES >> 10
                )));
            }
            return Ok((stat, Some(Launcher::of(pid, stat, words.to_vec(), trust))));
        }
        // what a daemon, a desktop or a terminal of the service has started does not belong to its run script
        if pid == leader && !is_run_script(&words) {
            break;
        }
        let is_supervisor = words.first().is_some_and(|word| SUPERVISORS.contains(&basename(word)));
        if is_supervisor || depth == DEEPEST {
            continue;
        }
        // on a kernel without these lists only the leader is known
        for child in proc::children(pid).unwrap_or_default() {
            inspected += 1;
            if inspected > MOST {
                break;
            }
            if let Ok(stat) = proc::stat(child) {
                todo.push_back((child, stat, depth + 1));
            }
        }
    }
    Ok((stat, None))
}

/// The arguments, if this is a launcher: by its first word, else by the file that it executes.
fn words_of_launcher(pid: i32, words: &[OsString]) -> Option<&[OsString]> {
    let (name, words) = words.split_first()?;
    let is_launcher = launcher::is_launcher(name) || proc::program(pid).is_ok_and(launcher::is_launcher);
    is_launcher.then_some(words)
}

/// Whether this is an interpreter that executes a run script: `/bin/sh -e ./run NAME`.
fn is_run_script(words: &[OsString]) -> bool {
    words.iter().skip(1).take(3).any(|word| basename(word) == layout::RUN.as_bytes())
}

fn basename(word: &OsStr) -> &[u8] {
    Path::new(word).file_name().map(OsStr::as_bytes).unwrap_or_default()
}

impl Launcher {
    fn of(pid: i32, stat: ProcessStat, words: Vec<OsString>, trust: &Trust) -> Self {
        Launcher {
            pid,
            started: stat.started,
            age: stat.age(),
            halt: stat.halt(),
            words,
            ids: proc::ids(pid)
                .ok()
                .and_then(|ids| Some((Uid::from_raw(ids.only_uid()?), Gid::from_raw(ids.only_gid()?)))),
            rights: trust.rights_of_process(pid),
            directory: proc::working_directory(pid).ok(),
            home: proc::variable(pid, "HOME").ok().flatten(),
            children: Children::of(pid),
        }
    }

    /// Whether it wrote this record. A record without the start of its writer, from an older version, is matched by the
    /// pid alone.
    pub(super) fn wrote(&self, record: &RunRecord) -> bool {
        record.pid == self.pid && record.pid_started.is_none_or(|started| started == self.started)
    }

    /// Why the record does not describe this launcher, if another one wrote it.
    pub(super) fn doubts(&self, record: &RunRecord, path: &Path) -> Option<String> {
        (!self.wrote(record)).then(|| {
            let (path, pid, other) = (path.display(), self.pid, writer(record).unwrap_or_default());
            format!("run record '{path}' was written by another launcher{other}, not by pid {pid}")
        })
    }
}

/// The launcher that wrote a record, if it still runs, and its service: two services may have one name. The record is
/// user-owned and may name any process.
fn writer(record: &RunRecord) -> Option<String> {
    let (pid, started) = (record.pid, record.pid_started?);
    proc::stat(pid).ok().filter(|stat| !stat.is_dead() && stat.started == started)?;
    words_of_launcher(pid, &proc::command_line(pid).ok()?)?;
    let directory = proc::working_directory(pid).ok();
    let service = directory.as_deref().and_then(Path::file_name);
    let service = service.map_or(String::new(), |name| format!(", service '{}'", name.to_string_lossy()));
    Some(format!(" (pid {pid}{service})"))
}
