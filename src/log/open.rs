//! Opening the log: a regular file with one name, no link on the way. Anything else is reported and not touched.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

use super::remedy;
use super::rotate;
use crate::config::spec::LogRules;
use crate::error::{Finding, reason};
use crate::plan::Identity;
use crate::sys;
use crate::sys::nofollow::{self, Missing, PathError};

/// Not waiting for a FIFO's reader; the flag is taken off again.
const FLAGS: OFlag = OFlag::O_WRONLY
    .union(OFlag::O_APPEND)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// An open log.
#[derive(Debug)]
pub(super) struct OpenedLog {
    /// For appending.
    pub(super) file: OwnedFd,
    /// Its length in bytes.
    pub(super) length: u64,
    /// A warning, although it is open.
    pub(super) note: Option<Finding>,
}

/// A warning: why output does not go to the log.
fn trouble(path: &Path, why: impl std::fmt::Display, remedy: Option<String>) -> Finding {
    let path = path.display();
    Finding::trouble(
        format!("unable to open log '{path}': {why}; output goes to the inherited stderr"),
        remedy,
    )
}

/// Opens the log; creates it where it is missing, rotates it where it is too large.
pub(super) fn open(path: &Path, rules: LogRules, identity: &Identity) -> Result<OpenedLog, Finding> {
    let (file, note) = match nofollow::open_directly(path, FLAGS) {
        Some(file) => (file, None),
        None => open_slowly(path, rules, identity)?,
    };
    let status = fstat(&file).map_err(|errno| trouble(path, reason(errno), None))?;
    refuse_unless_plain(path, &status)?;
    let length = u64::try_from(status.st_size).unwrap_or(0);
    if length > rules.size.0 {
        return Ok(rotated(path, rules, identity, OpenedLog { file, length, note }));
    }
    blocking(path, OpenedLog { file, length, note })
}

fn blocking(path: &Path, log: OpenedLog) -> Result<OpenedLog, Finding> {
    sys::fd::make_blocking_append(log.file.as_fd()).map_err(|errno| trouble(path, reason(errno), None))?;
    Ok(log)
}

/// Rotates and opens the new file; if that fails, goes on in the old one.
fn rotated(path: &Path, rules: LogRules, identity: &Identity, old: OpenedLog) -> OpenedLog {
    let (parent, name) = split(path);
    let rotated = nofollow::open_directory(&parent, Missing::Refuse)
        .map_err(|error| error.to_string())
        .and_then(|directory| rotate::rotate(&directory, &name, rules.keep).map_err(reason));
    let reopened = match rotated {
        Ok(()) => open_slowly(path, rules, identity)
            .and_then(|(file, note)| blocking(path, OpenedLog { file, length: 0, note })),
        Err(why) => {
            let text = format!("unable to rotate log '{}': {why}", path.display());
            Err(Finding::trouble(text, None))
        }
    };
    reopened.unwrap_or_else(|trouble| {
        let _ = sys::fd::make_blocking_append(old.file.as_fd());
        OpenedLog { note: Some(trouble), ..old }
    })
}

/// Component by component: makes what is missing, and knows what is in the way.
fn open_slowly(
    path: &Path,
    rules: LogRules,
    identity: &Identity,
) -> Result<(OwnedFd, Option<Finding>), Finding> {
    let (parent, name) = split(path);
    let directory = nofollow::open_directory(&parent, Missing::Create).map_err(|error| {
        let remedy = match &error {
            PathError::Refused(at, errno) => remedy_of(*errno, &parent, at, identity),
            PathError::Link(_) => Some("make it a directory, or name its target with --log".to_string()),
            PathError::NotDirectory { .. } => Some("move it away".to_string()),
        };
        trouble(path, error, remedy)
    })?;
    match openat(&directory, name.as_os_str(), FLAGS, Mode::empty()) {
        Ok(file) => Ok((file, None)),
        Err(Errno::ENOENT) => {
            create(&directory, &name, path, &parent, rules, identity).map(|file| (file, None))
        }
        Err(Errno::EACCES | Errno::EPERM) => {
            let note = move_aside(&directory, &name, path)
                .map_err(|why| trouble(path, why, Some(install_hint(&parent, &parent, identity))))?;
            create(&directory, &name, path, &parent, rules, identity).map(|file| (file, Some(note)))
        }
        // a FIFO without a reader, a socket
        Err(Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => {
            let status = fstatat(&directory, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
                .map_err(|errno| trouble(path, reason(errno), None))?;
            refuse_unless_plain(path, &status)?;
            Err(trouble(path, "it changes while it is opened", None))
        }
        Err(errno) => Err(trouble(path, reason(errno), remedy_on_volume(errno))),
    }
}

fn create(
    directory: &OwnedFd,
    name: &OsStr,
    path: &Path,
    parent: &Path,
    rules: LogRules,
    identity: &Identity,
) -> Result<OwnedFd, Finding> {
    let flags = FLAGS | OFlag::O_CREAT | OFlag::O_EXCL;
    nofollow::with_no_umask(|| openat(directory, name, flags, Mode::from_bits_truncate(rules.mode)))
        .map_err(|errno| trouble(path, reason(errno), remedy_of(errno, parent, parent, identity)))
}

/// A log that the user cannot open although it lies in their directory was left by root: it is renamed, and kept.
fn move_aside(directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<Finding, String> {
    let status = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(reason)?;
    if sys::file::kind(&status) != SFlag::S_IFREG {
        return Err(reason(Errno::EACCES));
    }
    let stamp: String = sys::clock::utc_now().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let mut aside = name.to_os_string();
    aside.push(format!(".unwritable-{stamp}"));
    renameat(directory, name, directory, aside.as_os_str()).map_err(|_| reason(Errno::EACCES))?;
    let text = format!(
        "log '{}' could not be opened (it belongs to uid {}, mode {:04o}) and is now '{}'",
        path.display(),
        status.st_uid,
        status.st_mode & 0o7777,
        aside.display(),
    );
    Ok(Finding::trouble(text, None))
}

fn refuse_unless_plain(path: &Path, status: &FileStat) -> Result<(), Finding> {
    if let Some(what) = sys::file::kind_name(sys::file::kind(status)) {
        let why = format!("it is {what}, not a regular file");
        return Err(trouble(
            path,
            why,
            Some("move it away, or choose another --log (- is the inherited stdout)".to_string()),
        ));
    }
    if status.st_nlink > 1 {
        let why = format!("it has {} names (hard links)", status.st_nlink);
        return Err(trouble(path, why, Some("remove the other names".to_string())));
    }
    Ok(())
}

fn remedy_of(errno: Errno, parent: &Path, at: &Path, identity: &Identity) -> Option<String> {
    match errno {
        Errno::EACCES | Errno::EPERM => Some(install_hint(parent, at, identity)),
        errno => remedy_on_volume(errno),
    }
}

/// What to do about a volume that takes no file.
pub(crate) fn remedy_on_volume(errno: Errno) -> Option<String> {
    match errno {
        Errno::EROFS => Some(
            "name a directory on a writable volume with --state-dir DIR, or hand output on with --log -"
                .to_string(),
        ),
        Errno::ENOSPC | Errno::EDQUOT => Some("make room on its volume".to_string()),
        _ => None,
    }
}

fn install_hint(parent: &Path, at: &Path, identity: &Identity) -> String {
    let directory = if parent.starts_with(at) { parent } else { at };
    remedy::for_unwritable(directory, identity.uid, identity.gid)
}

/// Directory and name.
fn split(path: &Path) -> (PathBuf, OsString) {
    let parent = path.parent().unwrap_or(Path::new("")).to_path_buf();
    (parent, path.file_name().unwrap_or_default().to_os_string())
}
