//! Numbers that no other process can predict.
#![expect(unsafe_code, reason = "getrandom has no safe form")]

use nix::errno::Errno;

/// A random number, from the kernel.
pub fn number() -> Result<u16, Errno> {
    let mut bytes = [0; 2];
    // SAFETY: address and length of a live, writable array
    let read = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    Errno::result(read).map(|_| u16::from_ne_bytes(bytes))
}
