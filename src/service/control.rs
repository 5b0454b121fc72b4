//! Telling s6-supervise what to do: letters into a FIFO, without s6's tools.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::layout;
use super::supervision::NotSo;
use crate::error::reason;
use crate::sys;

/// What s6-supervise is told, as the letter it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Be up: `s6-svc -u`
    Up,
    /// Be down: `-d`
    Down,
    /// End this life, so that the next begins: `-r`
    Restart,
    /// HUP: `-h`
    Hangup,
    /// ALRM: `-a`
    Alarm,
}

impl Order {
    fn letter(self) -> u8 {
        match self {
            Order::Up => b'u',
            Order::Down => b'd',
            Order::Restart => b'r',
            Order::Hangup => b'h',
            Order::Alarm => b'a',
        }
    }
}

/// Why nobody could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No FIFO, or nobody reads it.
    #[error("no supervisor runs")]
    NoSupervisor,
    /// Something else lies there.
    #[error("'supervise/{control}' is no FIFO", control = layout::CONTROL)]
    NoFifo,
    /// The status is not of a supervisor that is known here.
    #[error("unable to read 'supervise/{status}': {0}", status = layout::STATUS)]
    Status(NotSo),
    /// No right to write it.
    #[error("'supervise/{control}': {}", reason(*.0), control = layout::CONTROL)]
    Refused(Errno),
}

/// Opens the FIFO in an open `supervise/`; never waits for a reader.
fn open(supervise: &OwnedFd) -> Result<OwnedFd, ControlError> {
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let fifo = openat(supervise, layout::CONTROL, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::ENXIO | Errno::ENOENT => ControlError::NoSupervisor,
        Errno::ELOOP | Errno::EISDIR | Errno::ENOTDIR => ControlError::NoFifo,
        errno => ControlError::Refused(errno),
    })?;
    let kind = sys::file::kind(&fstat(&fifo).map_err(ControlError::Refused)?);
    if kind == SFlag::S_IFIFO { Ok(fifo) } else { Err(ControlError::NoFifo) }
}

/// Whether a supervisor runs, as far as can be seen.
pub fn look(supervise: &OwnedFd) -> Result<(), ControlError> {
    open(supervise).map(drop)
}

/// Gives an order. That it has been read does not mean that it has been carried out.
pub fn send(supervise: &OwnedFd, order: Order) -> Result<(), ControlError> {
    let fifo = open(supervise)?;
    sys::signals::survive_writes();
    match nix::unistd::write(&fifo, &[order.letter()]) {
        Ok(_) => Ok(()),
        Err(Errno::EPIPE) => Err(ControlError::NoSupervisor),
        Err(errno) => Err(ControlError::Refused(errno)),
    }
}
