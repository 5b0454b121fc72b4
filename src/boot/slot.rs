//! One service directory of the scan directory: look, publish, update, all by single renames.
//!
//! A new one is made under a dot name, which s6-svscan passes over, and renamed: its files are plain
//! files. An update of a live one must replace several files at once, so before the first update each
//! name becomes a link into `.cur`, itself a link to a generation that holds the very same files. Then
//! a new generation is written, and one rename of a new `.cur` over the old is the update. s6 takes a
//! dangling link (a file that this generation does not have) for an absent file.

use std::ffi::{OsStr, OsString};

use nix::errno::Errno;
use nix::sys::stat::{FileStat, SFlag};
use nix::unistd::geteuid;

use super::delegate;
use super::desired::{Author, Desired, Files, mode_of};
use super::directory::{Directory, StepError};
use crate::error::Problem;
use crate::exit::Exit;
use crate::service::layout;
use crate::sys::capability::{self, Capability};
use crate::sys::file::kind;

/// Tells who made a service directory: only he updates and removes it.
pub const MARKER: &str = ".futo";
const MARKER_PART: &str = ".futo.new";
const CURRENT_PART: &str = ".cur.new";
const LINK_PART: &str = ".link.new";
/// One is in use, the other one is written.
const GENERATIONS: [&str; 2] = [".gen-a", ".gen-b"];

/// What was, or in a dry run would be, done with a service directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Published,
    /// Its files are others than before.
    Updated,
    /// It was as it should be.
    Unchanged,
    /// It has been taken away.
    Pruned,
}

/// Why a service directory is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// A step failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Something else has the name.
    #[error("'{name}' is in the scan directory already, and {what}")]
    Foreign {
        /// The name.
        name: String,
        /// What it is.
        what: String,
    },
    /// The supervisor of a service directory that was taken away has not left.
    #[error("'{name}' was taken away, and its supervisor has not left yet")]
    StillSupervised {
        /// The name.
        name: String,
    },
    /// A member of the group that may control it has taken the lock that its supervisor needs.
    #[error("'{name}' is published, and no supervisor can start: a process of another user holds its lock")]
    LockedByStranger {
        /// The name.
        name: String,
        /// The process, if the kernel tells.
        pid: Option<i32>,
    },
    /// s6-svscan has been told and does nothing.
    #[error("'{name}' is published, and s6-svscan has not taken it up")]
    NotTakenUp {
        /// The name.
        name: String,
    },
}

impl Problem for SlotError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        match self {
            SlotError::Foreign { name, .. } => Some(format!(
                "take it out (stop it first if it runs): it is replaced only by whoever made it: {name}"
            )),
            SlotError::StillSupervised { .. } if !capability::has(Capability::Kill) => Some(
                "root lacks the capability KILL, and can stop no process of another user: docker run --cap-add KILL"
                    .to_string(),
            ),
            SlotError::StillSupervised { .. } => Some("the next run does the rest".to_string()),
            SlotError::LockedByStranger { pid, .. } => {
                pid.map(|pid| format!("kill {pid}; the lock is supervise/lock of the service directory"))
            }
            SlotError::Step(_) => None,
            SlotError::NotTakenUp { .. } => {
                Some("it takes 500 services if its -c does not say otherwise; its log tells more".to_string())
            }
        }
    }
}

impl SlotError {
    /// Whether it passes by itself.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            SlotError::StillSupervised { .. }
                | SlotError::LockedByStranger { .. }
                | SlotError::NotTakenUp { .. }
        )
    }
}

/// What has a name in the scan directory.
pub(super) enum Slot {
    /// Nothing.
    Absent,
    /// A service directory that this maker made.
    Ours(Directory, Box<Marker>),
    /// Something else.
    Foreign(String),
}

/// Looks at a name; `maker` is the first line of our marker.
pub(super) fn look(scan: &Directory, name: &str, maker: &str) -> Result<Slot, StepError> {
    let directory = match scan.try_open(OsStr::new(name)) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(Slot::Absent),
        Err(Errno::ELOOP) => return Ok(Slot::Foreign("is a symbolic link".to_string())),
        Err(Errno::ENOTDIR) => match scan.target(name) {
            Some(target) => {
                return Ok(Slot::Foreign(format!("is a symbolic link to '{}'", target.to_string_lossy())));
            }
            None => return Ok(Slot::Foreign("is no directory".to_string())),
        },
        Err(errno) => return Err(scan.refused_to("open directory", name, errno)),
    };
    // a marker can be copied by whoever could write there
    let owner = directory.own_status()?.st_uid;
    if owner != geteuid().as_raw() {
        return Ok(Slot::Foreign(format!("belongs to uid {owner}")));
    }
    match directory.read(MARKER, MAX_MARKER)? {
        Some((status, text)) => match Marker::read(status, &String::from_utf8_lossy(&text), maker) {
            Some(marker) => Ok(Slot::Ours(directory, Box::new(marker))),
            None => Ok(Slot::Foreign("was made by another command or for another user".to_string())),
        },
        None => Ok(Slot::Foreign("was not made by futo".to_string())),
    }
}

/// What our marker says: who made the service directory, and from what. A line each.
pub(super) struct Marker {
    status: FileStat,
    digest: Option<u64>,
    /// As [`Desired::source`].
    pub(super) source: String,
    /// As [`Desired::author`], if it says.
    pub(super) author: Option<Author>,
    /// As [`Files::bytes`].
    pub(super) bytes: usize,
}

/// More than any marker.
const MAX_MARKER: usize = 16 << 10;

impl Marker {
    fn read(status: FileStat, text: &str, maker: &str) -> Option<Marker> {
        let mut lines = text.lines();
        if lines.next() != Some(maker) {
            return None;
        }
        let digest = lines.next().and_then(|digest| u64::from_str_radix(digest, 16).ok());
        let source = lines.next().unwrap_or_default().to_string();
        let author = lines.next().and_then(Author::of_word);
        let bytes = lines.next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        Some(Marker { status, digest, source, author, bytes })
    }

    fn text(maker: &str, desired: &Desired) -> String {
        let Desired { source, files, author, .. } = desired;
        format!("{maker}\n{:016x}\n{source}\n{}\n{}\n", desired.digest(), author.word(), files.bytes())
    }
}

/// Whether nothing has been touched since the marker was written, and it was written for the same files.
/// The marker is the last thing that is written, so whatever is older is what was written with it.
fn is_untouched(slot: &Directory, marker: &Marker, desired: &Desired) -> Result<bool, StepError> {
    // what s6-supervise makes itself is younger
    if desired.delegation.is_none() {
        return Ok(false);
    }
    let written = (marker.status.st_ctime, marker.status.st_ctime_nsec);
    let no_name_is_younger = |status: &FileStat| (status.st_mtime, status.st_mtime_nsec) <= written;
    let is_file = |status: &FileStat, name: &str| {
        (status.st_ctime, status.st_ctime_nsec) <= written
            && kind(status) == SFlag::S_IFREG
            && status.st_mode & 0o7777 == mode_of(name)
    };
    if marker.digest != Some(desired.digest())
        || !slot.own_status().is_ok_and(|status| no_name_is_younger(&status))
    {
        return Ok(false);
    }
    for (name, _) in desired.files.iter() {
        if !slot.status_behind(name)?.is_some_and(|status| is_file(&status, name)) {
            return Ok(false);
        }
    }
    let has_logger = desired.files.has_logger();
    Ok(!has_logger || slot.status(layout::LOG)?.is_some_and(|status| no_name_is_younger(&status)))
}

/// Whether everything in it is as desired.
pub(super) fn is_right(slot: &Directory, marker: &Marker, desired: &Desired) -> Result<bool, StepError> {
    if !is_untouched(slot, marker, desired)? {
        let names = slot.names(usize::MAX)?;
        if !has_files(slot, &names, &desired.files)? || has_leavings(slot, &names) {
            return Ok(false);
        }
    }
    is_delegated_right(slot, desired)
}

/// `names` are all that are there.
fn has_files(slot: &Directory, names: &[OsString], files: &Files) -> Result<bool, StepError> {
    for (name, content) in files.iter() {
        if !slot.holds(name, content, mode_of(name))? {
            return Ok(false);
        }
    }
    let is_there = |name: &str| names.iter().any(|each| each == name);
    for name in layout::FILES.iter().filter(|name| !files.has(name)) {
        let may_be_there = if name.starts_with("log/") { is_there(layout::LOG) } else { is_there(name) };
        // a dangling link is none
        if may_be_there && slot.status_behind(name)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a killed run has left something.
fn has_leavings(slot: &Directory, names: &[OsString]) -> bool {
    let is_part = |name: &&OsString| {
        GENERATIONS
            .iter()
            .chain(&[CURRENT_PART, LINK_PART, MARKER_PART])
            .any(|part| *part == name.as_os_str())
    };
    let mut parts = names.iter().filter(is_part).peekable();
    if parts.peek().is_none() {
        return false;
    }
    let current = slot.target(layout::CURRENT);
    parts.any(|name| current.as_ref() != Some(name))
}

fn is_delegated_right(slot: &Directory, desired: &Desired) -> Result<bool, StepError> {
    Ok(delegate::is_right(slot, "", desired.delegation)?
        && (!desired.files.has_logger() || delegate::is_right(slot, "log/", desired.delegation)?))
}

/// Makes a new service directory under the name `staging`, and renames it. What has that name is left
/// from a run that was killed.
pub(super) fn publish(
    scan: &Directory,
    staging: &str,
    desired: &Desired,
    maker: &str,
) -> Result<(), StepError> {
    let made = fill(scan, staging, desired, maker).and_then(|()| scan.rename(staging, desired.name.as_str()));
    if made.is_err() {
        // half of it is of no use; the next run would remove it
        let _ = scan.remove_all(OsStr::new(staging));
    }
    made
}

/// The same where a link has the name, which is removed.
pub(super) fn replace_link(
    scan: &Directory,
    staging: &str,
    desired: &Desired,
    maker: &str,
) -> Result<(), StepError> {
    let made =
        fill(scan, staging, desired, maker).and_then(|()| scan.exchange(staging, desired.name.as_str()));
    // the link, or half of a service directory
    let removed = scan.remove_all(OsStr::new(staging));
    made.and(removed)
}

fn fill(scan: &Directory, staging: &str, desired: &Desired, maker: &str) -> Result<(), StepError> {
    scan.make(staging, 0o755)?;
    let slot = scan.open(OsStr::new(staging))?;
    // made first and written last: nothing in the directory is younger
    let marker_file = slot.create_empty(MARKER, 0o644)?;
    if desired.files.has_logger() {
        slot.make(layout::LOG, 0o755)?;
    }
    for (name, content) in desired.files.iter() {
        slot.create(name, content, mode_of(name))?;
    }
    if let Some(delegation) = desired.delegation {
        delegate::make(&slot, delegation)?;
        if desired.files.has_logger() {
            delegate::make(&slot.open(OsStr::new(layout::LOG))?, delegation)?;
        }
    }
    slot.write(marker_file, MARKER, Marker::text(maker, desired).as_bytes())
}

/// Brings a service directory that may be live to what is desired: its files by one rename.
pub(super) fn update(slot: &Directory, desired: &Desired, maker: &str) -> Result<(), StepError> {
    if desired.files.has_logger() {
        slot.make_if_missing(layout::LOG, 0o755)?;
    }
    sweep(slot)?;
    if !has_files(slot, &slot.names(usize::MAX)?, &desired.files)? {
        let current = make_links(slot, &desired.files)?;
        let [one, other] = GENERATIONS;
        let next = if current == one { other } else { one };
        let switched = write_generation(slot, next, &desired.files)
            .and_then(|()| slot.link(next, CURRENT_PART))
            .and_then(|()| slot.rename(CURRENT_PART, layout::CURRENT));
        // whichever is not in use
        let swept = sweep(slot);
        switched.and(swept)?;
    }
    if !is_delegated_right(slot, desired)? {
        delegate::set_right(slot, desired.delegation)?;
        if desired.files.has_logger() {
            delegate::set_right(&slot.open(OsStr::new(layout::LOG))?, desired.delegation)?;
        }
    }
    slot.create(MARKER_PART, Marker::text(maker, desired).as_bytes(), 0o644)?;
    slot.rename(MARKER_PART, MARKER)
}

/// Puts the files of the present logger among the desired ones.
pub(super) fn keep_logger(slot: &Directory, files: &mut Files) -> Result<(), StepError> {
    for name in layout::FILES.into_iter().filter(|name| name.starts_with("log/")) {
        if let Some(content) = slot.read_behind(name)? {
            files.set(name, content);
        }
    }
    Ok(())
}

/// Removes what a killed run has left: never the generation in use.
fn sweep(slot: &Directory) -> Result<(), StepError> {
    slot.remove(CURRENT_PART)?;
    slot.remove(LINK_PART)?;
    slot.remove(MARKER_PART)?;
    let current = slot.target(layout::CURRENT);
    for generation in GENERATIONS.iter().filter(|each| current.as_deref() != Some(OsStr::new(each))) {
        slot.remove_all(OsStr::new(generation))?;
    }
    Ok(())
}

/// Makes every name a link into `.cur`; gives the generation in use. No step changes what a name leads
/// to: the first generation has the same files, by hard links, before anything leads into it.
fn make_links(slot: &Directory, files: &Files) -> Result<String, StepError> {
    let current = match slot.target(layout::CURRENT) {
        Some(current) => current.to_string_lossy().into_owned(),
        None => {
            let [first, _] = GENERATIONS;
            slot.make(first, 0o755)?;
            let generation = slot.open(OsStr::new(first))?;
            for name in layout::FILES {
                if slot.status(name)?.is_some() {
                    slot.add_name(name, &generation, &flat(name))?;
                }
            }
            slot.link(first, layout::CURRENT)?;
            first.to_string()
        }
    };
    for name in layout::FILES {
        let (above, target) = match name.starts_with("log/") {
            true => ("../", flat(name)),
            false => ("", name.to_string()),
        };
        let target = format!("{above}{}/{target}", layout::CURRENT);
        let is_link = slot.target(name).is_some_and(|present| present == OsStr::new(&target));
        if !is_link && (files.has(name) || slot.status(name)?.is_some()) {
            slot.link(&target, LINK_PART)?;
            slot.rename(LINK_PART, name)?;
        }
    }
    Ok(current)
}

fn write_generation(slot: &Directory, name: &str, files: &Files) -> Result<(), StepError> {
    slot.make(name, 0o755)?;
    let generation = slot.open(OsStr::new(name))?;
    for (file, content) in files.iter() {
        generation.create(&flat(file), content, mode_of(file))?;
    }
    Ok(())
}

/// `log/run` is `log-run` in a generation.
fn flat(name: &str) -> String {
    name.replace('/', "-")
}
