//! Whose files may name rights. A path is *root's* only if it and every directory above it belong to
//! root and nobody else may write them: the owner of a directory can rename what lies in it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::SFlag;

use super::Host;
use crate::config::settings::Settings;
use crate::config::value::UserRequest;
use crate::error::{Findings, Problem};
use crate::exit::Exit;
use crate::plan::DEFAULT_USER;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// Whether the path, every directory above it and every link on the way is root's.
///
/// Each component is judged before it is passed, so that a link in a directory that is not root's
/// cannot lead elsewhere between two looks.
pub fn is_roots(path: &Path) -> bool {
    let Ok(directory) = nix::unistd::getcwd() else { return false };
    nofollow::walk(&directory.join(path), Missing::Refuse, |component, status| {
        // of a link the mode says nothing
        let is_closed = sys::file::kind(status) == SFlag::S_IFLNK || status.st_mode & 0o022 == 0;
        match status.st_uid == 0 && is_closed {
            true => Ok(()),
            false => Err(PathError::Refused(component.to_path_buf(), Errno::EPERM)),
        }
    })
    .is_ok()
}

/// What a file that others than root can write may not say when root runs it.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It names rights.
    #[error("{}: {what}: not allowed in a file that others than root can write", path.display())]
    NamesRights {
        /// The file.
        path: PathBuf,
        /// The key and what is wrong with it.
        what: String,
    },
    /// It, or a file of variables, would be used for a worker that is root.
    #[error("'{}': others than root can write it, and the worker would be root", path.display())]
    ForRoot {
        /// The file.
        path: PathBuf,
    },
}

impl Problem for TrustError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        let path = match self {
            TrustError::NamesRights { path, .. } | TrustError::ForRoot { path } => path,
        };
        Some(format!(
            "make the file and every directory above it root's (chown root, chmod go-w): {}",
            String::from_utf8_lossy(path.as_os_str().as_bytes())
        ))
    }
}

/// Notes every setting of a file that would give its writers more rights than they have.
pub(crate) fn refuse_rights(settings: &Settings, path: &Path, host: &dyn Host, findings: &mut Findings) {
    let mut refuse = |what: String| {
        findings.push(TrustError::NamesRights { path: path.to_path_buf(), what });
    };
    match &settings.user {
        None => {}
        Some(UserRequest::Name(name, None)) if name == DEFAULT_USER => {}
        Some(_) => refuse(format!("user may be {DEFAULT_USER} only")),
    }
    if settings.groups.is_some() {
        refuse("groups".to_string());
    }
    for (resource, bounds) in &settings.ulimits {
        let hard = host.limit(*resource).map_or(0, |(_, hard)| hard);
        if bounds.hard.to_rlim() > hard {
            let name = crate::config::value::resource_name(*resource);
            refuse(format!("ulimit {name} above the present bound"));
        }
    }
    if settings.nice.is_some_and(|nice| nice < 0) {
        refuse("nice below 0".to_string());
    }
    if let Some(wanted) = settings.oom_score_adj
        && host.oom_score_adj().map_or(true, |present| wanted < present)
    {
        refuse("oom-score-adj below the present one".to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_directory_that_others_can_write_is_not_roots() {
        // /tmp is 1777: root's, and anyone can put something there
        assert!(!is_roots(Path::new("/tmp")));
        assert!(!is_roots(Path::new("/tmp/../etc/passwd/../../tmp/x")));
        assert!(!is_roots(Path::new("/does/not/exist")));
    }

    #[test]
    fn system_files_are_roots_through_roots_links() {
        assert!(is_roots(Path::new("/etc/passwd")));
        assert!(is_roots(Path::new("/etc/../etc/./passwd")));
        // /bin is a link of root's to usr/bin in every current distribution; a directory elsewhere
        assert!(is_roots(Path::new("/bin")));
    }
}
