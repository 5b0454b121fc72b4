//! What can mend a service, watched by inotify.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::error::Findings;
use crate::plan::Plan;
use crate::ready::{environment, program};
use crate::service::layout;

/// What an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    Nothing,
    UsersFiles,
    RunFile,
}

/// inotify on the directories of everything that can mend a service.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Inotify,
    /// What a name in a watched directory means; without a name: any.
    names: BTreeMap<WatchDescriptor, Vec<(Option<OsString>, Changed)>>,
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
        let mut watch = Watch { inotify, names: BTreeMap::new() };
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
            .chain(program::places(plan, &environment));
        for path in users_files.chain(program::interpreter_of(plan, &environment)) {
            watch.add(&path, Changed::UsersFiles);
            // where links lead to
            if let Ok(canonical) = std::fs::canonicalize(&path) {
                watch.add(&canonical, Changed::UsersFiles);
            }
        }
        for directory in environment.signature().directories() {
            watch.add_all_in(directory, Changed::UsersFiles);
        }
        Some(watch)
    }

    /// Watches every name in a directory.
    fn add_all_in(&mut self, directory: &Path, changed: Changed) {
        self.watch(directory, None, changed);
    }

    fn watch(&mut self, directory: &Path, name: Option<OsString>, changed: Changed) {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_ONLYDIR;
        if let Ok(descriptor) = self.inotify.add_watch(directory, flags) {
            self.names.entry(descriptor).or_default().push((name, changed));
        }
    }

    /// Watches a name in its directory, and every name above it: links and directories are replaced too.
    fn add(&mut self, path: &Path, changed: Changed) {
        let mut path = path;
        while let Some(name) = path.file_name() {
            let directory = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            self.watch(directory, Some(name.to_os_string()), changed);
            path = directory;
        }
    }

    /// The most that the pending events mean.
    pub(super) fn changed(&self) -> Changed {
        let mut most = Changed::Nothing;
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    most = most.max(Changed::UsersFiles);
                }
                let names = self.names.get(&event.wd).map(Vec::as_slice).unwrap_or_default();
                let name = event.name.as_deref().unwrap_or(OsStr::new(""));
                let counts = |each: &Option<OsString>| each.as_deref().is_none_or(|each| each == name);
                let hit = names.iter().filter(|(each, _)| counts(each)).map(|(_, changed)| *changed).max();
                most = most.max(hit.unwrap_or(Changed::Nothing));
            }
        }
        most
    }
}
