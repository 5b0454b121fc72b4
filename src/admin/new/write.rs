//! Writes a definition with the permissions of the directory's owner: as a whole, by one rename, overwriting nothing.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{FileStat, Mode, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, fchown, unlinkat};

use super::definition::NewDefinition;
use crate::error::reason;
use crate::machine::Host;
use crate::machine::Machine;
use crate::plan::Plan;
use crate::service::layout;
use crate::sys;
use crate::sys::nofollow::{self, Missing};
use crate::trust::account::Account;

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The name is taken.
    Exists,
    /// The system refused it, for this reason.
    System(String),
}

impl From<Errno> for WriteError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::EEXIST => WriteError::Exists,
            errno => WriteError::System(reason(errno)),
        }
    }
}

fn in_words(error: impl std::fmt::Display) -> WriteError {
    WriteError::System(error.to_string())
}

/// Writes it below `above`, which is created if needed; returns its path.
pub(super) fn write(above: &Path, definition: &NewDefinition, plan: &Plan) -> Result<PathBuf, WriteError> {
    if !Machine.is_root() {
        return write_here(above, definition, None);
    }
    // in a user-owned directory root does only what that user may do
    let owner = owner_of(above)?;
    let reader = (owner.st_uid == 0).then_some(plan);
    Account::owner(&owner).act(|| write_here(above, definition, reader)).map_err(in_words)?
}

/// The status of the directory, or of the nearest existing one above.
fn owner_of(path: &Path) -> Result<FileStat, Errno> {
    for each in path.ancestors() {
        match fstatat(AT_FDCWD, each, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => {}
            result => return result,
        }
    }
    Err(Errno::ENOENT)
}

/// With `reader` root writes it, and config.env is given to the user of that plan.
fn write_here(
    above: &Path,
    definition: &NewDefinition,
    reader: Option<&Plan>,
) -> Result<PathBuf, WriteError> {
    let path = above.join(definition.name.as_str());
    let directory = nofollow::open_directory(above, Missing::Create).map_err(in_words)?;
    if fstatat(&directory, definition.name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW).is_ok() {
        return Err(WriteError::Exists);
    }
    let hidden = format!(".{}.new-{}", definition.name, std::process::id());
    let made =
        nofollow::with_no_umask(|| mkdirat(&directory, hidden.as_str(), Mode::from_bits_truncate(0o755)));
    made?;
    let published = fill(&directory, &hidden, definition, reader).and_then(|()| {
        let name = definition.name.as_str();
        renameat2(&directory, hidden.as_str(), &directory, name, RenameFlags::RENAME_NOREPLACE)
    });
    published.map_err(|errno| {
        for (name, ..) in &definition.files {
            let _ = unlinkat(&directory, format!("{hidden}/{name}").as_str(), UnlinkatFlags::NoRemoveDir);
        }
        let _ = unlinkat(&directory, hidden.as_str(), UnlinkatFlags::RemoveDir);
        WriteError::from(errno)
    })?;
    Ok(path)
}

fn fill(
    above: &OwnedFd,
    hidden: &str,
    definition: &NewDefinition,
    reader: Option<&Plan>,
) -> Result<(), Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = openat(above, hidden, flags, Mode::empty())?;
    for (name, text, mode) in &definition.files {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(*mode);
        let file = nofollow::with_no_umask(|| openat(&directory, *name, flags, mode))?;
        sys::fd::write_all(file.as_fd(), text.as_bytes())?;
        if let (Some(plan), &layout::CONFIG_ENV) = (reader, name) {
            fchown(&file, Some(plan.identity.uid), Some(plan.identity.gid))?;
        }
        nix::unistd::fsync(&file)?;
    }
    nix::unistd::fsync(&directory)
}
