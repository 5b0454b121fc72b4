//! Notifying s6-svscan of what is published, and finding out what it does not pick up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::svscan::{self, Listener};
use super::{POLL_INTERVAL, ScanDirectory};
use crate::boot::choice::Intent;
use crate::boot::directory::StepError;
use crate::sys::clock::{self, BootTime};

/// s6-svscan picks up one service after the other; once it has picked up none for this long, it has stopped.
const PICKUP_TIMEOUT: Duration = Duration::from_secs(2);

impl ScanDirectory {
    /// Has s6-svscan scan again, even if nothing is new now: a killed run may not have notified it. Returns the
    /// `names` that it does not pick up.
    pub fn notify(&self, names: &[&str], patience: Duration) -> Result<BTreeSet<String>, StepError> {
        let commands = if self.has_replaced.get() { b"an".as_slice() } else { b"a" };
        if self.intent == Intent::Look || svscan::notify(&self.directory, commands)? == Listener::None {
            return Ok(BTreeSet::new());
        }
        let patience = patience.min(PICKUP_TIMEOUT);
        let mut missing: BTreeSet<String> =
            names.iter().filter(|name| !self.is_supervised(name)).map(ToString::to_string).collect();
        let mut deadline = BootTime::now().after(patience);
        while !missing.is_empty() && BootTime::now() < deadline {
            clock::pause(POLL_INTERVAL);
            let before = missing.len();
            missing.retain(|name| !self.is_supervised(name));
            if missing.len() < before {
                deadline = BootTime::now().after(patience);
            }
        }
        Ok(missing)
    }
}
