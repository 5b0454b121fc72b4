//! Makes one service directory match its manifest, and lists those made by this command.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{GONE, STAGING, ScanDirectory};
use crate::boot::choice::Intent;
use crate::boot::delegate;
use crate::boot::directory::StepError;
use crate::boot::manifest::{Author, Manifest, ServiceFiles};
use crate::boot::service_directory::{
    self, DirectoryChange, Occupant, PublishError, compare, publish, update,
};

impl ScanDirectory {
    /// Makes a service directory match its manifest; a dry run only returns the necessary change.
    pub fn apply(&self, manifest: &Manifest) -> Result<DirectoryChange, PublishError> {
        let name = manifest.name.as_str();
        match service_directory::inspect(&self.directory, name, &self.maker)? {
            // two copies of the service would run
            Occupant::Absent if self.leaving.contains(name) => {
                self.kill_squatter(manifest)?;
                Err(PublishError::StillSupervised { name: name.to_string() })
            }
            Occupant::Absent => {
                if self.intent == Intent::Apply {
                    publish::publish(&self.directory, &format!("{STAGING}{name}"), manifest, &self.maker)?;
                }
                Ok(DirectoryChange::Published)
            }
            Occupant::Foreign(what) => Err(PublishError::Foreign { name: name.to_string(), what }),
            Occupant::Ours(_, marker) if !self.sources.contains(&marker.source) => {
                let what = format!("was created from another directory, {}", marker.source);
                Err(PublishError::Foreign { name: name.to_string(), what })
            }
            Occupant::Ours(_, marker) if marker.author.is_some_and(|author| author != manifest.author) => {
                self.recreate(manifest)
            }
            Occupant::Ours(present, marker) => {
                let mut manifest = Cow::Borrowed(manifest);
                // its supervisor exits only together with the service's own, and would retry every second
                if !manifest.files.has_logger() && self.logger_is_supervised(name) {
                    update::keep_logger(&present, &mut manifest.to_mut().files)?;
                }
                if compare::matches(&present, &marker, &manifest)? {
                    return Ok(DirectoryChange::Unchanged);
                }
                if self.intent == Intent::Apply {
                    let before = delegate::group_in_control(&present)?;
                    update::update(&present, &manifest, &self.maker)?;
                    self.note_open_descriptors(name, before, manifest.delegation);
                }
                Ok(DirectoryChange::Updated)
            }
        }
    }

    /// The service directories made by this command for `author` that satisfy `stays`, with the total size of their
    /// files.
    pub fn taken(
        &self,
        author: Author,
        stays: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, usize>, StepError> {
        let mut taken = BTreeMap::new();
        for name in self.names()?.into_iter().filter(|name| stays(name)) {
            match service_directory::inspect(&self.directory, &name, &self.maker)? {
                Occupant::Ours(_, marker) if marker.author == Some(author) => {
                    taken.insert(name, marker.bytes);
                }
                _ => {}
            }
        }
        Ok(taken)
    }

    /// The service directories made by this command that are not `kept`, with their sources; including those removed
    /// earlier that still have a supervisor.
    pub fn others(&self, kept: &BTreeSet<String>) -> Result<Vec<(String, String)>, StepError> {
        let mut others = Vec::new();
        let names = self.names()?;
        for name in names.union(&self.leaving).filter(|name| !kept.contains(*name)) {
            let present = if names.contains(name) { name.clone() } else { format!("{GONE}{name}") };
            match service_directory::inspect(&self.directory, &present, &self.maker)? {
                Occupant::Ours(_, marker) if self.sources.contains(&marker.source) => {
                    others.push((name.clone(), marker.source));
                }
                _ => {}
            }
        }
        Ok(others)
    }

    /// Whether adding or removing a service's logger takes effect only when its supervisor restarts.
    pub fn logger_waits(&self, name: &str, files: &ServiceFiles) -> bool {
        self.is_supervised(name) && self.logger_is_supervised(name) != files.has_logger()
    }

    /// Whether this command made the service directory of this name.
    pub fn is_ours(&self, name: &str) -> bool {
        let looked = service_directory::inspect(&self.directory, name, &self.maker);
        matches!(looked, Ok(Occupant::Ours(_, marker)) if self.sources.contains(&marker.source))
    }
}
