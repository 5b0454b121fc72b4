//! Links to definitions, as created by init hooks before `futo sync` existed.

use super::{STAGING, ScanDirectory};
use crate::boot::choice::Intent;
use crate::boot::directory::FileId;
use crate::boot::manifest::Manifest;
use crate::boot::service_directory::{DirectoryChange, PublishError, publish};

/// A link to a definition, as created by init hooks before `futo sync` existed: root executes its target unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legacy {
    /// It has no supervisor.
    Idle,
    /// Its supervisor has to exit before a new one may start.
    Supervised,
}

impl ScanDirectory {
    /// Whether this name is a link to the directory of a definition, and whether that has a supervisor.
    pub fn legacy_link(&self, name: &str, definition: FileId) -> Option<Legacy> {
        self.directory.target(name)?;
        let target = self.open_following_links(name)?;
        if FileId::of(&target.own_status().ok()?) != definition {
            return None;
        }
        match self.is_supervised(name) || self.logger_is_supervised(name) {
            true => Some(Legacy::Supervised),
            false => Some(Legacy::Idle),
        }
    }

    /// Replaces such a link with a service directory, atomically.
    pub fn replace_link(&self, manifest: &Manifest) -> Result<DirectoryChange, PublishError> {
        if self.intent == Intent::Apply {
            let staging = format!("{STAGING}{}", manifest.name.as_str());
            publish::replace_link(&self.directory, &staging, manifest, &self.maker)?;
            // s6-svscan may be about to start a supervisor in the link's target
            self.has_replaced.set(true);
        }
        Ok(DirectoryChange::Published)
    }
}
