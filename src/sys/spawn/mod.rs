//! Starting a worker without copying the launcher: clone with shared memory, like posix_spawn, plus the parent-death
//! signal, which posix_spawn does not support.
//!
//! The parent sleeps until the child has executed the program or exited. Everything is allocated beforehand; the child
//! only makes system calls, and reports (step, errno) through the shared memory instead of an error pipe.
#![expect(unsafe_code, reason = "clone, execve and what the child does between them")]

mod stack;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::RawFd;
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::unistd::Pid;

use stack::Stack;

/// A null-terminated array of strings, as expected by the kernel.
#[derive(Debug, Default)]
pub struct Vector {
    texts: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Vector {
    /// Builds it from strings.
    pub fn new(texts: Vec<CString>) -> Self {
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        Vector { texts, pointers }
    }

    /// The strings, without the null pointer.
    pub fn texts(&self) -> &[CString] {
        &self.texts
    }
}

/// What to start and how.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Paths to try, in order, as from a search of PATH.
    pub candidates: &'a [CString],
    /// Program name and arguments.
    pub arguments: &'a Vector,
    /// `NAME=VALUE`
    pub environment: &'a Vector,
    /// The descriptor for stdout and stderr, if not the launcher's.
    pub output: Option<RawFd>,
    /// The inherited descriptor used for both without a log.
    pub join: Join,
    /// The working directory, if not the launcher's.
    pub directory: Option<&'a CStr>,
    /// The file mode creation mask, if not the launcher's.
    pub umask: Option<u32>,
    /// Resource limits.
    pub limits: &'a [Limit],
    /// Signals that the launcher handles and the worker must not.
    pub handled: &'a [c_int],
    /// Whether the worker's group becomes the terminal's foreground group.
    pub foreground: bool,
}

/// A resource limit, in the kernel's form.
#[derive(Clone, Copy)]
pub struct Limit(libc::__rlimit_resource_t, libc::rlimit);

impl Limit {
    /// The soft and the hard limit of a resource.
    pub fn new(resource: nix::sys::resource::Resource, soft: u64, hard: u64) -> Self {
        Limit(resource as libc::__rlimit_resource_t, libc::rlimit { rlim_cur: soft, rlim_max: hard })
    }

    /// Limits this process. Only makes a system call.
    pub fn set(&self) -> Result<(), Errno> {
        // SAFETY: a number and a live struct
        Errno::result(unsafe { libc::setrlimit(self.0, &raw const self.1) }).map(drop)
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}={}:{}", self.0, self.1.rlim_cur, self.1.rlim_max)
    }
}

/// How stdout and stderr are merged without a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `--log -`: stderr joins the inherited stdout.
    StderrToStdout,
    /// The log cannot be opened: stdout joins the inherited stderr.
    StdoutToStderr,
}

/// The step at which the child failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its own process group.
    Group,
    /// The parent-death signal.
    DeathSignal,
    /// stdout and stderr.
    Output,
    /// The working directory.
    Directory,
    /// Resource limits.
    Limits,
    /// Executing the program.
    Execute,
}

/// Why the worker was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// The system refused a process.
    Clone(Errno),
    /// The child failed at a step.
    Child(Step, Errno),
}

struct Shared<'a> {
    launch: &'a Launch<'a>,
    parent: Pid,
    empty_mask: libc::sigset_t,
    default: libc::sigaction,
    failed: Option<(Step, Errno)>,
}

/// Starts the worker in a process group of its own, to be killed when the launcher dies.
pub fn spawn(launch: &Launch<'_>) -> Result<Pid, SpawnError> {
    // SAFETY: all-zero is a valid sigaction: the default disposition, no flags, an empty mask
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut shared = Shared {
        launch,
        parent: nix::unistd::getpid(),
        empty_mask: *SigSet::empty().as_ref(),
        default,
        failed: None,
    };
    let stack = Stack::map().map_err(SpawnError::Clone)?;

    // no handler may run in the child while it shares the launcher's memory
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))
        .map_err(SpawnError::Clone)?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: with CLONE_VFORK the parent is suspended until the child has released this memory, so stack and `shared`
    // outlive their use
    let pid = unsafe { libc::clone(child, stack.top(), flags, (&raw mut shared).cast::<c_void>()) };
    let pid = Errno::result(pid);
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);

    let pid = Pid::from_raw(pid.map_err(SpawnError::Clone)?);
    // SAFETY: a live, aligned local; read as volatile because the other process wrote it
    let failed = unsafe { ptr::read_volatile(&raw const shared.failed) };
    match failed {
        None => Ok(pid),
        Some((step, errno)) => {
            // it called _exit, and nothing else waits for it
            let _ = nix::sys::wait::waitpid(pid, None);
            Err(SpawnError::Child(step, errno))
        }
    }
}

/// The child, from clone to execve: system calls only.
extern "C" fn child(shared: *mut c_void) -> c_int {
    // SAFETY: the pointer passed by `spawn`, to a value that outlives its use here
    let shared = unsafe { &mut *shared.cast::<Shared<'_>>() };
    shared.failed = Some(prepare_and_execute(shared));
    // SAFETY: ends this process without running any cleanup of the parent's
    unsafe { libc::_exit(127) }
}

fn prepare_and_execute(shared: &Shared<'_>) -> (Step, Errno) {
    let launch = shared.launch;
    // SAFETY: takes two numbers
    if unsafe { libc::setpgid(0, 0) } != 0 {
        return (Step::Group, Errno::last());
    }
    // SAFETY: takes numbers
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return (Step::DeathSignal, Errno::last());
    }
    // the launcher may have died before the signal was armed SAFETY: changes nothing
    if unsafe { libc::getppid() } != shared.parent.as_raw() {
        return (Step::DeathSignal, Errno::ESRCH);
    }
    if launch.foreground {
        let group = nix::unistd::getpid().as_raw();
        // SAFETY: takes numbers; SIGTTOU is still blocked here, and a failure costs the worker only the terminal
        let _ = unsafe { libc::tcsetpgrp(0, group) };
    }
    if let Some(mask) = launch.umask {
        // SAFETY: takes a number
        unsafe { libc::umask(mask) };
    }
    if let Some(directory) = launch.directory {
        // SAFETY: a C string that the parent keeps alive
        if unsafe { libc::chdir(directory.as_ptr()) } != 0 {
            return (Step::Directory, Errno::last());
        }
    }
    for (from, to) in match (launch.output, launch.join) {
        (Some(log), _) => [(log, 1), (log, 2)],
        (None, Join::StderrToStdout) => [(1, 1), (1, 2)],
        (None, Join::StdoutToStderr) => [(2, 1), (2, 2)],
    } {
        // SAFETY: takes two numbers; 1 and 2 are the child's own copies
        if from != to && unsafe { libc::dup2(from, to) } < 0 {
            return (Step::Output, Errno::last());
        }
    }
    for limit in launch.limits {
        if let Err(errno) = limit.set() {
            return (Step::Limits, errno);
        }
    }
    for signal in launch.handled.iter().chain(&[libc::SIGPIPE, libc::SIGXFSZ]) {
        // SAFETY: sets a default; dispositions are not shared (no CLONE_SIGHAND)
        unsafe { libc::sigaction(*signal, &raw const shared.default, ptr::null_mut()) };
    }
    // SAFETY: a live signal set
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const shared.empty_mask, ptr::null_mut()) };
    (Step::Execute, execute_first(launch.candidates, launch.arguments, launch.environment))
}

/// Replaces this process with the first candidate that can be executed. Returns only if none can, with the most
/// relevant error: as with execvp, permission denied takes precedence over not found.
pub fn execute_first(candidates: &[CString], arguments: &Vector, environment: &Vector) -> Errno {
    let mut counts = Errno::ENOENT;
    for candidate in candidates {
        // SAFETY: C strings and null-ended vectors of them, all alive
        unsafe {
            libc::execve(candidate.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr())
        };
        match Errno::last() {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => counts = Errno::EACCES,
            errno => return errno,
        }
    }
    counts
}
