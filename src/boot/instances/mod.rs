//! `futo reconcile`: instances on a volume, each a service made from a template.

mod boot_log;
pub mod config;
mod state;
mod template;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Choice;
use super::account::Account;
use super::delegate::{Delegation, Waiting};
use super::desired::Desired;
use super::directory::Directory;
use super::report::{FAILED, Report, Row, field};
use super::scan::{Intent, ScanDirectory};
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::service::{InvalidName, ServiceName};
use crate::sys::clock;
use crate::sys::nofollow::{self, Missing, PathError};
use config::{DelegateTo, Policy, System};

/// More instances than this are not taken.
const MOST_INSTANCES: usize = 20_000;

/// What can be wrong with instances.
#[derive(Debug, thiserror::Error)]
pub enum InstancesError {
    /// The file of `--config` lacks a key.
    #[error("{}: {key} is missing", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// The volume cannot be reached.
    #[error("unable to open the home of the instances: {0}")]
    Home(PathError),
    /// The group is unknown.
    #[error("no group '{0}' in /etc/group")]
    NoGroup(String),
    /// An instance's directory, or the directory that holds them, cannot be opened.
    #[error("unable to open directory '{path}': {reason}")]
    Directory {
        /// Below the home.
        path: String,
        /// Why.
        reason: String,
    },
    /// A name that is not of the form of names.
    #[error("its name is not of the form [a-z0-9][a-z0-9_-]*")]
    Name,
    /// A name whose service cannot have one.
    #[error("the name of its service {0}")]
    ServiceName(InvalidName),
    /// It would take the name of the one that is always there.
    #[error("'{path}' is skipped: the name '{name}' stands for the home itself")]
    Reserved {
        /// Below the home.
        path: String,
        /// The name.
        name: String,
    },
    /// A file that means nothing any more.
    #[error("unable to remove '{file}': {}", reason(*errno))]
    Stale {
        /// In the instance's directory.
        file: String,
        /// Why.
        errno: Errno,
    },
}

impl Problem for InstancesError {
    fn exit(&self) -> Exit {
        match self {
            InstancesError::Stale { .. } | InstancesError::Directory { .. } => Exit::SYSTEM,
            InstancesError::Home(_) => Exit::NOTHING_DONE,
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            InstancesError::Home(_) => Some("HERMES_HOME or --home DIR names another one".to_string()),
            InstancesError::Name => Some("rename its directory".to_string()),
            InstancesError::Reserved { .. } => Some("rename the directory".to_string()),
            _ => None,
        }
    }
}

/// An instance as it was found on the volume.
struct Instance {
    row: Row,
    /// What it takes to publish it; none for one that cannot be.
    publishable: Option<Publishable>,
}

struct Publishable {
    name: String,
    service: ServiceName,
    directory: String,
    is_root_instance: bool,
}

/// Publishes the services of all instances. An error is one that leaves nothing to be done.
pub fn reconcile(system: &System, choice: &Choice) -> Result<Report, Findings> {
    nofollow::with_no_umask(|| reconcile_all(system, choice))
}

fn reconcile_all(system: &System, choice: &Choice) -> Result<Report, Findings> {
    let mut findings = Findings::default();
    let account = system.user_request().and_then(|user| Account::find(&user, &mut findings));
    let delegation = delegation(system, choice, &mut findings);
    let home = nofollow::open_directory(&system.home, Missing::Refuse).map_err(InstancesError::Home);
    let home = findings.take(home);
    let maker = format!("futo reconcile {}", system.name);
    let scan = findings.take(ScanDirectory::open(&system.scan_dir, choice.intent, &maker));
    let (Some(account), Some(home), Some(scan)) = (account, home, scan) else { return Err(findings) };
    findings.or(())?;

    // before anything is removed on the volume: what runs still needs its files
    let supervised = scan.names()?.into_iter().filter(|name| scan.is_supervised(name)).collect();
    let finder = Finder { system, intent: choice.intent, supervised: &supervised };
    let (instances, mut report) = account.act(|| finder.find(&home))??;

    let mut desired_names = BTreeSet::new();
    for Instance { mut row, publishable } in instances {
        if let Some(publishable) = publishable {
            desired_names.insert(publishable.service.to_string());
            let starts = starts(system, choice, &publishable.name, row.prior_state.as_deref());
            let desired = desired(system, choice, &publishable, delegation, starts);
            match scan.apply(&desired) {
                Ok(change) => {
                    row.change = Some(change);
                    row.action = if starts { "started" } else { "registered" };
                }
                Err(error) => {
                    report.is_unfinished |= error.passes();
                    row.failures.push(error);
                }
            }
        } else if let Some(service) = &row.service {
            // what cannot be looked at now is not gone
            desired_names.insert(service.clone());
        }
        report.rows.push(row);
    }
    scan.tell_of_all();
    // an incomplete list tells of nothing that it has gone
    if choice.prune && report.failures.is_empty() {
        super::prune(&scan, &desired_names, choice.patience, &mut report);
    }
    if let (Some(path), Intent::Apply) = (&system.boot_log, choice.intent) {
        let stamp = boot_log::stamp(clock::wall_now());
        let lines = lines(system, &report, &stamp);
        let size = system.boot_log_size;
        let appended = account.act(|| boot_log::append(&home, path, size, &lines))?;
        report.failures.take(appended);
    }
    Ok(report)
}

/// The lines of the report, each behind `start`.
pub fn lines(system: &System, report: &Report, start: &str) -> String {
    let mut lines = String::new();
    for row in &report.rows {
        let prior = row.prior_state.as_deref().map_or("None".to_string(), field);
        let _ = writeln!(
            lines,
            "{start} {}={} prior_state={prior} action={}",
            system.label,
            field(&row.shown),
            if row.has_failed() && row.change.is_none() { FAILED } else { row.action }
        );
    }
    lines
}

fn delegation(system: &System, choice: &Choice, findings: &mut Findings) -> Option<Delegation> {
    let waiting = if choice.delegate.wait { Waiting::Open } else { Waiting::Closed };
    let to = choice.delegate.to.as_ref().unwrap_or(&system.delegate);
    let DelegateTo::Group(name) = to else { return None };
    let group =
        findings.take(super::group_named(name).ok_or_else(|| InstancesError::NoGroup(name.clone())))?;
    Some(Delegation { group, waiting })
}

fn starts(system: &System, choice: &Choice, name: &str, prior_state: Option<&str>) -> bool {
    match system.policies.get(name).unwrap_or(&system.policy) {
        _ if choice.no_start => false,
        Policy::Always => true,
        Policy::Never => false,
        Policy::Last => prior_state.is_some_and(|state| system.running.iter().any(|each| each == state)),
    }
}

fn desired(
    system: &System,
    choice: &Choice,
    instance: &Publishable,
    delegation: Option<Delegation>,
    starts: bool,
) -> Desired {
    let names = template::Names {
        name: &instance.name,
        service: instance.service.as_str(),
        home: &system.home.to_string_lossy(),
        directory: &instance.directory,
    };
    let mut files = template::files(system, &choice.launcher, &names, instance.is_root_instance);
    if !starts {
        files.set_down();
    }
    Desired { name: instance.service.clone(), files, delegation }
}

/// Looks for instances, with the user's ids.
struct Finder<'f> {
    system: &'f System,
    intent: Intent,
    supervised: &'f BTreeSet<String>,
}

impl Finder<'_> {
    fn find(&self, home: &OwnedFd) -> Result<(Vec<Instance>, Report), Findings> {
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
