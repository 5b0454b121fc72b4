//! bash as the reference for a file of variables. Its process may belong to the author of the file, who can stop it,
//! take over its pipe and write to it endlessly. So it has a deadline, gets nothing from root, and its output is
//! bounded.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, Write as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::config::DEFAULT_USER;
use crate::error::reason_of;
use crate::machine::{Host, Machine, accounts, ownership};
use crate::service::search_path;
use crate::sys::clock::BootTime;

/// Why there is no result from bash.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompareError {
    #[error("unable to run 'bash': {}", reason_of(.0))]
    Run(#[from] io::Error),
    #[error("bash fails on it, although every line is a plain assignment")]
    Complains,
    #[error(
        "it is writable by non-root users, and there is no user '{DEFAULT_USER}' to run bash as: run this \
         as its owner"
    )]
    NotOwnedByRoot,
    #[error("bash did not finish within {} s", PATIENCE.as_secs())]
    Late,
    #[error("bash wrote more than {} MiB", MOST >> 20)]
    TooMuch,
}

pub(super) type VariableMap = BTreeMap<OsString, OsString>;

/// How long bash may run,
const PATIENCE: Duration = Duration::from_secs(10);
/// and how much it may write.
const MOST: usize = 16 << 20;
/// How often bash is checked for its end, in milliseconds.
const POLL_INTERVAL: u16 = 20;

/// The user that bash runs as.
pub(super) enum BashUser {
    /// The caller.
    Caller,
    /// abc: root asks, and others can write the file.
    User(accounts::PasswdEntry),
}

impl BashUser {
    /// By who can write the file.
    pub(super) fn of(path: &Path) -> Result<Self, CompareError> {
        if !Machine.is_root() || ownership::is_root_owned(path) {
            return Ok(BashUser::Caller);
        }
        let passwd = Machine.passwd()?;
        let account = accounts::user_by_name(&passwd, DEFAULT_USER).filter(|account| account.uid != 0);
        account.map(BashUser::User).ok_or(CompareError::NotOwnedByRoot)
    }

    /// The environment in which the file is read, here and by bash: other users must not see root's own.
    pub(super) fn environment(&self) -> VariableMap {
        match self {
            BashUser::Caller => Machine.environment().into_iter().collect(),
            BashUser::User(_) => [("PATH".into(), search_path::OF_USER.into())].into(),
        }
    }
}

/// Variables that change how bash itself starts, or which libraries it loads.
pub(super) fn steers_bash(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let exact = [b"BASH_ENV".as_slice(), b"ENV", b"SHELLOPTS", b"BASHOPTS", b"POSIXLY_CORRECT"];
    let prefixes = [b"BASH_FUNC_".as_slice(), b"LD_", b"GLIBC_", b"MALLOC_"];
    exact.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// The environment after bash has sourced the file. Only for files that consist of plain assignments; nothing is
/// executed in the environment that they make.
pub(super) fn variables(
    who: &BashUser,
    bytes: &[u8],
    inherited: &VariableMap,
) -> Result<VariableMap, CompareError> {
    // builtins only: the file may have set PATH, or variables of the dynamic loader
    const SCRIPT: &str = "ulimit -t 10; set -a; . /dev/stdin || exit; set +a; \
                          mapfile -t __futo < <(compgen -e); \
                          for __futo in \"${__futo[@]}\"; do printf '%s=%s\\0' \"$__futo\" \"${!__futo}\"; done";
    let mut command = Command::new("/bin/bash");
    let environment = inherited.iter().filter(|(name, _)| !steers_bash(name));
    command.args(["--norc", "--noprofile", "-p", "-c", SCRIPT]).env_clear().envs(environment);
    if let BashUser::User(account) = who {
        // std drops the supplementary groups with the uid
        command.uid(account.uid).gid(account.gid).current_dir("/");
    }
    // the bytes that were read; another user could not open a root-owned pipe
    let mut text = File::from(memfd_create("config.env", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from)?);
    text.write_all(bytes)?;
    text.rewind()?;
    command.stdin(text).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let output = read_until_exit(&mut child);
    let (status, written) = output.inspect_err(|_| {
        // even if it is stopped, and with its children
        let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        let _ = child.wait();
    })?;
    if !status.success() {
        return Err(CompareError::Complains);
    }
    let entries = written.split(|byte| *byte == 0).filter_map(|entry| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let (name, value) = entry.split_at_checked(at)?;
        Some((OsStr::from_bytes(name).into(), OsStr::from_bytes(value.get(1..)?).into()))
    });
    Ok(entries.collect())
}

/// What bash writes until it exits: its children may hold the pipe longer.
fn read_until_exit(child: &mut Child) -> Result<(ExitStatus, Vec<u8>), CompareError> {
    let Some(mut pipe) = child.stdout.take() else { return Err(CompareError::Complains) };
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(io::Error::from)?;
    let deadline = BootTime::now().after(PATIENCE);
    let mut written = Vec::new();
    loop {
        let ended = child.try_wait()?;
        let mut part = vec![0; 64 << 10];
        let count = match pipe.read(&mut part) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        written.extend(part.into_iter().take(count));
        match ended {
            _ if written.len() > MOST => return Err(CompareError::TooMuch),
            Some(status) if count == 0 => return Ok((status, written)),
            _ if deadline.since(BootTime::now()).is_zero() => return Err(CompareError::Late),
            _ if count > 0 => continue,
            _ => {}
        }
        let mut watched = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, POLL_INTERVAL) {
            // the closed pipe of a process that is still running would be reported endlessly
            Ok(_) if watched.iter().any(|each| each.revents() == Some(PollFlags::POLLHUP)) => {
                crate::sys::clock::pause(Duration::from_millis(u64::from(POLL_INTERVAL)));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
    }
}
