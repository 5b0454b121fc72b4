//! Opening below directories that somebody else may have planted: no link of a user's is followed.
//! A link that belongs to root (`/var/run`) is, because only root can have put it there.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};

use super::file::{kind, kind_name};
use crate::error::reason;

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Whether missing directories are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// With mode 0755, whatever the umask.
    Create,
    /// They are an error.
    Refuse,
}

/// Which component could not be passed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A link that is not followed.
    #[error("'{}' is a symbolic link", .0.display())]
    Link(PathBuf),
    /// Neither directory nor link.
    #[error("'{}' is {what}, not a directory", path.display())]
    NotDirectory {
        /// The component.
        path: PathBuf,
        /// In words.
        what: &'static str,
    },
    /// The system refused.
    #[error("'{}': {}", .0.display(), reason(*.1))]
    Refused(PathBuf, Errno),
}

/// Opens a file in one system call if no link is on its path; `None` means: take the long way, which
/// knows why.
pub fn open_directly(path: &Path, flags: OFlag) -> Option<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(AT_FDCWD, path, how).ok()
}

/// Opens a directory, component by component; a link that is not root's is not followed.
pub fn open_directory(path: &Path, missing: Missing) -> Result<OwnedFd, PathError> {
    walk(path, missing, |component, status| match kind(status) {
        SFlag::S_IFDIR => Ok(()),
        SFlag::S_IFLNK if status.st_uid == 0 => Ok(()),
        SFlag::S_IFLNK => Err(PathError::Link(component.to_path_buf())),
        other => {
            let what = kind_name(other).unwrap_or("a file");
            Err(PathError::NotDirectory { path: component.to_path_buf(), what })
        }
    })
}

/// Goes a path component by component, from `/` or the working directory, without ever following a
/// link blindly: `judge` sees each component, links too, and may refuse it. Gives the last one, open
/// with O_PATH.
pub fn walk(
    path: &Path,
    missing: Missing,
    judge: impl Fn(&Path, &FileStat) -> Result<(), PathError>,
) -> Result<OwnedFd, PathError> {
    let start = |absolute: bool| {
        let path = Path::new(if absolute { "/" } else { "." });
        let refused = |errno| PathError::Refused(path.to_path_buf(), errno);
        let directory = openat(AT_FDCWD, path, LOOK | OFlag::O_DIRECTORY, Mode::empty()).map_err(refused)?;
        judge(path, &fstat(&directory).map_err(refused)?)?;
        Ok(directory)
    };
    let mut here = start(path.is_absolute())?;
    let mut walked = if path.is_absolute() { PathBuf::from("/") } else { PathBuf::new() };
    let mut todo = components(path);
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        let whole = walked.join(&name);
        let refused = |errno| PathError::Refused(whole.clone(), errno);
        let next = match openat(&here, name.as_os_str(), LOOK, Mode::empty()) {
            Err(Errno::ENOENT) if missing == Missing::Create => {
                make_directory(&here, &name).map_err(refused)?;
                openat(&here, name.as_os_str(), LOOK, Mode::empty()).map_err(refused)?
            }
            result => result.map_err(refused)?,
        };
        let status = fstat(&next).map_err(refused)?;
        judge(&whole, &status)?;
        if kind(&status) != SFlag::S_IFLNK {
            here = next;
            walked = whole;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(refused(Errno::ELOOP));
        }
        // of the link that was judged, not of what has its name by now
        let target = PathBuf::from(readlinkat(&next, "").map_err(refused)?);
        if target.is_absolute() {
            here = start(true)?;
            walked = PathBuf::from("/");
        }
        for component in components(&target).into_iter().rev() {
            todo.push_front(component);
        }
    }
    Ok(here)
}

fn make_directory(above: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let made = with_no_umask(|| mkdirat(above, name, Mode::from_bits_truncate(0o755)));
    match made {
        // somebody else was faster
        Err(Errno::EEXIST) => Ok(()),
        result => result,
    }
}

/// Runs `action` with modes meant as they are written. The launcher has one thread.
pub fn with_no_umask<T>(action: impl FnOnce() -> T) -> T {
    let mask = nix::sys::stat::umask(Mode::empty());
    let result = action();
    nix::sys::stat::umask(mask);
    result
}

/// The names of a path, without `.`.
fn components(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_os_string())
        .collect()
}
