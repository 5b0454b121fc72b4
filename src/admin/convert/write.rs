//! Replaces a run file and keeps the old one, by one rename, and puts it back.
//!
//! The new text is written under the name of the copy that is kept, and the two names are exchanged: at every instant
//! `run` is whole, old or new, and so is every other file: a kill leaves at most one with a hidden name, or a whole one
//! that the next conversion or undo takes up. A process that executes the old one keeps its file.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, linkat, unlinkat};

use super::definition::{Definition, Refused, read};
use crate::convert::{Conversion, WorkerScript};
use crate::service::{layout, run_script};
use crate::sys::{fd, nofollow};

/// Whether the result is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    No,
}

/// What an undo did besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Undone {
    /// Files that were edited after the conversion, and stay.
    pub(super) kept: Vec<String>,
}

impl Undone {
    pub(super) fn words(&self) -> String {
        match self.kept.as_slice() {
            [] => "the old run file is back".to_string(),
            kept => {
                format!("the old run file is back; edited after the conversion and kept: {}", kept.join(", "))
            }
        }
    }
}

/// Files of one directory, by name.
struct Names {
    run: OsString,
    kept: OsString,
    temporary: OsString,
}

impl Names {
    fn of(definition: &Definition) -> Self {
        let run = definition.path.file_name().unwrap_or(layout::RUN.as_ref()).to_os_string();
        let with = |before: &str, after: &str| {
            let mut name = OsString::from(before);
            name.push(&run);
            name.push(after);
            name
        };
        let (_, suffix) = layout::RUN_BEFORE.split_at(layout::RUN.len());
        Names { kept: with("", suffix), temporary: with(".", ".futo-new"), run }
    }
}

/// Writes `run` and its script.
pub(super) fn write(definition: &Definition, conversion: &Conversion) -> Result<(), Refused> {
    let acted = definition.as_owner(|| write_here(definition, conversion));
    acted.map_err(|error| Refused::System { path: definition.path.clone(), what: error.to_string() })?
}

fn write_here(definition: &Definition, conversion: &Conversion) -> Result<(), Refused> {
    let directory = &definition.directory;
    let names = Names::of(definition);
    let refused = |errno| Refused::system(&definition.path, errno);
    let (old, text) = read(directory, &names.run).map_err(|error| Refused::io(&definition.path, &error))?;
    if text != definition.script.bytes {
        return Err(Refused::Changed);
    }
    let status = fstat(&old).map_err(refused)?;
    forget_interrupted(directory, &names, &definition.path)?;
    let script = conversion.script.as_ref();
    if let Some(script) = script {
        let mut status = status;
        status.st_mode = 0o755;
        let there = read(directory, &OsString::from(&script.name));
        if !there.is_ok_and(|(_, text)| text == script.text) {
            create(directory, &names, script.name.as_ref(), &script.text, &status).map_err(refused)?;
        }
    }
    let made = create(directory, &names, &names.kept, &conversion.run, &status)
        .and_then(|()| exchange(directory, &names))
        .and_then(|()| sync(directory));
    // what was put aside is what was converted, unless somebody wrote it just now
    let is_same = || read(directory, &names.kept).is_ok_and(|(_, text)| text == definition.script.bytes);
    let written = match made {
        Ok(()) if !is_same() => exchange(directory, &names).map_err(refused).and(Err(Refused::Changed)),
        result => result.map_err(refused),
    };
    if let Err(why) = written {
        let _ = unlinkat(directory, names.kept.as_os_str(), UnlinkatFlags::NoRemoveDir);
        remove(directory, script);
        return Err(why);
    }
    // a file of root in a directory of a user stays executable; its name says what it is
    let _ = fchmod(&old, Mode::from_bits_truncate(status.st_mode & 0o666));
    Ok(())
}

fn remove(directory: &OwnedFd, script: Option<&WorkerScript>) {
    if let Some(script) = script {
        let _ = unlinkat(directory, script.name.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

/// A copy that is kept is never overwritten. One that starts futo-launch was left by a kill before the exchange.
fn forget_interrupted(directory: &OwnedFd, names: &Names, path: &Path) -> Result<(), Refused> {
    let kept = || path.with_file_name(&names.kept);
    match read(directory, &names.kept) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok((_, text)) if run_script::parse(&text).is_ok() => {
            unlinkat(directory, names.kept.as_os_str(), UnlinkatFlags::NoRemoveDir)
                .map_err(|errno| Refused::system(&kept(), errno))
        }
        _ => Err(Refused::KeptBefore(kept())),
    }
}

/// Creates a file with this content, with owner and mode of the old one, under another name first.
fn create(
    directory: &OwnedFd,
    names: &Names,
    name: &OsStr,
    text: &[u8],
    like: &FileStat,
) -> Result<(), Errno> {
    let temporary = names.temporary.as_os_str();
    // what a kill left
    let _ = unlinkat(directory, temporary, UnlinkatFlags::NoRemoveDir);
    fill(directory, temporary, text, like)
        .and_then(|()| {
            match renameat2(directory, temporary, directory, name, RenameFlags::RENAME_NOREPLACE) {
                Err(errno) if is_unsupported(errno) => {
                    linkat(directory, temporary, directory, name, AtFlags::empty())?;
                    unlinkat(directory, temporary, UnlinkatFlags::NoRemoveDir)
                }
                result => result,
            }
        })
        .inspect_err(|_| _ = unlinkat(directory, temporary, UnlinkatFlags::NoRemoveDir))
}

/// Some file systems cannot exchange two names, or rename only if there is nothing.
fn is_unsupported(errno: Errno) -> bool {
    matches!(errno, Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP)
}

fn fill(directory: &OwnedFd, name: &OsStr, text: &[u8], like: &FileStat) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(like.st_mode & 0o777);
    let file = nofollow::with_no_umask(|| openat(directory, name, flags, mode))?;
    fd::write_all(file.as_fd(), text)?;
    // root keeps the owner, so that the new file has no other rights than the old one
    if nix::unistd::geteuid().is_root() {
        fchown(&file, Some(Uid::from_raw(like.st_uid)), Some(Gid::from_raw(like.st_gid)))?;
        fchmod(&file, mode)?;
    }
    fsync(&file)
}

/// Exchanges `run` and the other name.
fn exchange(directory: &OwnedFd, names: &Names) -> Result<(), Errno> {
    let (run, kept, temporary) = (names.run.as_os_str(), names.kept.as_os_str(), names.temporary.as_os_str());
    match renameat2(directory, run, directory, kept, RenameFlags::RENAME_EXCHANGE) {
        // the same by a second name of the old file
        Err(errno) if is_unsupported(errno) => {
            renameat(directory, kept, directory, temporary)?;
            linkat(directory, run, directory, kept, AtFlags::empty())
                .and_then(|()| renameat(directory, temporary, directory, run))
                .inspect_err(|_| _ = unlinkat(directory, temporary, UnlinkatFlags::NoRemoveDir))
        }
        result => result,
    }
}

fn sync(directory: &OwnedFd) -> Result<(), Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat(directory, ".", flags, Mode::empty()) {
        Ok(open) => fsync(&open),
        // it may be entered, but not listed
        Err(Errno::EACCES) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Puts the old run file back.
pub(super) fn undo(definition: &Definition, name: &str) -> Result<Undone, Refused> {
    let acted = definition.as_owner(|| undo_here(definition, name));
    acted.map_err(|error| Refused::System { path: definition.path.clone(), what: error.to_string() })?
}

fn undo_here(definition: &Definition, name: &str) -> Result<Undone, Refused> {
    let directory = &definition.directory;
    let names = Names::of(definition);
    let refused = |errno| Refused::system(&definition.path, errno);
    let (old, text) = match read(directory, &names.kept) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Refused::NothingToUndo),
        result => {
            result.map_err(|error| Refused::io(&definition.path.with_file_name(&names.kept), &error))?
        }
    };
    let (new, now) = read(directory, &names.run).map_err(|error| Refused::io(&definition.path, &error))?;
    // a kill left it so: before the exchange of a conversion, or after that of an undo
    let is_back = run_script::parse(&text).is_ok() && run_script::parse(&now).is_err();
    let (old, text, new, now) = if is_back { (new, now, old, text) } else { (old, text, new, now) };
    let mode = fstat(&new).map_err(refused)?.st_mode & 0o777;
    // the conversion as it was made: its files are not those that lie beside it by now
    let made = definition.made_from(&text, name);
    if !is_back {
        fchmod(&old, Mode::from_bits_truncate(mode)).map_err(refused)?;
        exchange(directory, &names).map_err(refused)?;
    }
    let mut undone = Undone::default();
    match made.as_ref().is_some_and(|made| made.run == now) {
        true => unlinkat(directory, names.kept.as_os_str(), UnlinkatFlags::NoRemoveDir).map_err(refused)?,
        false => {
            let mut edited = names.run.clone();
            edited.push(".edited");
            let flags = RenameFlags::RENAME_NOREPLACE;
            match renameat2(directory, names.kept.as_os_str(), directory, edited.as_os_str(), flags) {
                Ok(()) => undone.kept.push(edited.to_string_lossy().into_owned()),
                Err(_) => undone.kept.push(names.kept.to_string_lossy().into_owned()),
            }
        }
    }
    if let Some(script) = made.and_then(|made| made.script) {
        match read(directory, &OsString::from(&script.name)) {
            Ok((_, text)) if text == script.text => remove(directory, Some(&script)),
            Ok(_) => undone.kept.push(script.name),
            Err(_) => {}
        }
    }
    sync(directory).map_err(refused)?;
    Ok(undone)
}
