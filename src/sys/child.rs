//! A part of the work in a child process: what it has become there (another user) ends with it.
#![expect(unsafe_code, reason = "fork")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use nix::fcntl::OFlag;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, pipe2};

/// Does it in a child and gives what that has to say, at most `most` bytes.
pub fn in_child(most: usize, act: impl FnOnce() -> Vec<u8>) -> io::Result<Vec<u8>> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the process has one thread, so that the child finds no lock held by another
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reader);
            let is_said = super::fd::write_all(writer.as_fd(), &act()).is_ok();
            // SAFETY: ends this process without running anything that the parent registered
            unsafe { libc::_exit(i32::from(!is_said)) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut said = Vec::new();
            let limit = u64::try_from(most).unwrap_or(u64::MAX);
            let read = File::from(reader).take(limit).read_to_end(&mut said);
            match (waitpid(child, None)?, read) {
                (WaitStatus::Exited(_, 0), Ok(_)) => Ok(said),
                (_, Err(error)) => Err(error),
                _ => Err(io::Error::other("the process that looks ended early")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_is_heard_and_bounded() {
        assert_eq!(in_child(100, || b"hello".to_vec()).expect("said"), b"hello");
        assert!(in_child(5, || vec![b'x'; 1 << 20]).is_err());
    }
}
