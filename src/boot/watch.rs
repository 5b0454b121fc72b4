//! An inotify watch on the inputs of a run.
//!
//! Each directory is opened first, without following user-owned links, and the descriptor is watched: a path passed to
//! inotify could resolve to another directory by then. If root lacks access to the volume, the ids of its user are
//! used.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::part::Part;
use crate::service::layout;
use crate::sys::nofollow::{self, Missing};
use crate::trust::account::{AccessError, Account};

const COMES_OR_GOES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_DELETE);
const CHANGES: AddWatchFlags =
    COMES_OR_GOES.union(AddWatchFlags::IN_CLOSE_WRITE).union(AddWatchFlags::IN_ATTRIB);
const MOVES_ITSELF: AddWatchFlags = AddWatchFlags::IN_MOVE_SELF.union(AddWatchFlags::IN_DELETE_SELF);

/// The names that matter in a watched directory.
#[derive(Clone, Debug)]
pub(super) enum WatchedNames {
    /// All names.
    All,
    /// This name.
    One(OsString),
    /// These names.
    Some(Vec<OsString>),
    /// The files of a definition only: the worker may write other files there.
    OfDefinition,
}

/// A watch on the inputs of a run.
#[derive(Debug)]
pub struct VolumeWatch {
    inotify: Inotify,
    names: BTreeMap<WatchDescriptor, Vec<WatchedNames>>,
    is_complete: bool,
}

impl VolumeWatch {
    /// The descriptor, readable when there are events.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Whether everything is watched; otherwise the caller has to poll.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Records that something could not be watched.
    pub(super) fn set_incomplete(&mut self) {
        self.is_complete = false;
    }

    /// Reads the pending events; returns whether one of them matters.
    pub fn has_changed(&self) -> bool {
        let mut changed = false;
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                let name = event.name.as_deref().unwrap_or(OsStr::new(""));
                let names = self.names.get(&event.wd).map(Vec::as_slice).unwrap_or_default();
                changed |= event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW)
                    || name.is_empty()
                    || names.iter().any(|names| names.count(name));
            }
        }
        changed
    }
}

/// Builds a watch.
pub(super) struct WatchBuilder<'m> {
    pub(super) watch: VolumeWatch,
    user: Option<&'m Account>,
}

impl<'m> WatchBuilder<'m> {
    /// An empty watch.
    pub(super) fn new(user: Option<&'m Account>) -> Result<Self, Errno> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(WatchBuilder { watch: VolumeWatch { inotify, names: BTreeMap::new(), is_complete: true }, user })
    }
}

impl WatchBuilder<'_> {
    /// Runs an action as this process and, if permission is denied, as the user.
    pub(super) fn reach<T, E: AccessError>(&self, action: impl Fn() -> Result<T, E>) -> Option<T> {
        match self.user {
            Some(user) => user.reach(action).ok()?.ok(),
            None => action().ok(),
        }
    }

    /// Watches for a source to appear, disappear or be replaced: its name in the parent directory, and all further
    /// parent directories.
    pub(super) fn add_ways_to(&mut self, source: &Path) {
        let mut is_found = false;
        for (above, name) in source.ancestors().skip(1).zip(source.ancestors().filter_map(Path::file_name)) {
            let open = || nofollow::open_directory(above, Missing::Refuse);
            let Some(directory) = self.reach(open) else { continue };
            self.add(directory.as_fd(), WatchedNames::One(name.to_os_string()), MOVES_ITSELF);
            // other events further up do not matter and would only cause wakeups
            if !std::mem::replace(&mut is_found, true) {
                self.add(directory.as_fd(), WatchedNames::One(name.to_os_string()), COMES_OR_GOES);
            }
        }
    }

    /// Watches every change of these names in an open directory.
    pub(super) fn add_changes(&mut self, directory: BorrowedFd<'_>, names: WatchedNames) {
        self.add(directory, names, CHANGES);
    }

    fn add(&mut self, directory: BorrowedFd<'_>, names: WatchedNames, events: AddWatchFlags) {
        // a directory may be a parent of several sources
        let add = AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        let flags = events | AddWatchFlags::IN_ONLYDIR | add;
        // refers to the open directory, even if its name now refers to another one
        let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
        match self.reach(|| self.watch.inotify.add_watch(path.as_str(), flags)) {
            Some(descriptor) => self.watch.names.entry(descriptor).or_default().push(names),
            None => self.watch.is_complete = false,
        }
    }
}

impl WatchedNames {
    fn count(&self, name: &OsStr) -> bool {
        match self {
            WatchedNames::All => true,
            WatchedNames::One(one) => one == name,
            WatchedNames::Some(some) => some.iter().any(|each| each == name),
            WatchedNames::OfDefinition => {
                name == layout::LOG || layout::FILES.iter().any(|file| name == Part::of(file).1)
            }
        }
    }
}
