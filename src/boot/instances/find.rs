//! Finds the instances on a volume, with the ids of their user.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::geteuid;

use super::InstancesError;
use super::instance::{Instance, InstanceReader, InstanceRole, directory_error, open_below};
use super::names::{is_name, service_name};
use super::quota::InstanceQuota;
use super::system::System;
use crate::boot::choice::GoOn;
use crate::boot::directory::Directory;
use crate::boot::quota::MAX_INSTANCES as MAX_PUBLISHED;
use crate::boot::report::Report;
use crate::error::Findings;
use crate::sys::clock;
use crate::sys::file::kind;
use crate::sys::nofollow::PathError;

/// The limit of names in the directory of the instances.
pub(super) const MAX_INSTANCES: usize = 20_000;
/// The limit of warnings about directories that are not instances.
const MAX_WARNINGS: usize = 150;
/// The CPU time limit for reading all instances.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The instances on the volume.
#[derive(Default)]
pub(super) struct FoundInstances {
    pub(super) instances: Vec<Instance>,
    /// Services whose instances may still exist.
    pub(super) kept: BTreeSet<String>,
    pub(super) report: Report,
    /// The error for instances that exceed the quota and were not read.
    pub(super) left_out: Option<InstancesError>,
    /// Whether the search was completed.
    pub(super) end: SearchEnd,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SearchEnd {
    /// All names were visited.
    #[default]
    Complete,
    /// It was interrupted.
    Interrupted,
}

impl FoundInstances {
    /// Adds a warning, up to a limit.
    fn warn(&mut self, error: InstancesError) {
        if self.report.warnings.iter().count() < MAX_WARNINGS {
            self.report.warnings.push(error);
        }
    }
}

/// How services without an instance are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// They are pruned.
    Pruned,
    /// They are kept.
    Kept,
}

/// Finds instances, with the user's ids.
pub(super) struct Finder<'f> {
    pub(super) system: &'f System,
    pub(super) reader: InstanceReader<'f>,
    /// The published services whose author is root.
    pub(super) published: BTreeSet<String>,
    pub(super) gone: Gone,
}

impl Finder<'_> {
    /// Reads as many instances as the quota allows.
    pub(super) fn find(&self, home: &OwnedFd, go_on: GoOn<'_>) -> Result<FoundInstances, Findings> {
        let start = clock::processor_time();
        let mut found = FoundInstances::default();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(home, ".", flags, Mode::empty()).map_err(|errno| {
            InstancesError::home(self.system, PathError::Refused(self.system.home.clone(), errno))
        })?;
        let home = Directory { fd, shown: PathBuf::new() };
        if let Some(name) = &self.system.root_instance {
            let path = self.system.home.to_string_lossy().into_owned();
            found.instances.push(self.reader.read(name, &home, path, InstanceRole::Root));
        }
        let above = self.system.instances.as_str();
        let directory = match open_below(&home, above) {
            Ok(directory) => directory,
            // a volume without instances yet
            Err(Errno::ENOENT) => return Ok(found),
            Err(errno) => {
                found.report.failures.push(directory_error(above, errno));
                return Ok(found);
            }
        };
        let mut names = match directory.names(MAX_INSTANCES) {
            Ok(names) => names,
            Err(error) => {
                found.report.failures.push(error);
                return Ok(found);
            }
        };
        names.sort_unstable();
        let mut quota = self.quota(&names);
        for name in names {
            if go_on().is_break() {
                found.end = SearchEnd::Interrupted;
                break;
            }
            if clock::processor_time().saturating_sub(start) > MAX_TIME {
                let name = name.to_string_lossy().into_owned();
                found.report.failures.push(InstancesError::NoTimeLeft { most: MAX_TIME, name });
                break;
            }
            self.visit(&directory, &name, &mut quota, &mut found);
        }
        found.left_out = quota.left_out();
        Ok(found)
    }

    /// Published services that are not pruned, and the root instance, have their place.
    fn quota(&self, names: &[OsString]) -> InstanceQuota {
        let there: BTreeSet<String> = names
            .iter()
            .filter_map(|name| name.to_str())
            .chain(self.system.root_instance.as_deref())
            .map(|name| service_name(self.system, name))
            .collect();
        let stays = |service: &&String| self.gone == Gone::Kept || there.contains(*service);
        let root = self.system.root_instance.iter().map(|name| service_name(self.system, name));
        let taken = self.published.iter().filter(stays).cloned().chain(root).collect();
        InstanceQuota::new(MAX_PUBLISHED, taken)
    }

    fn visit(&self, above: &Directory, name: &OsStr, quota: &mut InstanceQuota, found: &mut FoundInstances) {
        let shown = name.to_string_lossy();
        let path = Path::new(&self.system.instances).join(name);
        let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        let looked = above.try_open(name).and_then(|directory| {
            let marker = self.system.marker.as_ref().map(|marker| directory.kind_of(OsStr::new(marker)));
            marker.transpose().map(|marker| (directory, marker.is_some()))
        });
        let path = path.to_string_lossy().into_owned();
        let (directory, has_marker) = match looked {
            Ok(looked) => looked,
            Err(errno) => {
                match self.missed(above, name, errno) {
                    Missed::Nothing => {}
                    Missed::Instance(errno) => {
                        if quota.take_or_count(&service_name(self.system, &shown), &shown) {
                            found.instances.push(self.reader.unreadable(&shown, &path, errno));
                        }
                    }
                    Missed::MaybeInstance(errno) => {
                        found.warn(directory_error(&path, errno));
                        found.kept.extend(self.reader.row(&shown).service);
                    }
                }
                return;
            }
        };
        if !has_marker && !is_name(&shown) {
            // lost+found, .cache: without a marker, only the name identifies an instance
            if !shown.starts_with('.') {
                found.warn(InstancesError::NoInstance { path });
            }
            return;
        }
        if self.system.root_instance.as_deref() == name.to_str() {
            found.report.warnings.push(InstancesError::Reserved { path, name: shown.into_owned() });
            return;
        }
        if !quota.take_or_count(&service_name(self.system, &shown), &shown) {
            return;
        }
        let path = self.system.home.join(path).to_string_lossy().into_owned();
        found.instances.push(self.reader.read(&shown, &directory, path, InstanceRole::Ordinary));
    }

    /// Classifies an entry that could not be opened or searched.
    fn missed(&self, above: &Directory, name: &OsStr, errno: Errno) -> Missed {
        let status = match above.try_status(name) {
            Ok(status) => status,
            Err(Errno::ENOENT) => return Missed::Nothing,
            Err(errno) => return Missed::Instance(errno),
        };
        match kind(&status) {
            // its target may be an instance, but is not followed
            SFlag::S_IFLNK => Missed::MaybeInstance(Errno::ELOOP),
            SFlag::S_IFDIR if errno == Errno::ENOENT => Missed::Nothing,
            SFlag::S_IFDIR if status.st_uid != geteuid().as_raw() => Missed::MaybeInstance(errno),
            SFlag::S_IFDIR => Missed::Instance(errno),
            _ => Missed::Nothing,
        }
    }
}

/// An entry that could not be opened or searched.
enum Missed {
    /// Not an instance.
    Nothing,
    /// A user-owned directory that should be one.
    Instance(Errno),
    /// A link, or a directory of another user.
    MaybeInstance(Errno),
}
