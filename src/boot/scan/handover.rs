//! A service directory whose definition passes to another author: open control FIFOs remain open.

use std::time::{Duration, UNIX_EPOCH};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::Gid;

use super::{GONE, STAGING, ScanDirectory, svscan};
use crate::boot::choice::Intent;
use crate::boot::delegate::Delegation;
use crate::boot::manifest::{Author, Manifest};
use crate::boot::part::Part;
use crate::boot::service_directory::marker::Marker;
use crate::boot::service_directory::{self, DirectoryChange, Occupant, PublishError, publish};
use crate::error::Finding;
use crate::service::layout;
use crate::sys::clock::{self, BootTime};

/// The time a user's process has to exit if root needs its name: longer than any default grace period.
const GRACE_PERIOD: Duration = Duration::from_secs(8);
/// The time it has to disappear once it is killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

impl ScanDirectory {
    /// Removes a service directory, waits for its supervisor to exit, and creates a new one, so that open descriptors
    /// of its control FIFO no longer control anything.
    pub(super) fn recreate(&self, manifest: &Manifest) -> Result<DirectoryChange, PublishError> {
        if self.intent == Intent::DryRun {
            return Ok(DirectoryChange::Updated);
        }
        let name = manifest.name.as_str();
        let gone = format!("{GONE}{name}");
        self.directory.rename(name, &gone)?;
        let notified = svscan::notify(&self.directory, b"an");
        self.troubles.borrow_mut().take(notified);
        if self.remove_gone(name, &gone, BootTime::now().after(self.patience)).is_err() {
            self.kill_squatter(manifest)?;
            self.remove_gone(name, &gone, BootTime::now().after(KILL_TIMEOUT))?;
        }
        publish::publish(&self.directory, &format!("{STAGING}{name}"), manifest, &self.maker)?;
        Ok(DirectoryChange::Updated)
    }

    /// Kills a user's process that ignores TERM and thereby blocks a name that root needs.
    pub(super) fn kill_squatter(&self, manifest: &Manifest) -> Result<(), PublishError> {
        let gone = format!("{GONE}{}", manifest.name);
        let is_users = |marker: &Marker| marker.author == Some(Author::User);
        match service_directory::inspect(&self.directory, &gone, &self.maker)? {
            Occupant::Ours(_, marker) if manifest.author == Author::Root && is_users(&marker) => {}
            _ => return Ok(()),
        }
        // the rename was the last change to the directory itself
        let taken_away = self.directory.status(&gone)?.map_or(0, |status| status.st_ctime);
        let now = clock::wall_now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if now.saturating_sub(taken_away.cast_unsigned()) < GRACE_PERIOD.as_secs() {
            return Ok(());
        }
        for part in Part::ALL {
            let control = format!("{gone}/{}{}/{}", part.prefix(), layout::SUPERVISE, layout::CONTROL);
            let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            if let Ok(control) = openat(&self.directory.fd, control.as_str(), flags, Mode::empty()) {
                let _ = nix::unistd::write(&control, b"k");
            }
        }
        Ok(())
    }

    /// Warns that changed modes do not affect open descriptors of the control FIFO.
    pub(super) fn note_open_descriptors(&self, name: &str, before: Option<Gid>, now: Option<Delegation>) {
        let Some(group) = before.filter(|group| now.is_none_or(|now| now.group != *group)) else { return };
        if self.is_supervised(name) {
            let text = format!(
                "'{name}': group {group} no longer controls it, but members that have its control FIFO open keep \
                 control until the service directory is recreated"
            );
            let hint = "restart the container: a scan directory on tmpfs is recreated".to_string();
            self.troubles.borrow_mut().push(Finding::trouble(text, Some(hint)));
        }
    }
}
