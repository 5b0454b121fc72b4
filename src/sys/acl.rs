//! POSIX ACLs. The mask of an access ACL appears as the group permissions; a default ACL is not visible in the mode.
#![expect(unsafe_code, reason = "fgetxattr has no safe wrapper")]

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

/// Whether new files in a directory inherit an ACL.
pub fn has_default(directory: &OwnedFd) -> Result<bool, Errno> {
    let name = c"system.posix_acl_default";
    // SAFETY: a live string, and no buffer for the value: only its size is requested
    let size = unsafe { libc::fgetxattr(directory.as_raw_fd(), name.as_ptr(), std::ptr::null_mut(), 0) };
    match Errno::result(size) {
        Ok(_) => Ok(true),
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno),
    }
}
