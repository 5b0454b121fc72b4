//! POSIX ACLs. Of an access ACL the mask shows as the group's permissions; a default ACL shows nowhere.
#![expect(unsafe_code, reason = "fgetxattr has no safe wrapper")]

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

/// Whether what is made in a directory inherits rights for others.
pub fn has_default(directory: &OwnedFd) -> Result<bool, Errno> {
    let name = c"system.posix_acl_default";
    // SAFETY: a live string, and no room for the value, whose size alone is asked for
    let size = unsafe { libc::fgetxattr(directory.as_raw_fd(), name.as_ptr(), std::ptr::null_mut(), 0) };
    match Errno::result(size) {
        Ok(_) => Ok(true),
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno),
    }
}
