//! Watches for changes that end a rest, without wake-ups: inotify for files, the mount table for mounts.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FUSE_SUPER_MAGIC, FsType, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
use nix::unistd::{AccessFlags, access};

use super::change::{Changed, Links};
use super::marks::Marks;
use crate::error::{Findings, reason};
use crate::plan::{Change, Plan};
use crate::ready::{environment, gate, program};
use crate::service::layout;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;
/// cifs, smb3, 9p, ceph, afs: changes by other hosts are not reported.
const NETWORK_FILE_SYSTEMS: [i64; 5] = [0xFF53_4D42, 0xFE53_4D42, 0x0102_1997, 0x00C3_6400, 0x5346_414F];

/// A watch on everything that can end a rest. In parent directories, where others may write at any time, only the
/// named entries count.
#[derive(Debug)]
pub(super) struct RestWatch {
    inotify: Option<Inotify>,
    counts: BTreeMap<WatchDescriptor, Vec<(Watched, Changed)>>,
    /// `/proc/self/mountinfo`: it has an exceptional condition after a mount or unmount.
    mounts: Option<OwnedFd>,
    marks: Marks,
    links: Links,
    unwatched: Option<String>,
}

/// Watched is watched in a directory.
#[derive(Debug)]
enum Watched {
    /// Changes to this name in it.
    Name(OsString),
    /// Changes to any name in it.
    Names,
    /// Its own removal or renaming.
    Itself,
}

impl RestWatch {
    /// Watches the files that only a restart by the supervisor reads again.
    pub(super) fn on_run_files(plan: &Plan, links: Links) -> Self {
        let mut watch = RestWatch::on_nothing(links);
        let fixed = [layout::RUN, layout::CURRENT, layout::NOTIFICATION_FD, "/etc/passwd", "/etc/group"]
            .map(Path::new);
        for path in fixed.into_iter().chain(plan.file.as_ref().map(|file| file.path.as_path())) {
            watch.add(path, Changed::RunFile);
        }
        watch
    }

    /// The same, plus the user's files.
    pub(super) fn on(plan: &Plan) -> Self {
        let mut watch = RestWatch::on_run_files(plan, Links::Followed);
        // if the variables cannot be read, the inherited PATH applies
        let environment = environment::build(plan, &mut Findings::default());
        let users_files = environment
            .signature()
            .paths()
            .map(Path::to_path_buf)
            .chain(plan.chdir.clone())
            .chain(plan.gates.iter().filter_map(|gate| gate::file(gate, plan)))
            .chain(program::places(plan, &environment));
        let of_program = program::interpreter_of(plan, &environment).into_iter();
        for path in users_files.chain(of_program).chain(program::argument_files(plan)) {
            watch.add(&path, Changed::UsersFiles);
        }
        // root makes some of them, and only a restart makes a process that is root
        let changed = if plan.change == Change::Become { Changed::RunFile } else { Changed::UsersFiles };
        for directory in plan.directories.iter().filter(|directory| !directory.path.is_dir()) {
            watch.add(&directory.path, changed);
        }
        for directory in environment.signature().directories() {
            watch.watch_names(directory, Watched::Names, Changed::UsersFiles);
        }
        watch
    }

    fn on_nothing(links: Links) -> Self {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        let mounts = open("/proc/self/mountinfo", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        let mut watch = RestWatch {
            inotify: None,
            counts: BTreeMap::new(),
            mounts: None,
            marks: Marks::new(links),
            links,
            unwatched: None,
        };
        match inotify {
            Ok(inotify) => watch.inotify = Some(inotify),
            // the limit on inotify instances, not on descriptors
            Err(Errno::EMFILE) => watch.note_unwatched(
                "this user has reached its limit of inotify instances (fs.inotify.max_user_instances)"
                    .to_string(),
            ),
            Err(errno) => watch.note_unwatched(format!("inotify: {}", reason(errno))),
        }
        match mounts {
            Ok(mounts) => watch.mounts = Some(mounts),
            Err(errno) => watch.note_unwatched(format!("'/proc/self/mountinfo': {}", reason(errno))),
        }
        watch
    }

    /// The descriptors to poll; [`RestWatch::changed`] interprets them.
    pub(super) fn descriptors(&self) -> Vec<PollFd<'_>> {
        let files = self.inotify.as_ref().map(|inotify| PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
        let mounts = self.mounts.as_ref().map(|mounts| PollFd::new(mounts.as_fd(), PollFlags::POLLPRI));
        files.into_iter().chain(mounts).collect()
    }

    /// Why a change may go unreported, so that polling is needed.
    pub(super) fn unwatched(&self) -> Option<&str> {
        self.unwatched.as_deref()
    }

    fn note_unwatched(&mut self, why: String) {
        self.unwatched.get_or_insert(why);
    }

    /// Watches a path and its components: directories; links by name, and their targets; and the name of a component
    /// that is missing or cannot be passed.
    fn add(&mut self, path: &Path, changed: Changed) {
        self.marks.note(path, changed);
        let start = |path: &Path| PathBuf::from(if path.is_absolute() { "/" } else { "." });
        let mut here = start(path);
        let mut todo = names(path);
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            let whole = here.join(&name);
            let status = std::fs::symlink_metadata(&whole);
            if status.as_ref().is_ok_and(|status| status.is_symlink()) {
                self.watch_names(&here, Watched::Name(name), changed);
                links += 1;
                let Ok(target) = std::fs::read_link(&whole) else { return };
                if self.links == Links::NotFollowed || links > MAX_LINKS {
                    return;
                }
                if target.is_absolute() {
                    here = start(&target);
                }
                for name in names(&target).into_iter().rev() {
                    todo.push_front(name);
                }
                continue;
            }
            // the content of an unsearchable directory does not count until its mode changes
            let leads_on =
                status.is_ok_and(|status| status.is_dir()) && access(&whole, AccessFlags::X_OK).is_ok();
            let is_passed = leads_on && !todo.is_empty();
            if !(is_passed && self.watch(&whole, Watched::Itself, changed).is_ok()) {
                self.watch_names(&here, Watched::Name(name), changed);
            }
            if !is_passed {
                return;
            }
            here = whole;
        }
    }

    /// Watches names in a directory; records if it cannot be watched.
    fn watch_names(&mut self, directory: &Path, what: Watched, changed: Changed) {
        if self.inotify.is_none() {
            return;
        }
        match self.watch(directory, what, changed) {
            // its entries are handled the same way
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => {
                self.note_unwatched(format!(
                    "'{}' cannot be watched: {}",
                    directory.display(),
                    reason(errno)
                ));
            }
            Ok(()) if is_on_network(directory) => {
                self.note_unwatched(format!("'{}' is on a network file system", directory.display()));
            }
            Ok(()) => {}
        }
    }

    fn watch(&mut self, directory: &Path, what: Watched, changed: Changed) -> Result<(), Errno> {
        let Some(inotify) = &self.inotify else { return Err(Errno::EMFILE) };
        let flags = match what {
            Watched::Itself => AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF,
            Watched::Name(_) | Watched::Names => {
                AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_MOVED_TO
                    | AddWatchFlags::IN_MOVED_FROM
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_CLOSE_WRITE
                    | AddWatchFlags::IN_ATTRIB
            }
        };
        // a directory can be watched for several reasons
        let flags = flags | AddWatchFlags::IN_ONLYDIR | AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        let descriptor = inotify.add_watch(directory, flags)?;
        self.counts.entry(descriptor).or_default().push((what, changed));
        Ok(())
    }

    /// The greatest change since the last call, from events and from polling.
    pub(super) fn changed(&mut self) -> Changed {
        self.reported().max(self.marks.changed())
    }

    /// The greatest change in the pending events.
    fn reported(&self) -> Changed {
        let mut most = Changed::Nothing;
        let Some(inotify) = &self.inotify else { return most };
        while let Ok(events) = inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    most = most.max(Changed::UsersFiles);
                }
                let of_itself =
                    event.mask.intersects(AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF);
                let counts = |what: &Watched| match what {
                    Watched::Name(name) => event.name.as_ref() == Some(name),
                    Watched::Names => event.name.is_some(),
                    Watched::Itself => of_itself,
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

fn is_on_network(directory: &Path) -> bool {
    let Ok(status) = statfs(directory) else { return false };
    let FsType(kind) = status.filesystem_type();
    [NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, SMB_SUPER_MAGIC].iter().any(|magic| magic.0 == kind)
        || NETWORK_FILE_SYSTEMS.contains(&kind)
}

/// The names of a path, without `.`.
fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_os_string())
        .collect()
}
