//! What can mend a service, watched by inotify.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::unistd::{AccessFlags, access};

use crate::error::Findings;
use crate::plan::Plan;
use crate::ready::{environment, gate, program};
use crate::service::layout;

/// What an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    Nothing,
    UsersFiles,
    RunFile,
}

/// inotify on everything that can mend a service. It wakes for that only: in directories above it others
/// may write all day.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Inotify,
    counts: BTreeMap<WatchDescriptor, Vec<(What, Changed)>>,
}

/// What counts of a watched directory.
#[derive(Debug)]
enum What {
    /// What happens to this name in it.
    Name(OsString),
    /// What happens to any name in it.
    Names,
    /// That it is moved away or removed.
    Itself,
}

impl Watch {
    /// Readable when something has happened.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// What only a new start by the supervisor can take up. `None` where the system gives no inotify:
    /// HUP and ALRM still work.
    pub(super) fn on_run_files(plan: &Plan) -> Option<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()?;
        let mut watch = Watch { inotify, counts: BTreeMap::new() };
        let fixed = [layout::RUN, layout::CURRENT, layout::NOTIFICATION_FD, "/etc/passwd", "/etc/group"]
            .map(Path::new);
        for path in fixed.into_iter().chain(plan.file.as_ref().map(|file| file.path.as_path())) {
            watch.add(path, Changed::RunFile);
        }
        Some(watch)
    }

    /// The same, and the user's files.
    pub(super) fn on(plan: &Plan) -> Option<Self> {
        let mut watch = Watch::on_run_files(plan)?;
        // variables that could not be read leave the PATH that was inherited
        let environment = environment::build(plan, &mut Findings::default());
        let users_files = environment
            .signature()
            .paths()
            .map(Path::to_path_buf)
            .chain(plan.chdir.clone())
            .chain(plan.gates.iter().filter_map(|gate| gate::file(gate, plan)))
            .chain(program::places(plan, &environment));
        for path in users_files.chain(program::interpreter_of(plan, &environment)) {
            watch.add(&path, Changed::UsersFiles);
            // where links lead to
            if let Ok(canonical) = std::fs::canonicalize(&path) {
                watch.add(&canonical, Changed::UsersFiles);
            }
        }
        for directory in environment.signature().directories() {
            watch.watch(directory, What::Names, Changed::UsersFiles);
        }
        Some(watch)
    }

    /// Watches a name in its directory, and the way there: a directory itself; a link, or what cannot be
    /// passed, by its name.
    fn add(&mut self, path: &Path, changed: Changed) {
        let mut path = path;
        let mut is_last = true;
        while let Some(name) = path.file_name() {
            let directory = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            let is_passed = !is_last && is_directory(path) && self.watch(path, What::Itself, changed);
            if !is_passed {
                self.watch(directory, What::Name(name.to_os_string()), changed);
            }
            is_last = false;
            path = directory;
        }
    }

    /// Whether there is such a directory, and it can be watched.
    fn watch(&mut self, directory: &Path, what: What, changed: Changed) -> bool {
        let flags = match what {
            What::Itself => AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF,
            What::Name(_) | What::Names => {
                AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_MOVED_TO
                    | AddWatchFlags::IN_MOVED_FROM
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_CLOSE_WRITE
                    | AddWatchFlags::IN_ATTRIB
            }
        };
        // a directory may be watched for several reasons
        let flags = flags | AddWatchFlags::IN_ONLYDIR | AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        let Ok(descriptor) = self.inotify.add_watch(directory, flags) else { return false };
        self.counts.entry(descriptor).or_default().push((what, changed));
        true
    }

    /// The most that the pending events mean.
    pub(super) fn changed(&self) -> Changed {
        let mut most = Changed::Nothing;
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    most = most.max(Changed::UsersFiles);
                }
                let of_itself =
                    event.mask.intersects(AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF);
                let counts = |what: &What| match what {
                    What::Name(name) => event.name.as_ref() == Some(name),
                    What::Names => event.name.is_some(),
                    What::Itself => of_itself,
                };
                let of_directory = self.counts.get(&event.wd).map(Vec::as_slice).unwrap_or_default();
                let hit =
                    of_directory.iter().filter(|(what, _)| counts(what)).map(|(_, changed)| *changed).max();
                most = most.max(hit.unwrap_or(Changed::Nothing));
            }
        }
        most
    }
}

/// Whether this is no link, and can be passed by the user: then neither a new mode nor another link can
/// mend anything.
fn is_directory(path: &Path) -> bool {
    let is_directory = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    is_directory && access(path, AccessFlags::X_OK).is_ok()
}
