//! A single probe of a condition outside the worker: a port accepts connections, a file exists, a command succeeds.

use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, getsockopt, socket,
};
use nix::sys::stat::Mode;

use crate::config::value::{Check, ShellCommand};
use crate::sys::clock::BootTime;
use crate::sys::process::{Ending, next_ended, open_process};
use crate::sys::spawn::{Join, Launch, Vector, spawn};

/// The timeout for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The timeout for a command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// The interval for polling a command's end on kernels without pidfd.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The environment and directory for commands and relative paths.
pub struct ProbeContext<'a> {
    /// `NAME=VALUE`
    pub environment: &'a Vector,
    /// The directory; this process's if none.
    pub directory: Option<&'a std::ffi::CStr>,
}

/// The result of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The condition holds.
    Met,
    /// The condition does not hold, or cannot be determined.
    NotMet,
    /// `end` became readable first.
    Ended,
}

/// Probes once; `end` interrupts it.
pub fn probe(check: &Check, context: &ProbeContext<'_>, end: BorrowedFd<'_>) -> ProbeResult {
    match check {
        Check::Tcp(addresses) => {
            match addresses.iter().any(|address| takes_connection(address, Some(end)).is_ok()) {
                true => ProbeResult::Met,
                false => ProbeResult::NotMet,
            }
        }
        Check::File(path) => exists(path, context),
        Check::Command(command) => run(command, context, end),
    }
}

fn exists(path: &Path, context: &ProbeContext<'_>) -> ProbeResult {
    use std::os::unix::ffi::OsStrExt;
    let base = context.directory.map(|base| Path::new(std::ffi::OsStr::from_bytes(base.to_bytes())));
    let path = base.map_or(path.to_path_buf(), |base| base.join(path));
    match nix::sys::stat::stat(&path) {
        Ok(_) => ProbeResult::Met,
        Err(_) => ProbeResult::NotMet,
    }
}

/// Whether a port accepts a connection within [`CONNECT_TIMEOUT`], which is closed again; `end` interrupts the wait.
pub(super) fn takes_connection(address: &SocketAddr, end: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    let connected = match address {
        SocketAddr::V4(address) => connect(socket.as_raw_fd(), &SockaddrIn::from(*address)),
        SocketAddr::V6(address) => connect(socket.as_raw_fd(), &SockaddrIn6::from(*address)),
    };
    match connected {
        Err(Errno::EINPROGRESS) => {}
        result => return result,
    }
    let mut watched = vec![PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    watched.extend(end.map(|end| PollFd::new(end, PollFlags::POLLIN)));
    poll(&mut watched, timeout(CONNECT_TIMEOUT))?;
    match watched.first().and_then(PollFd::revents) {
        Some(events) if !events.is_empty() => match getsockopt(&socket, SocketError)? {
            0 => Ok(()),
            number => Err(Errno::from_raw(number)),
        },
        _ => Err(Errno::ETIMEDOUT),
    }
}

fn run(command: &ShellCommand, context: &ProbeContext<'_>, end: BorrowedFd<'_>) -> ProbeResult {
    // its output would fill the log while it keeps failing
    let Ok(null) = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) else {
        return ProbeResult::NotMet;
    };
    let arguments = Vector::new(vec![c"sh".to_owned(), c"-c".to_owned(), command.as_c_string().clone()]);
    let started = spawn(&Launch {
        candidates: &[CString::from(c"/bin/sh")],
        arguments: &arguments,
        environment: context.environment,
        output: Some(null.as_raw_fd()),
        join: Join::StderrToStdout,
        directory: context.directory,
        umask: None,
        limits: &[],
        handled: &[],
        foreground: false,
    });
    let Ok(pid) = started else { return ProbeResult::NotMet };
    let process: Option<OwnedFd> = open_process(pid).ok();
    let deadline = BootTime::now().after(COMMAND_TIMEOUT);
    loop {
        while let Some((ended, ending)) = next_ended() {
            if ended == pid.as_raw() {
                return if ending == Ending::Exited(0) { ProbeResult::Met } else { ProbeResult::NotMet };
            }
        }
        let left = deadline.since(BootTime::now());
        let mut watched = vec![PollFd::new(end, PollFlags::POLLIN)];
        watched.extend(process.as_ref().map(|process| PollFd::new(process.as_fd(), PollFlags::POLLIN)));
        let pause = if process.is_some() { left } else { left.min(POLL_INTERVAL) };
        let polled = poll(&mut watched, timeout(pause));
        let has_ended = watched.first().and_then(PollFd::any).unwrap_or(false);
        if has_ended || left.is_zero() || !matches!(polled, Ok(_) | Err(Errno::EINTR)) {
            let _ = killpg(pid, Signal::SIGKILL);
            let _ = kill(pid, Signal::SIGKILL);
            let _ = nix::sys::wait::waitpid(pid, None);
            return if has_ended { ProbeResult::Ended } else { ProbeResult::NotMet };
        }
    }
}

/// A timeout for poll, rounded up so that the time has passed when poll returns.
pub fn timeout(time: Duration) -> PollTimeout {
    let milliseconds = time.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(i32::try_from(milliseconds).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
