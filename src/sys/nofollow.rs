//! Opening paths below directories that another user may control: no user-owned link is followed. A root-owned link in
//! a root-owned directory (`/var/run`) is, because only root can have created it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

use super::file::{self, kind, kind_name};
use super::privilege::Privilege;
use crate::error::reason;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;
const PATH_ONLY: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Whether missing directories are created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// With mode 0755, whatever the umask.
    Create,
    /// They are an error.
    Refuse,
}

/// Why a component could not be passed.
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
        /// Its type, such as `a FIFO`.
        what: &'static str,
    },
    /// The system refused.
    #[error("'{}': {}", .0.display(), reason(*.1))]
    Refused(PathBuf, Errno),
}

/// Opens a file in one system call if there is no link in its path; `None` means to walk the path, which determines
/// the reason.
pub fn open_directly(path: &Path, flags: OFlag) -> Option<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(AT_FDCWD, path, how).ok()
}

/// Opens a directory, component by component; a link that is not owned by root is not followed.
pub fn open_directory(path: &Path, missing: Missing) -> Result<OwnedFd, PathError> {
    open_directory_seeing(path, missing, |_, _| ())
}

/// The same; `see` is called with every directory on the way.
pub fn open_directory_seeing(
    path: &Path,
    missing: Missing,
    see: impl Fn(&Path, &FileStat),
) -> Result<OwnedFd, PathError> {
    let walked = walk(path, missing, |component, status, above| match kind(status) {
        SFlag::S_IFDIR => {
            see(component, status);
            Ok(())
        }
        SFlag::S_IFLNK if only_root_put_it_there(status, above) => Ok(()),
        SFlag::S_IFLNK => Err(PathError::Link(component.to_path_buf())),
        other => {
            let what = kind_name(other).unwrap_or("a file");
            Err(PathError::NotDirectory { path: component.to_path_buf(), what })
        }
    })?;
    Ok(walked.last)
}

/// Opens a regular file for reading; a link that is not owned by root is not followed, nor is the last component.
pub fn open_regular(path: &Path) -> io::Result<OwnedFd> {
    let follow_roots = |component: &Path, status: &FileStat, above: Option<&FileStat>| match kind(status) {
        SFlag::S_IFLNK if !only_root_put_it_there(status, above) => {
            Err(PathError::Link(component.to_path_buf()))
        }
        _ => Ok(()),
    };
    let found = walk(path, Missing::Refuse, follow_roots).map_err(|error| match error {
        PathError::Refused(_, errno) => errno.into(),
        PathError::Link(link) if link == path => io::Error::other("it is a symbolic link"),
        other => io::Error::other(other.to_string()),
    })?;
    found.open_regular()
}

/// The same for any caller: one that is not root follows all links. A single system call if there is no link in the
/// path.
pub fn open_regular_for(reader: Privilege, path: &Path) -> io::Result<OwnedFd> {
    if reader == Privilege::User {
        return file::open_regular(path, OFlag::empty());
    }
    match open_directly(path, OFlag::O_PATH) {
        Some(found) => match reopen_regular(&found) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => open_regular(path),
            opened => opened,
        },
        None => open_regular(path),
    }
}

/// Reopens a file found with O_PATH for reading, if it is a regular file. This is checked first, since opening some
/// devices has effects, and a file in /proc may contain this process's own secrets.
fn reopen_regular(found: &OwnedFd) -> io::Result<OwnedFd> {
    let kind = kind(&fstat(found)?);
    if kind_name(kind).is_some() {
        return Err(file::not_regular(kind));
    }
    if fstatfs(found)?.filesystem_type() == PROC_SUPER_MAGIC {
        return Err(io::Error::other("it is a file in /proc"));
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    // the number refers to the open file, whatever its name refers to by now
    let path = format!("/proc/self/fd/{}", found.as_raw_fd());
    Ok(openat(AT_FDCWD, path.as_str(), flags, Mode::empty())?)
}

/// The end of a walk.
#[derive(Debug)]
pub struct Walked {
    /// The last component, open with O_PATH.
    pub last: OwnedFd,
    /// The directory that contains it, and its name there; none for `/` and the working directory.
    pub directory: Option<(OwnedFd, OsString)>,
}

impl Walked {
    /// Opens it for reading, if it is a regular file.
    pub fn open_regular(&self) -> io::Result<OwnedFd> {
        match (reopen_regular(&self.last), &self.directory) {
            // without /proc; the name may refer to another file by now, but not to a link
            (Err(error), Some((directory, name))) if error.kind() == io::ErrorKind::NotFound => {
                file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW)
            }
            (opened, _) => opened,
        }
    }
}

/// The same as [`walk`], from an open directory on.
pub fn walk_in(
    directory: &OwnedFd,
    path: &Path,
    judge: impl Fn(&Path, &FileStat, Option<&FileStat>) -> Result<(), PathError>,
) -> Result<Walked, PathError> {
    let refused = |errno| PathError::Refused(path.to_path_buf(), errno);
    let status = fstat(directory).map_err(refused)?;
    let here = openat(directory, ".", PATH_ONLY | OFlag::O_DIRECTORY, Mode::empty()).map_err(refused)?;
    walk_on(here, status, PathBuf::new(), path, Missing::Refuse, judge)
}

/// Walks a path component by component, from `/` or the working directory, without following a link unchecked: `judge`
/// is called with every component, including links, and the directory that contains it, and may refuse it.
pub fn walk(
    path: &Path,
    missing: Missing,
    judge: impl Fn(&Path, &FileStat, Option<&FileStat>) -> Result<(), PathError>,
) -> Result<Walked, PathError> {
    let (start, shown) = if path.is_absolute() { ("/", "/") } else { (".", "") };
    let (here, above) = enter(Path::new(start), &judge)?;
    walk_on(here, above, PathBuf::from(shown), path, missing, judge)
}

fn enter(
    path: &Path,
    judge: impl Fn(&Path, &FileStat, Option<&FileStat>) -> Result<(), PathError>,
) -> Result<(OwnedFd, FileStat), PathError> {
    let refused = |errno| PathError::Refused(path.to_path_buf(), errno);
    let directory = openat(AT_FDCWD, path, PATH_ONLY | OFlag::O_DIRECTORY, Mode::empty()).map_err(refused)?;
    let status = fstat(&directory).map_err(refused)?;
    judge(path, &status, None)?;
    Ok((directory, status))
}

fn walk_on(
    mut here: OwnedFd,
    mut above: FileStat,
    mut walked: PathBuf,
    path: &Path,
    missing: Missing,
    judge: impl Fn(&Path, &FileStat, Option<&FileStat>) -> Result<(), PathError>,
) -> Result<Walked, PathError> {
    let mut todo = components(path);
    let mut directory = None;
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        let whole = walked.join(&name);
        let refused = |errno| PathError::Refused(whole.clone(), errno);
        let next = match openat(&here, name.as_os_str(), PATH_ONLY, Mode::empty()) {
            Err(Errno::ENOENT) if missing == Missing::Create => {
                make_directory(&here, &name).map_err(refused)?;
                openat(&here, name.as_os_str(), PATH_ONLY, Mode::empty()).map_err(refused)?
            }
            result => result.map_err(refused)?,
        };
        let status = fstat(&next).map_err(refused)?;
        judge(&whole, &status, Some(&above))?;
        if kind(&status) != SFlag::S_IFLNK {
            directory = Some((std::mem::replace(&mut here, next), name));
            above = status;
            walked = whole;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(refused(Errno::ELOOP));
        }
        // of the link that was judged, not of whatever has its name by now
        let target = PathBuf::from(readlinkat(&next, "").map_err(refused)?);
        if target.is_absolute() {
            (here, above) = enter(Path::new("/"), &judge)?;
            directory = None;
            walked = PathBuf::from("/");
        }
        for component in components(&target).into_iter().rev() {
            todo.push_front(component);
        }
    }
    Ok(Walked { last: here, directory })
}

/// Whether a link is root-owned, in a directory only root can write: in their own directory, users can rename a
/// root-owned link.
pub fn only_root_put_it_there(link: &FileStat, above: Option<&FileStat>) -> bool {
    link.st_uid == 0 && above.is_some_and(belongs_to_root_alone)
}

/// Whether a directory or file is root-owned and writable only by root.
pub fn belongs_to_root_alone(status: &FileStat) -> bool {
    status.st_uid == 0 && status.st_mode & 0o022 == 0
}

fn make_directory(above: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let made = with_no_umask(|| mkdirat(above, name, Mode::from_bits_truncate(0o755)));
    match made {
        // another process was faster
        Err(Errno::EEXIST) => Ok(()),
        result => result,
    }
}

/// Runs `action` with a umask of 0. The launcher is single-threaded.
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
