//! Path ownership. A path *belongs to root* only if it and every directory above it are root-owned and writable only
//! by root: the owner of a directory can rename its entries.

use std::cell::Cell;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::SFlag;

use crate::error::exit_of;
use crate::exit::Exit;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// Whether the path, every directory above it and every link on the way belong to root.
///
/// Each component is checked before it is passed, so that a link in a user-owned directory cannot be changed between
/// check and use.
pub fn is_root_owned(path: &Path) -> bool {
    belongs_to_root(path).unwrap_or(false)
}

/// The same; an error if a component cannot be examined.
pub fn belongs_to_root(path: &Path) -> Result<bool, Errno> {
    let directory = nix::unistd::getcwd()?;
    let is_foreign = Cell::new(false);
    let walked = nofollow::walk(&directory.join(path), Missing::Refuse, |component, status, _| {
        // the mode of a link is meaningless
        let is_root_owned_link = sys::file::kind(status) == SFlag::S_IFLNK && status.st_uid == 0;
        if is_root_owned_link || nofollow::belongs_to_root_alone(status) {
            return Ok(());
        }
        is_foreign.set(true);
        Err(PathError::Link(component.to_path_buf()))
    });
    match walked {
        Ok(_) => Ok(true),
        Err(PathError::Refused(_, errno)) if !is_foreign.get() && exit_of(errno) != Exit::EDIT => Err(errno),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_directory_writable_by_others_is_not_root_owned() {
        // /tmp is 1777: root-owned, but writable by everyone
        assert!(!is_root_owned(Path::new("/tmp")));
        assert!(!is_root_owned(Path::new("/tmp/../etc/passwd/../../tmp/x")));
        assert!(!is_root_owned(Path::new("/does/not/exist")));
    }

    #[test]
    fn system_files_are_root_owned_through_root_owned_links() {
        assert!(is_root_owned(Path::new("/etc/passwd")));
        assert!(is_root_owned(Path::new("/etc/../etc/./passwd")));
        // /bin is a root-owned link to usr/bin in every current distribution; a directory elsewhere
        assert!(is_root_owned(Path::new("/bin")));
    }
}
