//! Whether user-writable definitions are published hardened.

use super::ScanDirectory;
use crate::boot::choice::{Hardening, Intent};
use crate::boot::directory::StepError;

/// They are if this file exists.
const HARDENED: &str = ".futo-hardened";

impl ScanDirectory {
    /// The choice, which is recorded for callers without one (`futo new --now`), or the recorded choice.
    pub fn hardening(&self, chosen: Option<Hardening>) -> Result<Hardening, StepError> {
        let noted = match self.directory.status(HARDENED)? {
            Some(_) => Hardening::On,
            None => Hardening::Off,
        };
        match chosen {
            Some(chosen) if chosen != noted && self.intent == Intent::Apply => match chosen {
                Hardening::On => self.directory.create(HARDENED, b"", 0o600)?,
                Hardening::Off => self.directory.remove(HARDENED)?,
            },
            _ => {}
        }
        Ok(chosen.unwrap_or(noted))
    }
}
