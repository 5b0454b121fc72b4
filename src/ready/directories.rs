//! `--mkdir`: the directories that the worker's user makes, after root has made those below directories that only root
//! can write ([`crate::drop`]).

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, mkdirat, stat};
use nix::unistd::AccessFlags;

use crate::config::spec::DirectoryMaker;
use crate::config::value::Directory;
use crate::drop::{Dropped, Unmade};
use crate::error::{Finding, Findings, Problem, exit_of, reason};
use crate::exit::Exit;
use crate::machine::ownership::is_root_owned;
use crate::plan::{Change, Plan};
use crate::sys;
use crate::sys::nofollow::{self, Missing, with_no_umask};

/// A directory that is missing and cannot be made, or something else of its name.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Something else has its name.
    #[error("--mkdir '{}': it is {what}, not a directory", path.display())]
    NotDirectory {
        /// Its path.
        path: PathBuf,
        /// Such as `a FIFO`.
        what: &'static str,
    },
    /// The system refused.
    #[error("unable to make directory '{}': {}", .0.display(), reason(*.1))]
    Refused(PathBuf, Errno),
    /// The system refused it to root.
    #[error("unable to make directory '{}' as root: {why}", path.display(), why = cause)]
    RefusedToRoot {
        /// Its path.
        path: PathBuf,
        /// What was refused.
        cause: nofollow::PathError,
    },
}

impl Problem for DirectoryError {
    fn exit(&self) -> Exit {
        match self {
            DirectoryError::Refused(_, errno) => exit_of(*errno),
            DirectoryError::RefusedToRoot { cause: nofollow::PathError::Refused(_, errno), .. } => {
                exit_of(*errno)
            }
            DirectoryError::NotDirectory { .. } | DirectoryError::RefusedToRoot { .. } => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            DirectoryError::NotDirectory { .. } => Some("move it away, or choose another path".to_string()),
            DirectoryError::Refused(_, Errno::EACCES) => Some(
                "the worker's user must be able to write the directory above it; root makes a directory only below \
                 those that only root can write, and not for a definition or --file that non-root users can write"
                    .to_string(),
            ),
            DirectoryError::Refused(..) | DirectoryError::RefusedToRoot { .. } => None,
        }
    }
}

/// What is at the path of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryState {
    /// A directory that the user can write.
    Writable,
    /// One that the user cannot write.
    NotWritable,
    /// Nothing; root makes it.
    MadeByRoot,
    /// Nothing; the worker's user makes it.
    MadeByUser,
}

/// Makes the missing directories. Returns a warning about those that the user cannot write.
pub(super) fn make(dropped: &Dropped, findings: &mut Findings) -> Option<Finding> {
    let mut unwritable = Vec::new();
    for directory in &dropped.plan.directories {
        let path = &directory.path;
        let refused = |errno| DirectoryError::Refused(path.clone(), errno);
        let result = match existing(path) {
            Ok(Some(DirectoryState::NotWritable)) => {
                unwritable.push(format!("'{}'", path.display()));
                Ok(())
            }
            Ok(Some(_)) => Ok(()),
            Ok(None) => match dropped.unmade.iter().find(|unmade| unmade.path == *path) {
                Some(Unmade { error, .. }) => {
                    Err(DirectoryError::RefusedToRoot { path: path.clone(), cause: error.clone() })
                }
                None => make_one(directory).map_err(refused),
            },
            Err(error) => Err(error),
        };
        findings.take(result);
    }
    warning(&unwritable)
}

/// Reports what would fail; returns the state of each directory.
pub fn inspect(plan: &Plan, findings: &mut Findings) -> Vec<Option<DirectoryState>> {
    let mut state = |directory: &Directory| {
        let path = &directory.path;
        match findings.take(existing(path))? {
            Some(state) => Some(state),
            None => {
                findings.take(maker(plan, path).map_err(|errno| DirectoryError::Refused(path.clone(), errno)))
            }
        }
    };
    plan.directories.iter().map(&mut state).collect()
}

fn warning(unwritable: &[String]) -> Option<Finding> {
    let text = match unwritable {
        [] => return None,
        [one] => format!("--mkdir: the worker's user cannot write {one}, which exists"),
        all => format!("--mkdir: the worker's user cannot write {}, which exist", all.join(", ")),
    };
    Some(Finding::trouble(
        text,
        Some("change its owner or mode; existing directories are left as they are".to_string()),
    ))
}

/// The state of an existing directory; none if there is nothing.
fn existing(path: &Path) -> Result<Option<DirectoryState>, DirectoryError> {
    match stat(path) {
        Ok(status) => match sys::file::kind(&status) {
            SFlag::S_IFDIR => match sys::file::may(path, AccessFlags::W_OK | AccessFlags::X_OK) {
                Ok(()) => Ok(Some(DirectoryState::Writable)),
                Err(_) => Ok(Some(DirectoryState::NotWritable)),
            },
            kind => {
                let what = sys::file::kind_name(kind).unwrap_or("a file");
                Err(DirectoryError::NotDirectory { path: path.to_path_buf(), what })
            }
        },
        Err(Errno::ENOENT) if nix::sys::stat::lstat(path).is_ok() => {
            let what = "a symbolic link to nothing";
            Err(DirectoryError::NotDirectory { path: path.to_path_buf(), what })
        }
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(DirectoryError::Refused(path.to_path_buf(), errno)),
    }
}

/// Who can make a missing directory.
fn maker(plan: &Plan, path: &Path) -> Result<DirectoryState, Errno> {
    let whole = plan.directory.join(path);
    let exists = |path: &&Path| !matches!(stat(*path), Err(Errno::ENOENT));
    let above = whole.ancestors().skip(1).find(exists).unwrap_or(Path::new("/"));
    let is_for_root = plan.change == Change::Become
        && plan.directory_maker == DirectoryMaker::RootOrUser
        && is_root_owned(above);
    match is_for_root {
        true => Ok(DirectoryState::MadeByRoot),
        false => {
            sys::file::may(above, AccessFlags::W_OK | AccessFlags::X_OK).map(|()| DirectoryState::MadeByUser)
        }
    }
}

/// Makes a directory as the current user; missing ones above it get mode 0755.
fn make_one(directory: &Directory) -> Result<(), Errno> {
    let path = &directory.path;
    let name = path.file_name().unwrap_or(OsStr::new("."));
    let above = path.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
    let above = open_above(above)?;
    let mode = Mode::from_bits_truncate(directory.mode);
    match mkdirat(&above, name, Mode::S_IRWXU) {
        // made by another process of this user
        Err(Errno::EEXIST) => return Ok(()),
        made => made?,
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    fchmod(openat(&above, name, flags, Mode::empty())?, mode)
}

/// Opens the directory above; a worker that is root follows no user-owned link.
fn open_above(path: &Path) -> Result<OwnedFd, Errno> {
    if nix::unistd::geteuid().is_root() {
        return nofollow::open_directory(path, Missing::Create).map_err(|error| match error {
            nofollow::PathError::Refused(_, errno) => errno,
            nofollow::PathError::Link(_) => Errno::ELOOP,
            nofollow::PathError::NotDirectory { .. } => Errno::ENOTDIR,
        });
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o755);
    with_no_umask(|| builder.create(path))
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    openat(AT_FDCWD, path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}
