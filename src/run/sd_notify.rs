//! `--ready sd_notify`: a socket of ours that workers written for systemd tell.

use std::ffi::CString;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind,
    getsockname, recvmsg, setsockopt, socket,
};

/// The longest message that is read, in bytes.
const LONGEST: usize = 4096;

/// The socket.
#[derive(Debug)]
pub(super) struct NotifySocket {
    socket: OwnedFd,
    variable: CString,
}

impl NotifySocket {
    /// Opens one with a name that the kernel chooses: no file, and nobody else's.
    pub(super) fn open() -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        setsockopt(&socket, PassCred, &true)?;
        let address: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = String::from_utf8_lossy(address.as_abstract().unwrap_or_default()).into_owned();
        let variable = CString::new(format!("NOTIFY_SOCKET=@{name}")).map_err(|_| Errno::EINVAL)?;
        Ok(NotifySocket { socket, variable })
    }

    /// `NOTIFY_SOCKET=…` for the worker.
    pub(super) fn variable(&self) -> &CString {
        &self.variable
    }

    /// Readable when something has been told.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes what has been told; says whether it is `READY=1`, by a process of the worker's user: everybody
    /// in the network namespace can reach the socket.
    pub(super) fn says_ready(&self) -> bool {
        let mut says = false;
        let mut bytes = [0; LONGEST];
        // a descriptor that comes along (BARRIER=1) has no room, so the kernel closes it, which is the answer
        let mut control = cmsg_space!(UnixCredentials);
        loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let received =
                recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
            let (length, is_ours) = match received {
                Ok(message) => (message.bytes, is_ours(message.cmsgs())),
                Err(Errno::EINTR) => continue,
                Err(_) => return says,
            };
            let text = bytes.get(..length).unwrap_or_default();
            says |= is_ours && text.split(|byte| *byte == b'\n').any(|line| line == b"READY=1");
        }
    }
}

fn is_ours(messages: Result<impl Iterator<Item = ControlMessageOwned>, Errno>) -> bool {
    let ours = nix::unistd::geteuid().as_raw();
    messages.is_ok_and(|mut messages| {
        messages.any(|message| matches!(message, ControlMessageOwned::ScmCredentials(of) if of.uid() == ours))
    })
}
