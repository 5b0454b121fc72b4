//! `--ready sd_notify`: a socket that workers written for systemd report to.
//!
//! It is in the state directory with mode 0600, so that only the worker's user and root can send to it. If that is not
//! possible (the worker is root, the path is too long, the volume does not support sockets), it has an abstract name
//! that anyone in the network namespace can send to; messages from other users are then read at most once per second.

use std::ffi::CString;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind,
    getsockname, recvmsg, setsockopt, socket,
};
use nix::sys::stat::{Mode, SFlag, fstatat, umask};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::plan::{Change, Plan};
use crate::sys::file::kind;

/// The maximum length of a message, in bytes.
const MAX_BYTES: usize = 4096;
/// The maximum number of messages read at once: more than the kernel's queue holds.
const MAX_MESSAGES: usize = 32;
/// How long the socket is ignored after messages from other users.
const MUTE_TIME: Duration = Duration::from_secs(1);

/// The socket of one loop.
#[derive(Debug)]
pub(super) struct NotifySocket {
    socket: OwnedFd,
    variable: CString,
    /// The path; none for an abstract name.
    path: Option<PathBuf>,
    /// Running while the socket is ignored.
    mute_timer: Option<TimerFd>,
}

impl NotifySocket {
    /// Opens a socket that only the worker's user can send to, or else one that anyone can.
    pub(super) fn open(plan: &Plan) -> Result<Self, Errno> {
        NotifySocket::in_state_directory(plan).or_else(|_| NotifySocket::named_by_the_kernel())
    }

    fn in_state_directory(plan: &Plan) -> Result<Self, Errno> {
        let directory = plan.state_dir.as_ref().filter(|_| plan.change != Change::StaysRoot);
        // the worker's directory may differ from this process's
        let directory = directory.filter(|directory| directory.is_absolute()).ok_or(Errno::ENOENT)?;
        let path = directory.join(format!("{}.notify", plan.name));
        let address = UnixAddr::new(&path)?;
        let variable = [b"NOTIFY_SOCKET=", path.as_os_str().as_encoded_bytes()].concat();
        let variable = CString::new(variable).map_err(|_| Errno::EINVAL)?;
        let socket = unbound()?;
        remove_old(&path)?;
        let mask = umask(Mode::from_bits_truncate(0o177));
        let bound = bind(socket.as_raw_fd(), &address);
        umask(mask);
        bound?;
        Ok(NotifySocket { socket, variable, path: Some(path), mute_timer: None })
    }

    /// An abstract name chosen by the kernel: no file, and unique.
    fn named_by_the_kernel() -> Result<Self, Errno> {
        let socket = unbound()?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let address: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = String::from_utf8_lossy(address.as_abstract().unwrap_or_default()).into_owned();
        let variable = CString::new(format!("NOTIFY_SOCKET=@{name}")).map_err(|_| Errno::EINVAL)?;
        Ok(NotifySocket { socket, variable, path: None, mute_timer: None })
    }

    /// `NOTIFY_SOCKET=…` for the worker.
    pub(super) fn variable(&self) -> &CString {
        &self.variable
    }

    /// Readable when there are messages.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.mute_timer {
            Some(timer) => timer.as_fd(),
            None => self.socket.as_fd(),
        }
    }

    /// Reads the pending messages; returns whether one is `READY=1` from a process of the worker's user.
    pub(super) fn takes_ready(&mut self) -> bool {
        if let Some(timer) = &self.mute_timer {
            // readable only after it has expired
            match nix::unistd::read(timer, &mut [0; 8]) {
                Ok(_) => self.mute_timer = None,
                Err(_) => return false,
            }
        }
        let mut is_ready = false;
        let mut strangers = false;
        for _ in 0..MAX_MESSAGES {
            match self.receive() {
                Some(Message::Ready) => is_ready = true,
                Some(Message::Other) => {}
                Some(Message::FromStranger) => strangers = true,
                None => break,
            }
        }
        if strangers && !is_ready {
            self.mute_timer = mute_timer().ok();
        }
        is_ready
    }

    fn receive(&self) -> Option<Message> {
        let mut bytes = [0; MAX_BYTES];
        // there is no room for a passed descriptor (BARRIER=1), so the kernel closes it, which is the expected answer
        let mut control = cmsg_space!(UnixCredentials);
        loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let received =
                recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
            let (length, is_ours) = match received {
                Ok(message) => (message.bytes, is_ours(message.cmsgs())),
                Err(Errno::EINTR) => continue,
                Err(_) => return None,
            };
            let text = bytes.get(..length).unwrap_or_default();
            return Some(match text.split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                _ if !is_ours => Message::FromStranger,
                true => Message::Ready,
                false => Message::Other,
            });
        }
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = remove_old(path);
        }
    }
}

/// The meaning of a message.
enum Message {
    Ready,
    /// Another systemd message.
    Other,
    /// Anything from another user.
    FromStranger,
}

fn unbound() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    setsockopt(&socket, PassCred, &true)?;
    Ok(socket)
}

/// Removes the socket of a killed launcher; any other file of that name is kept.
fn remove_old(path: &Path) -> Result<(), Errno> {
    match fstatat(AT_FDCWD, path, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(status) if kind(&status) == SFlag::S_IFSOCK => {
            unlinkat(AT_FDCWD, path, UnlinkatFlags::NoRemoveDir)
        }
        Ok(_) => Err(Errno::EEXIST),
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn mute_timer() -> Result<TimerFd, Errno> {
    let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
    timer.set(Expiration::OneShot(TimeSpec::from(MUTE_TIME)), TimerSetTimeFlags::empty())?;
    Ok(timer)
}

fn is_ours(messages: Result<impl Iterator<Item = ControlMessageOwned>, Errno>) -> bool {
    let ours = nix::unistd::geteuid().as_raw();
    messages.is_ok_and(|mut messages| {
        messages.any(|message| matches!(message, ControlMessageOwned::ScmCredentials(of) if of.uid() == ours))
    })
}
