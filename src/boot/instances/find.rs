//! The instances on a volume, found with the ids of their user.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::config::System;
use super::{InstancesError, state, template};
use crate::boot::directory::Directory;
use crate::boot::report::{Report, Row};
use crate::boot::scan::Intent;
use crate::error::{Findings, reason};
use crate::service::ServiceName;
use crate::sys::nofollow::PathError;

/// More instances than this are not taken.
const MOST_INSTANCES: usize = 20_000;

/// An instance as it was found on the volume.
pub(super) struct Instance {
    pub(super) row: Row,
    /// What it takes to publish it; none for one that cannot be.
    pub(super) publishable: Option<Publishable>,
}

pub(super) struct Publishable {
    pub(super) name: String,
    pub(super) service: ServiceName,
    pub(super) directory: String,
    pub(super) is_root_instance: bool,
}

/// Looks for instances, with the user's ids.
pub(super) struct Finder<'f> {
    pub(super) system: &'f System,
    pub(super) intent: Intent,
    pub(super) supervised: &'f BTreeSet<String>,
}

impl Finder<'_> {
    pub(super) fn find(&self, home: &OwnedFd) -> Result<(Vec<Instance>, Report), Findings> {
        let mut report = Report::default();
        let mut instances = Vec::new();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(home, ".", flags, Mode::empty())
            .map_err(|errno| InstancesError::Home(PathError::Refused(self.system.home.clone(), errno)))?;
        let home = Directory { fd, shown: PathBuf::new() };
        if let Some(name) = &self.system.root_instance {
            let path = self.system.home.to_string_lossy().into_owned();
            instances.push(self.instance(name, &home, path, true));
        }
        let above = self.system.instances.as_str();
        let directory = match self.open(&home, above) {
            Ok(directory) => directory,
            // a volume on which nobody has made an instance yet
            Err(Errno::ENOENT) => return Ok((instances, report)),
            Err(errno) => {
                report.failures.push(directory_error(above, errno));
                return Ok((instances, report));
            }
        };
        let mut names = match directory.names(MOST_INSTANCES) {
            Ok(names) => names,
            Err(error) => {
                report.failures.push(error);
                return Ok((instances, report));
            }
        };
        names.sort_unstable();
        for name in names {
            self.look_at(&directory, &name, &mut instances, &mut report);
        }
        Ok((instances, report))
    }

    /// Opens a directory below the home, component by component; no link is followed.
    fn open(&self, home: &Directory, path: &str) -> Result<Directory, Errno> {
        let mut here = home.try_open(OsStr::new("."))?;
        for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
            here = here.try_open(OsStr::new(name))?;
        }
        Ok(here)
    }

    fn look_at(&self, above: &Directory, name: &OsStr, instances: &mut Vec<Instance>, report: &mut Report) {
        let shown = name.to_string_lossy();
        let path = format!("{}/{shown}", self.system.instances);
        let directory = match above.try_open(name) {
            Ok(directory) => directory,
            Err(errno) => {
                let missed = missed(above, name, errno);
                instances.extend(missed.map(|errno| self.unreadable(&shown, &path, errno)));
                return;
            }
        };
        match self.system.marker.as_ref().map(|marker| directory.kind_of(OsStr::new(marker))) {
            Some(Err(Errno::ENOENT)) => return,
            Some(Err(errno)) => return instances.push(self.unreadable(&shown, &path, errno)),
            Some(Ok(_)) | None => {}
        }
        if self.system.root_instance.as_deref() == name.to_str() {
            report.warnings.push(InstancesError::Reserved { path, name: shown.into_owned() });
            return;
        }
        let path = format!("{}/{path}", self.system.home.to_string_lossy());
        instances.push(self.instance(&shown, &directory, path, false));
    }

    fn unreadable(&self, shown: &str, path: &str, errno: Errno) -> Instance {
        let mut row = self.row(shown);
        row.failures.push(directory_error(path, errno));
        Instance { row, publishable: None }
    }

    fn row(&self, shown: &str) -> Row {
        let mut row = Row::new(shown);
        if is_name(shown) {
            row.service = Some(template::service_name(self.system, shown));
        }
        row
    }

    fn instance(&self, name: &str, directory: &Directory, path: String, is_root_instance: bool) -> Instance {
        let mut row = self.row(name);
        let Some(service) = row.service.clone() else {
            row.failures.push(InstancesError::Name);
            return Instance { row, publishable: None };
        };
        let service = match ServiceName::parse(OsStr::new(&service)) {
            Ok(service) => service,
            Err(why) => {
                row.failures.push(InstancesError::ServiceName(why));
                return Instance { row, publishable: None };
            }
        };
        if let Some(file) = &self.system.state_file {
            let read = state::read(&directory.fd, file, &self.system.state_keys);
            row.prior_state = row.warnings.take(read).flatten();
        }
        // the files of one that is running are not stale
        if self.intent == Intent::Apply && !self.supervised.contains(service.as_str()) {
            for file in &self.system.stale {
                match unlinkat(&directory.fd, file.as_str(), UnlinkatFlags::NoRemoveDir) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(errno) => row.failures.push(InstancesError::Stale { file: file.clone(), errno }),
                }
            }
        }
        let publishable = Publishable { name: name.to_string(), service, directory: path, is_root_instance };
        Instance { row, publishable: Some(publishable) }
    }
}

/// `[a-z0-9][a-z0-9_-]*`, the whole of it.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || b"_-".contains(&byte))
}

/// Why something that could not be opened counts as missed; none for what is no directory.
fn missed(above: &Directory, name: &OsStr, errno: Errno) -> Option<Errno> {
    match above.kind_of(name) {
        // it may have been meant as an instance; it is not followed
        Ok(SFlag::S_IFLNK) => Some(Errno::ELOOP),
        Ok(SFlag::S_IFDIR) => Some(errno),
        Ok(_) | Err(Errno::ENOENT) => None,
        Err(errno) => Some(errno),
    }
}

fn directory_error(path: &str, errno: Errno) -> InstancesError {
    let reason = match errno {
        Errno::ELOOP => "it is a symbolic link, which is not followed".to_string(),
        _ => reason(errno),
    };
    InstancesError::Directory { path: path.to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_pattern_says_and_the_whole_of_it() {
        for good in ["a", "0", "coder", "a-b_c9", "9-"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "a\n", "é", "a.b", "a/b", ".a"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
