//! One instance, read with the ids of its user.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use nix::errno::Errno;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::names::{is_name, service_name};
use super::system::System;
use super::{InstancesError, seed, state};
use crate::boot::choice::Intent;
use crate::boot::directory::Directory;
use crate::boot::manifest::DesiredState;
use crate::boot::report::ReportRow;
use crate::error::reason;
use crate::service::ServiceName;

/// An instance, as found on the volume.
pub(super) struct Instance {
    pub(super) row: ReportRow,
    /// The value of the additional field in the boot log, if there is one.
    pub(super) log_word: Option<String>,
    /// The data needed to publish it; `None` if it has errors.
    pub(super) publishable: Option<PublishableInstance>,
}

/// The data needed to publish an instance.
pub(super) struct PublishableInstance {
    pub(super) name: String,
    pub(super) service: ServiceName,
    pub(super) directory: String,
    pub(super) role: InstanceRole,
    /// The desired state, if the state file contains it.
    pub(super) desired_state: Option<DesiredState>,
}

/// The role of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstanceRole {
    /// The home itself, which always exists and comes first.
    Root,
    /// A directory below the home.
    Ordinary,
}

/// How files that become stale at boot are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StaleFiles {
    /// They are removed.
    Removed,
    /// They are kept: this is not the first pass after boot.
    Kept,
}

/// The instance for which a state file is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeding {
    /// None.
    Nothing,
    /// The root instance, if it has no state file.
    RootInstance,
}

/// Reads instances.
pub(super) struct InstanceReader<'r> {
    pub(super) system: &'r System,
    pub(super) intent: Intent,
    pub(super) supervised: &'r BTreeSet<String>,
    pub(super) stale_files: StaleFiles,
    pub(super) seeding: Seeding,
}

impl InstanceReader<'_> {
    /// Reads the instance in a directory.
    pub(super) fn read(
        &self,
        name: &str,
        directory: &Directory,
        path: String,
        role: InstanceRole,
    ) -> Instance {
        let mut row = self.row(name);
        let service = match self.service_of(&row) {
            Ok(service) => service,
            Err(error) => {
                row.failures.push(error);
                return Instance { row, log_word: None, publishable: None };
            }
        };
        let desired_state = self.read_state(directory, role, &mut row);
        let is_supervised = self.supervised.contains(service.as_str());
        // the file of a running instance describes its current run
        let words_file = if is_supervised { None } else { Some(directory) };
        let log_word = self.log_word(words_file);
        // the files of a running instance are not stale
        if self.intent == Intent::Apply && self.stale_files == StaleFiles::Removed && !is_supervised {
            self.remove_stale_files(directory, &mut row);
        }
        let name = name.to_string();
        let publishable = PublishableInstance { name, service, directory: path, role, desired_state };
        Instance { row, log_word, publishable: Some(publishable) }
    }

    /// An instance whose directory cannot be read.
    pub(super) fn unreadable(&self, shown: &str, path: &str, errno: Errno) -> Instance {
        let mut row = self.row(shown);
        row.failures.push(directory_error(path, errno));
        Instance { row, log_word: None, publishable: None }
    }

    /// The row of an instance of this name.
    pub(super) fn row(&self, shown: &str) -> ReportRow {
        let mut row = ReportRow::new(shown);
        if is_name(shown) {
            row.service = Some(service_name(self.system, shown));
        }
        row
    }

    fn service_of(&self, row: &ReportRow) -> Result<ServiceName, InstancesError> {
        let service = row.service.as_deref().ok_or(InstancesError::Name)?;
        ServiceName::parse(OsStr::new(service)).map_err(InstancesError::ServiceName)
    }

    /// Records the previous state of an instance; returns the desired one.
    fn read_state(
        &self,
        directory: &Directory,
        role: InstanceRole,
        row: &mut ReportRow,
    ) -> Option<DesiredState> {
        let file = self.system.state_file.as_ref()?;
        let seeded = match (self.seeding, role) {
            (Seeding::RootInstance, InstanceRole::Root) => {
                seed::seed(&directory.fd, file, self.system, self.intent)
            }
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
        let desired = state.desired?;
        Some(if self.system.running.contains(&desired) { DesiredState::Up } else { DesiredState::Down })
    }

    fn remove_stale_files(&self, directory: &Directory, row: &mut ReportRow) {
        for file in &self.system.stale {
            match unlinkat(&directory.fd, file.as_str(), UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => row.failures.push(InstancesError::Stale { file: file.clone(), errno }),
            }
        }
    }

    /// The value of the additional field in the boot log, from a file in the instance's directory or the default.
    fn log_word(&self, directory: Option<&Directory>) -> Option<String> {
        let field = &self.system.log_field;
        let (_, file, key) = (field.name.as_ref()?, field.file.as_ref()?, field.key.as_ref()?);
        let (above, name) = file.rsplit_once('/').unwrap_or((".", file));
        let text = directory
            .and_then(|directory| open_below(directory, above).ok())
            .and_then(|above| state::text_under(&above.fd, name, key));
        let word = text.as_deref().and_then(|text| field.word(text));
        Some(word.unwrap_or(field.other()).to_string())
    }
}

/// Opens a directory below another, component by component. Symbolic links are not followed.
pub(super) fn open_below(directory: &Directory, path: &str) -> Result<Directory, Errno> {
    let mut here = directory.try_open(OsStr::new("."))?;
    for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
        here = here.try_open(OsStr::new(name))?;
    }
    Ok(here)
}

/// Why a directory below the home cannot be read.
pub(super) fn directory_error(path: &str, errno: Errno) -> InstancesError {
    let reason = match errno {
        Errno::ELOOP => "symbolic links are not followed".to_string(),
        _ => reason(errno),
    };
    InstancesError::Directory { path: path.to_string(), reason }
}
