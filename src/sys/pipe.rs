//! Pipes whose bytes are moved and looked at without a copy: splice(2) and tee(2).
#![expect(unsafe_code, reason = "FIONREAD has no safe form")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, SpliceFFlags, open, splice, tee};
use nix::sys::stat::Mode;

/// What a pipe holds that nobody has made larger: as much as one look takes.
pub const CAPACITY: usize = 64 << 10;

/// A pipe; no program that is executed inherits it.
#[derive(Debug)]
pub struct Pipe {
    /// The end to read from.
    pub read: OwnedFd,
    /// The end to write to.
    pub write: OwnedFd,
}

impl Pipe {
    /// Makes one.
    pub fn new() -> Result<Self, Errno> {
        nix::unistd::pipe2(OFlag::O_CLOEXEC).map(|(read, write)| Pipe { read, write })
    }
}

/// Opens a pipe's end to write to once more: a copy has the same flags as the original, this has its own. Needs /proc.
pub fn open_write_end(end: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let path = format!("/proc/self/fd/{}", end.as_raw_fd());
    open(path.as_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
}

/// How many bytes wait in a pipe.
pub fn waiting(pipe: BorrowedFd<'_>) -> Result<usize, Errno> {
    let mut count: libc::c_int = 0;
    // SAFETY: the request writes one int, to a live one
    let asked = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) };
    Errno::result(asked)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Moves up to this many bytes from a pipe to this place of a file. The bytes that it has written are gone from the
/// pipe and no others, also where the process is killed meanwhile. 0 where nobody can write to the pipe any more;
/// EAGAIN where nothing waits in it; EINVAL where the file system does not do this.
pub fn move_to_file(
    pipe: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    at: u64,
    most: usize,
) -> Result<usize, Errno> {
    let mut at = i64::try_from(at).map_err(|_| Errno::EFBIG)?;
    restarted(|| splice(pipe, None, file, Some(&mut at), most, SpliceFFlags::SPLICE_F_NONBLOCK))
}

/// The same to another pipe, or to /dev/null.
pub fn move_to(pipe: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> Result<usize, Errno> {
    restarted(|| splice(pipe, None, to, None, most, SpliceFFlags::SPLICE_F_NONBLOCK))
}

/// Reads up to as much as `into` takes without taking it out of the pipe. `through` is a pipe of the caller's,
/// empty before and after.
pub fn peek(pipe: BorrowedFd<'_>, through: &Pipe, into: &mut [u8]) -> Result<usize, Errno> {
    let copied = restarted(|| tee(pipe, through.write.as_fd(), into.len(), SpliceFFlags::SPLICE_F_NONBLOCK))?;
    let mut read = 0;
    while read < copied {
        let rest = into.get_mut(read..copied).unwrap_or_default();
        match restarted(|| nix::unistd::read(&through.read, rest))? {
            0 => return Err(Errno::EIO),
            more => read += more,
        }
    }
    Ok(read)
}

/// A signal that comes meanwhile is no failure.
fn restarted(mut call: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, fcntl};

    #[test]
    fn a_look_takes_nothing_out() {
        let (pipe, through) = (Pipe::new().expect("a pipe"), Pipe::new().expect("a pipe"));
        nix::unistd::write(&pipe.write, b"one\ntwo\n").expect("written");
        let mut buffer = [0; 64];
        for _ in 0..2 {
            assert_eq!(peek(pipe.read.as_fd(), &through, &mut buffer), Ok(8));
            assert_eq!(buffer.get(..8), Some(&b"one\ntwo\n"[..]));
            assert_eq!(waiting(pipe.read.as_fd()), Ok(8));
        }
        assert_eq!(waiting(through.read.as_fd()), Ok(0));
    }

    #[test]
    fn an_end_that_is_opened_once_more_has_flags_of_its_own() {
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let again = open_write_end(write.as_fd()).expect("opened once more");
        fcntl(&again, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("set");
        let flags = fcntl(&write, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate).expect("its flags");
        assert!(!flags.contains(OFlag::O_NONBLOCK));
        assert_eq!(nix::unistd::write(&again, b"x"), Ok(1));
        assert_eq!(waiting(read.as_fd()), Ok(1));
    }
}
