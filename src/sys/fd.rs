//! Descriptors: inheriting them, passing them on, and writing without panicking.
#![expect(unsafe_code, reason = "close_range, and descriptors that are known by their number only")]

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::sys::statfs::{FsType, fstatfs};

/// Replaces a closed stdin, stdout or stderr by /dev/null, as Rust's startup does: otherwise the next opened file
/// would take its number, and be used by the worker.
pub fn fill_standard() -> Result<(), Errno> {
    for standard in 0..3 {
        if !is_open(standard) {
            // open returns the lowest free number: this one
            let _ = open("/dev/null", OFlag::O_RDWR, Mode::empty())?.into_raw_fd();
        }
    }
    Ok(())
}

/// stdin is /dev/null from now on.
pub fn stdin_from_null() -> Result<(), Errno> {
    nix::unistd::dup2_stdin(open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// Closes every descriptor from 3 up that is not in `keep`. Must be called before the launcher opens any of its own.
pub fn close_all_but(keep: &[RawFd]) -> Result<(), Errno> {
    let mut keep: Vec<u32> =
        keep.iter().filter_map(|fd| u32::try_from(*fd).ok()).filter(|fd| *fd >= 3).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut from: u32 = 3;
    for fd in keep {
        if fd > from {
            close_range(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close_range(from, u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: takes three numbers; this process does not own any descriptor in the range yet
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    match Errno::result(result) {
        Ok(_) => Ok(()),
        // kernels before 5.9, and seccomp profiles of that time
        Err(Errno::ENOSYS | Errno::EPERM) => close_listed(first, last),
        Err(errno) => Err(errno),
    }
}

fn close_listed(first: u32, last: u32) -> Result<(), Errno> {
    let entries = std::fs::read_dir("/proc/self/fd")
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let listed: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| (first..=last).contains(fd))
        .collect();
    for fd in listed {
        // SAFETY: takes a number; as above there is no owner, and the directory's own descriptor, closed when the list
        // was complete, only yields EBADF
        unsafe { libc::close(fd.cast_signed()) };
    }
    Ok(())
}

/// Whether the number is an open descriptor.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: takes two numbers and changes nothing
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether the number is the write end of a pipe, or a socket.
pub fn can_take_notification(fd: RawFd) -> bool {
    // SAFETY: all-zero is a valid stat
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: takes a number and a live, writable struct
    if unsafe { libc::fstat(fd, &raw mut status) } != 0 {
        return false;
    }
    // SAFETY: takes two numbers and changes nothing
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    match status.st_mode & libc::S_IFMT {
        libc::S_IFIFO => flags & libc::O_ACCMODE == libc::O_WRONLY,
        kind => kind == libc::S_IFSOCK,
    }
}

/// Lets holders of a root-owned pipe reopen its write end by name (`/dev/stderr`), as many programs do. The owner is
/// not changed (fchown): the user could then read what other services write into the pipe. Unlike a FIFO, a pipe has
/// no name, so its mode affects only processes that hold it.
pub fn let_holders_reopen_pipe(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let others_write = Mode::S_IWOTH;
    let status = fstat(fd)?;
    let mode = Mode::from_bits_truncate(status.st_mode);
    let is_root_owned_fifo = super::file::kind(&status) == SFlag::S_IFIFO && status.st_uid == 0;
    if !is_root_owned_fifo || mode.contains(others_write) || fstatfs(fd)?.filesystem_type() != PIPE_FS {
        return Ok(());
    }
    fchmod(fd, mode | others_write)
}

/// The file system of unnamed pipes: PIPEFS_MAGIC in linux/magic.h.
const PIPE_FS: FsType = FsType(0x5049_5045);

/// Whether a pipe still has a reader.
pub fn has_reader(fd: BorrowedFd<'_>) -> bool {
    let mut state = [PollFd::new(fd, PollFlags::empty())];
    let polled = poll(&mut state, 0_u16);
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    polled.is_err() || !state.iter().any(|each| each.revents().is_some_and(|events| events.intersects(gone)))
}

/// The number of columns of a terminal.
pub fn terminal_width(fd: BorrowedFd<'_>) -> Option<usize> {
    let columns = super::terminal::window_size(fd)?.ws_col;
    (columns > 0).then_some(usize::from(columns))
}

/// Closes an inherited descriptor that has no owner in this process.
pub fn close_inherited(fd: RawFd) {
    // SAFETY: takes a number; called once, for a number from 3 up passed by the supervisor
    unsafe { libc::close(fd) };
}

/// Keeps an inherited descriptor from executed programs and from workers.
pub fn keep_from_programs(fd: RawFd) {
    // SAFETY: takes three numbers
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Lets the next executed program inherit a descriptor.
pub fn hand_on_to_programs(fd: RawFd) {
    // SAFETY: takes three numbers; changes only a flag of the descriptor
    unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
}

/// Writes to an inherited descriptor that has no owner in this process.
pub fn write_inherited(fd: RawFd, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: pointer and length of a live slice
    let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    Errno::result(written).map(drop)
}

/// Copies of stdout and stderr, not inherited by an executed program.
#[derive(Debug)]
pub struct SavedOutput {
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl SavedOutput {
    /// Saves copies; a closed descriptor stays closed.
    pub fn save() -> Self {
        SavedOutput {
            stdout: std::io::stdout().as_fd().try_clone_to_owned().ok(),
            stderr: std::io::stderr().as_fd().try_clone_to_owned().ok(),
        }
    }

    /// Restores them.
    pub fn restore(self) {
        if let Some(stdout) = self.stdout {
            let _ = nix::unistd::dup2_stdout(stdout);
        }
        if let Some(stderr) = self.stderr {
            let _ = nix::unistd::dup2_stderr(stderr);
        }
    }
}

/// Writes a line, or as much of it as possible: there is nowhere to report an error. A reader that has not read for a
/// second loses the line, so that it cannot block the launcher.
pub fn write_line(fd: BorrowedFd<'_>, bytes: &[u8]) {
    for part in bytes.chunks(PIPE_BUF) {
        let mut ready = [PollFd::new(fd, PollFlags::POLLOUT)];
        // if waiting fails, try to write anyway
        if poll(&mut ready, PATIENCE) == Ok(0) {
            return;
        }
        write_all_or_give_up(fd, part);
    }
}

/// A writable pipe accepts this many bytes without blocking.
const PIPE_BUF: usize = 4096;
/// How long to wait for a reader, in milliseconds.
const PATIENCE: u16 = 1000;

/// Writes everything, or as much as possible, however long it takes.
pub fn write_all_or_give_up(fd: BorrowedFd<'_>, bytes: &[u8]) {
    let _ = write_all(fd, bytes);
}

/// Writes everything, however long it takes. A closed reader is an error, and does not terminate this process.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    super::signals::surviving(|| write_on(fd, &mut bytes))
}

fn write_on(fd: BorrowedFd<'_>, bytes: &mut &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match nix::unistd::write(fd, bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(written) => *bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Clears O_NONBLOCK on a descriptor that a worker will inherit; keeps only O_APPEND of the status flags.
pub fn make_blocking_append(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_APPEND)).map(drop)
}
