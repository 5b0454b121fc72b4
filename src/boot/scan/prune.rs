//! Removes service directories: they are renamed first, and deleted once their supervisors have exited.

use std::ffi::OsStr;
use std::time::Duration;

use super::{GONE, POLL_INTERVAL, ScanDirectory, svscan};
use crate::boot::choice::Intent;
use crate::boot::service_directory::{DirectoryChange, PublishError};
use crate::error::Findings;
use crate::sys::clock::{self, BootTime};

impl ScanDirectory {
    /// Renames service directories, which makes their supervisors exit, and deletes them. If a supervisor takes too
    /// long, its directory keeps the dot name until the next run.
    pub fn prune(
        &self,
        names: &[String],
        patience: Duration,
        failures: &mut Findings,
    ) -> Vec<(String, Result<DirectoryChange, PublishError>)> {
        if self.intent == Intent::DryRun {
            return names.iter().map(|name| (name.clone(), Ok(DirectoryChange::Pruned))).collect();
        }
        let take_away = |name: &String| {
            let gone = format!("{GONE}{name}");
            let renamed = match self.directory.status(name) {
                Ok(None) if self.leaving.contains(name) => Ok(()),
                _ if self.leaving.contains(name) => Err(PublishError::StillSupervised { name: name.clone() }),
                _ => self.directory.rename(name, &gone).map_err(PublishError::from),
            };
            (name.clone(), gone, renamed)
        };
        let renamed: Vec<_> = names.iter().map(take_away).collect();
        if names.iter().any(|name| !self.leaving.contains(name)) {
            failures.take(svscan::notify(&self.directory, b"an"));
        }
        let deadline = BootTime::now().after(patience);
        let finish = |(name, gone, renamed): (String, String, Result<(), PublishError>)| {
            let removed = renamed.and_then(|()| self.remove_gone(&name, &gone, deadline));
            (name, removed)
        };
        renamed.into_iter().map(finish).collect()
    }

    pub(super) fn remove_gone(
        &self,
        name: &str,
        gone: &str,
        deadline: BootTime,
    ) -> Result<DirectoryChange, PublishError> {
        while self.is_supervised(gone) || self.logger_is_supervised(gone) {
            if BootTime::now() >= deadline {
                return Err(PublishError::StillSupervised { name: name.to_string() });
            }
            clock::pause(POLL_INTERVAL);
        }
        self.directory.remove_all(OsStr::new(gone))?;
        Ok(DirectoryChange::Pruned)
    }
}
