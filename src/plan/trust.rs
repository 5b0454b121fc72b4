//! Whose files may name rights. A path is *root's* only if it and every directory above it belong to
//! root and nobody else may write them: the owner of a directory can rename what lies in it.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::SFlag;

use super::Host;
use crate::config::settings::{ContainerEnv, Settings};
use crate::config::value::UserRequest;
use crate::error::{Finding, Findings, Problem, exit_of, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::plan::DEFAULT_USER;
use crate::shell_quote::shell_word;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// Whether the path, every directory above it and every link on the way is root's.
///
/// Each component is judged before it is passed, so that a link in a directory that is not root's
/// cannot lead elsewhere between two looks.
pub fn is_roots(path: &Path) -> bool {
    belongs_to_root(path).unwrap_or(false)
}

/// The same; an error where the system does not let us look.
pub fn belongs_to_root(path: &Path) -> Result<bool, Errno> {
    let directory = nix::unistd::getcwd()?;
    let is_foreign = Cell::new(false);
    let walked = nofollow::walk(&directory.join(path), Missing::Refuse, |component, status, _| {
        // of a link the mode says nothing
        let is_link_of_roots = sys::file::kind(status) == SFlag::S_IFLNK && status.st_uid == 0;
        if is_link_of_roots || nofollow::belongs_to_root_alone(status) {
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
    /// An option behind it does.
    #[error("--file '{}': {what}: not allowed behind a file that others than root can write", path.display())]
    RightsBehind {
        /// The file.
        path: PathBuf,
        /// The option and what is wrong with it.
        what: String,
    },
    /// It, or a file of variables, would be used for a worker that is root.
    #[error("'{}': non-root users can write it, and the worker would be root", path.display())]
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
            // they can also choose the service's name, which a supervisor puts there
            TrustError::RightsBehind { .. } => return Some("write the option before --file".to_string()),
        };
        Some(format!(
            "make the file and every directory above it root's (chown root, chmod go-w): {}",
            shell_word(&path.to_string_lossy())
        ))
    }
}

/// Notes every setting of a file that would give its writers more rights than they have, and takes it
/// out: what follows (a log line that says so) must not happen with those rights either.
pub(crate) fn refuse_rights<P: Problem>(
    settings: &mut Settings,
    host: &dyn Host,
    refusal: impl Fn(String) -> P,
    findings: &mut Findings,
) {
    let mut refuse = |what: String| findings.push(refusal(what));
    match &settings.user {
        None => {}
        Some(UserRequest::Name(name, None)) if name == DEFAULT_USER => {}
        Some(_) => {
            refuse(format!("user may be {DEFAULT_USER} only"));
            settings.user = None;
        }
    }
    if settings.groups.take().is_some() {
        refuse("groups".to_string());
    }
    settings.ulimits.retain(|(resource, bounds)| {
        let hard = host.limit(*resource).map_or(0, |(_, hard)| hard);
        let lowers = bounds.hard.to_rlim() <= hard;
        if !lowers {
            let name = crate::config::value::resource_name(*resource);
            refuse(format!("ulimit {name} above the present bound"));
        }
        lowers
    });
    if settings.nice.take_if(|nice| *nice < 0).is_some() {
        refuse("nice below 0".to_string());
    }
    if !std::mem::take(&mut settings.keep_fds).is_empty() {
        // what root's ancestors leaked: maybe a file that the worker could not open
        refuse("keep-fd".to_string());
    }
    if matches!(settings.container_env, Some(ContainerEnv::Directory(_))) {
        // read by root: it may be root's secrets
        refuse("container-env other than none".to_string());
        settings.container_env = None;
    }
    if let Some(wanted) = settings.oom_score_adj {
        match host.oom_score_adj() {
            Ok(present) if wanted >= present => return,
            Ok(_) => refuse("oom-score-adj below the present one".to_string()),
            Err(error) => findings.push(Finding {
                exit: exit_of_io(&error),
                text: format!("unable to read the present oom-score-adj: {}", reason_of(&error)),
                hint: None,
            }),
        }
        settings.oom_score_adj = None;
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
