//! The state of services in the scan directory, and orders for their supervisors.

use std::ffi::OsStr;

use super::ScanDirectory;
use super::run_state::RunState;
use crate::boot::part::Part;
use crate::service::control::{self, ControlError, Order};
use crate::service::layout;
use crate::service::supervision::Suite;

impl ScanDirectory {
    /// What the supervisor in the directory of this name reports; none if there is no supervisor.
    pub fn run_state(&self, name: &str) -> Option<RunState> {
        if !self.is_supervised(name) {
            return None;
        }
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        // a supervisor that has just started has not written a status yet: it goes by `down`
        let starts = !slot.status_following_links(layout::DOWN).is_ok_and(|down| down.is_some());
        let unborn = RunState { has_process: false, is_finishing: false, is_wanted_up: starts };
        Some(RunState::of(&slot, Part::Service).unwrap_or(unborn))
    }

    /// Whether the service of this name is not started by itself.
    pub fn has_down(&self, name: &str) -> bool {
        let slot = self.directory.try_open(OsStr::new(name));
        slot.is_ok_and(|slot| slot.status_following_links(layout::DOWN).is_ok_and(|down| down.is_some()))
    }

    /// Sends an order to the supervisor of a service.
    pub fn order(&self, name: &str, order: Order) -> Result<(), ControlError> {
        let slot = self.directory.try_open(OsStr::new(name)).map_err(ControlError::Refused)?;
        let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).map_err(ControlError::Refused)?;
        // s6-svscan supervises this directory
        control::send(&supervise.fd, Suite::S6, order)
    }
}
