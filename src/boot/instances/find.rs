//! The instances on a volume, found with the ids of their user.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::config::System;
use super::places::Places;
use super::{InstancesError, seed, state, template};
use crate::boot::choice::{GoOn, Intent};
use crate::boot::directory::Directory;
use crate::boot::report::{Report, Row};
use crate::boot::room::MOST_INSTANCES as MOST_PUBLISHED;
use crate::error::{Findings, reason};
use crate::service::ServiceName;
use crate::sys::clock;
use crate::sys::file::kind;
use crate::sys::nofollow::PathError;

/// More instances than this are not taken.
pub(super) const MOST_INSTANCES: usize = 20_000;
/// No more warnings than this are given of what is no instance.
const MOST_WARNINGS: usize = 150;
/// Processor time that reading all of them may take.
const MOST_TIME: Duration = Duration::from_secs(10);

/// What there is on the volume.
#[derive(Default)]
pub(super) struct Found {
    pub(super) instances: Vec<Instance>,
    /// Services whose instances may be there or not.
    pub(super) kept: BTreeSet<String>,
    pub(super) report: Report,
    /// What there is no room for; it has not been read.
    pub(super) left_out: Option<InstancesError>,
    /// Whether all names were looked at.
    pub(super) end: End,
}

/// How a look at the volume ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// With the last name.
    #[default]
    Whole,
    /// Before: somebody asks to stop.
    BrokenOff,
}

impl Found {
    /// The first ones tell what there is to be done.
    fn warn(&mut self, error: InstancesError) {
        if self.report.warnings.iter().count() < MOST_WARNINGS {
            self.report.warnings.push(error);
        }
    }
}

/// An instance as it was found on the volume.
pub(super) struct Instance {
    pub(super) row: Row,
    /// What its line in the boot log says beside that.
    pub(super) log_word: Option<String>,
    /// What it takes to publish it; none for one that cannot be.
    pub(super) publishable: Option<Publishable>,
}

pub(super) struct Publishable {
    pub(super) name: String,
    pub(super) service: ServiceName,
    pub(super) directory: String,
    pub(super) is_root_instance: bool,
    /// Whether it is meant to run, where its state file says so under a key of its own.
    pub(super) is_desired: Option<bool>,
}

/// What becomes of files that mean nothing after a start of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stale {
    /// They are removed.
    Removed,
    /// They are not stale: the machine has been up for a while.
    Left,
}

/// What becomes of services whose instances have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// They are pruned.
    Pruned,
    /// They stay.
    Stays,
}

/// Who is given a state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeds {
    /// Nobody.
    Nothing,
    /// The root instance, if it has none.
    Root,
}

/// Looks for instances, with the user's ids.
pub(super) struct Finder<'f> {
    pub(super) system: &'f System,
    pub(super) intent: Intent,
    pub(super) supervised: &'f BTreeSet<String>,
    pub(super) stale: Stale,
    pub(super) seeds: Seeds,
    /// The services that root's commands made.
    pub(super) published: BTreeSet<String>,
    pub(super) gone: Gone,
}

impl Finder<'_> {
    /// Reads as many instances as there are places for.
    pub(super) fn find(&self, home: &OwnedFd, go_on: GoOn<'_>) -> Result<Found, Findings> {
        let began = clock::processor_time();
        let mut found = Found::default();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(home, ".", flags, Mode::empty()).map_err(|errno| {
            InstancesError::home(self.system, PathError::Refused(self.system.home.clone(), errno))
        })?;
        let home = Directory { fd, shown: PathBuf::new() };
        if let Some(name) = &self.system.root_instance {
            let path = self.system.home.to_string_lossy().into_owned();
            found.instances.push(self.instance(name, &home, path, true));
        }
        let above = self.system.instances.as_str();
        let directory = match self.open(&home, above) {
            Ok(directory) => directory,
            // a volume on which nobody has made an instance yet
            Err(Errno::ENOENT) => return Ok(found),
            Err(errno) => {
                found.report.failures.push(directory_error(above, errno));
                return Ok(found);
            }
        };
        let mut names = match directory.names(MOST_INSTANCES) {
            Ok(names) => names,
            Err(error) => {
                found.report.failures.push(error);
                return Ok(found);
            }
        };
        names.sort_unstable();
        let mut places = self.places(&names);
        for name in names {
            if go_on().is_break() {
                found.end = End::BrokenOff;
                break;
            }
            if clock::processor_time().saturating_sub(began) > MOST_TIME {
                let name = name.to_string_lossy().into_owned();
                found.report.failures.push(InstancesError::NoTimeLeft { most: MOST_TIME, name });
                break;
            }
            self.look_at(&directory, &name, &mut places, &mut found);
        }
        found.left_out = places.left_out();
        Ok(found)
    }

    /// What is published and not about to be pruned has its place, and so has the root instance.
    fn places(&self, names: &[OsString]) -> Places {
        let there: BTreeSet<String> = names
            .iter()
            .filter_map(|name| name.to_str())
            .chain(self.system.root_instance.as_deref())
            .map(|name| template::service_name(self.system, name))
            .collect();
        let stays = |service: &&String| self.gone == Gone::Stays || there.contains(*service);
        let root = self.system.root_instance.iter().map(|name| template::service_name(self.system, name));
        let taken = self.published.iter().filter(stays).cloned().chain(root).collect();
        Places::new(MOST_PUBLISHED, taken)
    }

    /// Opens a directory below the home, component by component; no link is followed.
    fn open(&self, home: &Directory, path: &str) -> Result<Directory, Errno> {
        let mut here = home.try_open(OsStr::new("."))?;
        for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
            here = here.try_open(OsStr::new(name))?;
        }
        Ok(here)
    }

    fn look_at(&self, above: &Directory, name: &OsStr, places: &mut Places, found: &mut Found) {
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
                        if places.take_or_count(&template::service_name(self.system, &shown), &shown) {
                            found.instances.push(self.unreadable(&shown, &path, errno));
                        }
                    }
                    Missed::MaybeInstance(errno) => {
                        found.warn(directory_error(&path, errno));
                        found.kept.extend(self.row(&shown).service);
                    }
                }
                return;
            }
        };
        if !has_marker && !is_name(&shown) {
            // lost+found, .cache: the name alone tells instances from other directories
            if !shown.starts_with('.') {
                found.warn(InstancesError::NoInstance { path });
            }
            return;
        }
        if self.system.root_instance.as_deref() == name.to_str() {
            found.report.warnings.push(InstancesError::Reserved { path, name: shown.into_owned() });
            return;
        }
        if !places.take_or_count(&template::service_name(self.system, &shown), &shown) {
            return;
        }
        let path = self.system.home.join(path).to_string_lossy().into_owned();
        found.instances.push(self.instance(&shown, &directory, path, false));
    }

    /// What something is that could not be opened, or looked into.
    fn missed(&self, above: &Directory, name: &OsStr, errno: Errno) -> Missed {
        let status = match above.look_at(name) {
            Ok(status) => status,
            Err(Errno::ENOENT) => return Missed::Nothing,
            Err(errno) => return Missed::Instance(errno),
        };
        match kind(&status) {
            // what it leads to may be an instance too; it is not followed
            SFlag::S_IFLNK => Missed::MaybeInstance(Errno::ELOOP),
            SFlag::S_IFDIR if errno == Errno::ENOENT => Missed::Nothing,
            SFlag::S_IFDIR if status.st_uid != geteuid().as_raw() => Missed::MaybeInstance(errno),
            SFlag::S_IFDIR => Missed::Instance(errno),
            _ => Missed::Nothing,
        }
    }

    fn unreadable(&self, shown: &str, path: &str, errno: Errno) -> Instance {
        let mut row = self.row(shown);
        row.failures.push(directory_error(path, errno));
        Instance { row, log_word: None, publishable: None }
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
            return Instance { row, log_word: None, publishable: None };
        };
        let service = match ServiceName::parse(OsStr::new(&service)) {
            Ok(service) => service,
            Err(why) => {
                row.failures.push(InstancesError::ServiceName(why));
                return Instance { row, log_word: None, publishable: None };
            }
        };
        let mut is_desired = None;
        if let Some(file) = &self.system.state_file {
            let seeded = match self.seeds {
                Seeds::Root if is_root_instance => seed::seed(&directory.fd, file, self.system, self.intent),
                _ => None,
            };
            let state = match seeded {
                Some(seeded) => {
                    row.warnings.take(seeded.written);
                    seeded.state
                }
                None => row.warnings.take(state::read(&directory.fd, file, self.system)).unwrap_or_default(),
            };
            row.prior_state = state.shown;
            is_desired = state.desired.map(|state| self.system.running.contains(&state));
        }
        let is_supervised = self.supervised.contains(service.as_str());
        let log_word = self.log_word(directory, is_supervised);
        // the files of one that is running are not stale
        if self.intent == Intent::Apply && self.stale == Stale::Removed && !is_supervised {
            for file in &self.system.stale {
                match unlinkat(&directory.fd, file.as_str(), UnlinkatFlags::NoRemoveDir) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(errno) => row.failures.push(InstancesError::Stale { file: file.clone(), errno }),
                }
            }
        }
        let name = name.to_string();
        let publishable = Publishable { name, service, directory: path, is_root_instance, is_desired };
        Instance { row, log_word, publishable: Some(publishable) }
    }

    /// The word of the boot log's own field. The file of one that runs tells of its present life.
    fn log_word(&self, directory: &Directory, is_supervised: bool) -> Option<String> {
        let field = &self.system.log_field;
        let (_, file, key) = (field.name.as_ref()?, field.file.as_ref()?, field.key.as_ref()?);
        let (above, name) = file.rsplit_once('/').unwrap_or((".", file));
        let text = match is_supervised {
            true => None,
            false => {
                self.open(directory, above).ok().and_then(|above| state::text_under(&above.fd, name, key))
            }
        };
        Some(text.and_then(|text| field.word(&text).map(str::to_string)).unwrap_or(field.other().to_string()))
    }
}

/// `[a-z0-9][a-z0-9_-]*`, the whole of it.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || b"_-".contains(&byte))
}

/// What could not be looked into.
enum Missed {
    /// No instance.
    Nothing,
    /// A directory of the user's, that should be one.
    Instance(Errno),
    /// A link, or a directory of somebody else's.
    MaybeInstance(Errno),
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
