//! Which of the standard descriptors are terminals.

use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

/// Which of stdin, stdout and stderr are terminals.
pub(super) struct Terminals {
    pub(super) stdin: bool,
    stdout: bool,
    stderr: bool,
}

impl Terminals {
    pub(super) fn find() -> Self {
        Terminals {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
        }
    }

    fn is_any(&self) -> bool {
        self.stdin || self.stdout || self.stderr
    }

    /// Whether a worker could reach a terminal, including the controlling one, which need not be a standard descriptor.
    pub(super) fn are_in_reach(&self) -> bool {
        let flags = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        self.is_any() || open("/dev/tty", flags, Mode::empty()).is_ok()
    }

    /// Replaces each terminal by another, and leaves all other descriptors alone.
    pub(super) fn replace_by(&self, terminal: &OwnedFd) -> Result<(), Errno> {
        if self.stdin {
            dup2_stdin(terminal)?;
        }
        if self.stdout {
            dup2_stdout(terminal)?;
        }
        if self.stderr {
            dup2_stderr(terminal)?;
        }
        Ok(())
    }

    /// One of them, preferably open for writing.
    pub(super) fn of_root(&self) -> Option<OwnedFd> {
        let clone = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().ok();
        match (self.stdout, self.stderr, self.stdin) {
            (true, ..) => clone(std::io::stdout().as_fd()),
            (_, true, _) => clone(std::io::stderr().as_fd()),
            (_, _, true) => clone(std::io::stdin().as_fd()),
            _ => None,
        }
    }
}
