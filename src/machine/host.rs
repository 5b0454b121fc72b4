//! The machine as the plan sees it: everything besides argv that a plan depends on, in one trait that tests fake.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::resource::Resource;
use nix::sys::stat::SFlag;
use nix::unistd::{Gid, Uid};

use super::envdir::{self, Entry, EnvdirError, Form};
use super::ownership::belongs_to_root;
use crate::error::{exit_of, exit_of_io};
use crate::exit::Exit;
use crate::service::layout;
use crate::sys;
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// The inputs of a plan, read-only.
pub trait Host {
    /// Real, effective and saved uid.
    fn uids(&self) -> [Uid; 3];
    /// Real, effective and saved gid.
    fn gids(&self) -> [Gid; 3];
    /// Supplementary groups.
    fn groups(&self) -> Vec<Gid>;
    /// /etc/passwd
    fn passwd(&self) -> io::Result<Vec<u8>>;
    /// /etc/group
    fn group(&self) -> io::Result<Vec<u8>>;
    /// The inherited environment.
    fn environment(&self) -> Vec<(OsString, OsString)>;
    /// The working directory with links resolved, as set by the supervisor.
    fn working_directory(&self) -> io::Result<PathBuf>;
    /// Whether the working directory contains a file named `run`. A directory of that name, as in `/`, does not make
    /// it a service directory.
    fn has_run(&self) -> io::Result<bool>;
    /// Whether its parent does (the working directory then belongs to a logger).
    fn parent_has_run(&self) -> io::Result<bool>;
    /// Whether the working directory has a logger of its own, which its supervisor hands the output to.
    fn has_logger(&self) -> bool;
    /// Whether it holds a directory named `supervise`.
    fn has_supervise(&self) -> bool;
    /// The name of the parent process (0) or its parent (1): the first 15 bytes of its executable's name. None if it
    /// is not visible.
    fn ancestor(&self, generation: usize) -> Option<String>;
    /// The parent's working directory with links resolved; none if it is not readable.
    fn parent_directory(&self) -> Option<PathBuf>;
    /// Whether this process is a session leader, as are the processes s6 starts.
    fn leads_session(&self) -> bool;
    /// Whether this is the first process of its PID namespace.
    fn is_init(&self) -> bool;
    /// The text of a regular file, no link followed, and whether the path belongs to root.
    fn read_service_file(&self, path: &Path, most: usize) -> io::Result<(String, bool)>;
    /// The variables in the files of a directory. As root, requires the directory and its files to be root-owned.
    fn read_envdir(&self, directory: &Path) -> Result<Vec<(OsString, OsString)>, EnvdirError>;
    /// A variable from the parent process's initial environment; none if it is not readable.
    fn parent_variable(&self, name: &str) -> io::Result<Option<OsString>>;
    /// The current limits, soft and hard.
    fn limit(&self, resource: Resource) -> io::Result<(u64, u64)>;
    /// The current out-of-memory score adjustment.
    fn oom_score_adj(&self) -> io::Result<i32>;

    /// Whether the launcher is root.
    fn is_root(&self) -> bool {
        self.uids().get(1).is_some_and(|effective| effective.is_root())
    }
}

/// Whether this is a regular file, or a link to one.
fn has_regular(path: &Path) -> io::Result<bool> {
    match nix::sys::stat::stat(path) {
        Ok(status) => Ok(sys::file::kind(&status) == SFlag::S_IFREG),
        Err(errno) if exit_of(errno) == Exit::EDIT => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The text of a settings file.
pub(crate) fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    if sys::file::is_utf_16(&bytes) {
        return Err(io::Error::other("it is in UTF-16: save it as UTF-8"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// The real machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Host for Machine {
    fn uids(&self) -> [Uid; 3] {
        match nix::unistd::getresuid() {
            Ok(ids) => [ids.real, ids.effective, ids.saved],
            Err(_) => [nix::unistd::getuid(), nix::unistd::geteuid(), nix::unistd::geteuid()],
        }
    }

    fn gids(&self) -> [Gid; 3] {
        match nix::unistd::getresgid() {
            Ok(ids) => [ids.real, ids.effective, ids.saved],
            Err(_) => [nix::unistd::getgid(), nix::unistd::getegid(), nix::unistd::getegid()],
        }
    }

    fn groups(&self) -> Vec<Gid> {
        nix::unistd::getgroups().unwrap_or_default()
    }

    fn passwd(&self) -> io::Result<Vec<u8>> {
        sys::file::read_to_end(Path::new("/etc/passwd"))
    }

    fn group(&self) -> io::Result<Vec<u8>> {
        sys::file::read_to_end(Path::new("/etc/group"))
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn working_directory(&self) -> io::Result<PathBuf> {
        Ok(nix::unistd::getcwd()?)
    }

    fn has_run(&self) -> io::Result<bool> {
        has_regular(Path::new(layout::RUN))
    }

    fn parent_has_run(&self) -> io::Result<bool> {
        has_regular(Path::new("../run"))
    }

    fn has_logger(&self) -> bool {
        has_regular(Path::new(layout::LOG_RUN)).unwrap_or(false)
    }

    fn has_supervise(&self) -> bool {
        Path::new(layout::SUPERVISE).is_dir()
    }

    fn ancestor(&self, generation: usize) -> Option<String> {
        let mut pid = nix::unistd::getppid().as_raw();
        for _ in 0..generation {
            pid = sys::process::parent_of(pid)?;
        }
        let name = sys::file::read_to_end(Path::new(&format!("/proc/{pid}/comm"))).ok()?;
        Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
    }

    fn parent_directory(&self) -> Option<PathBuf> {
        let link = format!("/proc/{}/cwd", nix::unistd::getppid());
        nix::fcntl::readlink(Path::new(&link)).ok().map(PathBuf::from)
    }

    fn leads_session(&self) -> bool {
        nix::unistd::getsid(None) == Ok(nix::unistd::getpid())
    }

    fn is_init(&self) -> bool {
        nix::unistd::getpid().as_raw() == 1
    }

    fn read_service_file(&self, path: &Path, most: usize) -> io::Result<(String, bool)> {
        // root does not follow a user-owned link: a finding may quote the file
        let file = nofollow::open_regular_for(Privilege::current(), path)?;
        let text = text_of(sys::file::read_at_most(file, most)?)?;
        Ok((text, belongs_to_root(path)?))
    }

    fn read_envdir(&self, directory: &Path) -> Result<Vec<(OsString, OsString)>, EnvdirError> {
        let of_directory = |source| EnvdirError { file: None, source };
        sys::file::look_for(directory).map_err(|errno| of_directory(errno.into()))?;
        let is_root = self.is_root();
        let foreign = || io::Error::other("it is writable by non-root users");
        if is_root && !belongs_to_root(directory).map_err(|errno| of_directory(errno.into()))? {
            return Err(of_directory(foreign()));
        }
        let mut variables = Vec::new();
        for Entry { name, path, content } in
            envdir::read(directory, Form::WholeFile, OFlag::O_NOFOLLOW, |_| Ok(())).map_err(of_directory)?
        {
            let read = content.and_then(|(value, status)| {
                let may_be_read = !is_root || nofollow::belongs_to_root_alone(&status);
                if may_be_read { Ok(value) } else { Err(foreign()) }
            });
            match read {
                Ok(value) => variables.extend(value.map(|value| (name, value))),
                Err(source) => return Err(EnvdirError { file: Some(path), source }),
            }
        }
        Ok(variables)
    }

    fn parent_variable(&self, name: &str) -> io::Result<Option<OsString>> {
        let path = format!("/proc/{}/environ", nix::unistd::getppid());
        let environment = match sys::file::read_to_end(Path::new(&path)) {
            Err(error) if exit_of_io(&error) == Exit::EDIT => return Ok(None),
            environment => environment?,
        };
        Ok(environment.split(|byte| *byte == 0).find_map(|variable| {
            let value = variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsStr::from_bytes(value).to_os_string())
        }))
    }

    fn limit(&self, resource: Resource) -> io::Result<(u64, u64)> {
        Ok(nix::sys::resource::getrlimit(resource)?)
    }

    fn oom_score_adj(&self) -> io::Result<i32> {
        let bytes = sys::file::read_to_end(Path::new("/proc/self/oom_score_adj"))?;
        let text = String::from_utf8_lossy(&bytes);
        text.trim().parse().map_err(|_| io::Error::from(Errno::EINVAL))
    }
}
