//! The state of services in the scan directory, and commands for their supervisors.

use std::ffi::OsStr;

use super::ScanDirectory;
use super::run_state::RunState;
use crate::boot::part::Part;
use crate::service::control::{self, ControlError, Order};
use crate::service::layout;
use crate::service::supervision::Suite;

impl ScanDirectory {
    /// The state reported by the supervisor of this service; `None` if there is no supervisor.
    pub fn run_state(&self, name: &str) -> Option<RunState> {
        if !self.is_supervised(name) {
            return None;
        }
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        // a supervisor that has just started has not written a status yet: it obeys `down`
        let starts = !slot.status_following_links(layout::DOWN).is_ok_and(|down| down.is_some());
        let unborn = RunState { has_process: false, is_finishing: false, is_wanted_up: starts };
        Some(RunState::of(&slot, Part::Service).unwrap_or(unborn))
    }

    /// Whether the service is not started automatically.
    pub fn has_down(&self, name: &str) -> bool {
        let slot = self.directory.try_open(OsStr::new(name));
        slot.is_ok_and(|slot| slot.status_following_links(layout::DOWN).is_ok_and(|down| down.is_some()))
    }

    /// Sends a command to the supervisor of a service.
    pub fn order(&self, name: &str, order: Order) -> Result<(), ControlError> {
        let slot = self.directory.try_open(OsStr::new(name)).map_err(ControlError::Refused)?;
        let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).map_err(ControlError::Refused)?;
        // this is the scan directory of an s6-svscan
        control::send(&supervise.fd, Suite::S6, order)
    }
}
