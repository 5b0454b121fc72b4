//! Links to definitions, as init hooks made them before there was `futo sync`.

use super::{STAGING, ScanDirectory};
use crate::boot::choice::Intent;
use crate::boot::directory::FileId;
use crate::boot::manifest::Manifest;
use crate::boot::service_directory::{DirectoryChange, PublishError, publish};

/// A link to a definition, as init hooks made them before `futo sync`: root executes its target as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legacy {
    /// No supervisor is at work there.
    Idle,
    /// The supervisor has to exit before the service may have another one.
    Supervised,
}

impl ScanDirectory {
    /// Whether this name is a link to the directory of a definition, and whether a supervisor is at work there.
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
