//! Notifies s6-svscan, and finds the services that it does not pick up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::svscan::{self, Listener};
use super::{POLL_INTERVAL, ScanDirectory};
use crate::boot::choice::Intent;
use crate::boot::directory::StepError;
use crate::sys::clock::{self, BootTime};

/// s6-svscan picks up services one by one. If it has not picked up any for this long, it will not pick up the rest.
const PICKUP_TIMEOUT: Duration = Duration::from_secs(2);

impl ScanDirectory {
    /// Makes s6-svscan rescan, even if nothing has changed: a killed run may not have notified it. Returns the `names`
    /// that it does not pick up.
    pub fn notify(&self, names: &[&str], patience: Duration) -> Result<BTreeSet<String>, StepError> {
        let commands = if self.has_replaced.get() { b"an".as_slice() } else { b"a" };
        if self.intent == Intent::DryRun || svscan::notify(&self.directory, commands)? == Listener::None {
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
