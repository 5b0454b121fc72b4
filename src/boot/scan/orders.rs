//! What a supervisor in the scan directory is doing, and orders for it.

use std::ffi::OsStr;

use super::ScanDirectory;
use super::run_state::RunState;
use crate::service::control::{self, ControlError, Order};
use crate::service::layout;
use crate::service::supervision::Suite;

impl ScanDirectory {
    /// What the supervisor at work in the directory of this name says; none if there is no such supervisor.
    pub fn run_state(&self, name: &str) -> Option<RunState> {
        if !self.is_supervised(name) {
            return None;
        }
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        // what has just been taken up has no status yet: it starts by its `down`
        let starts = !slot.status_behind(layout::DOWN).is_ok_and(|down| down.is_some());
        let unborn = RunState { has_process: false, is_finishing: false, is_wanted_up: starts };
        Some(RunState::of(&slot, "").unwrap_or(unborn))
    }

    /// Whether a service of this name is not started by itself.
    pub fn has_down(&self, name: &str) -> bool {
        let slot = self.directory.try_open(OsStr::new(name));
        slot.is_ok_and(|slot| slot.status_behind(layout::DOWN).is_ok_and(|down| down.is_some()))
    }

    /// Gives the supervisor of a service an order.
    pub fn order(&self, name: &str, order: Order) -> Result<(), ControlError> {
        let slot = self.directory.try_open(OsStr::new(name)).map_err(ControlError::Refused)?;
        let supervise = slot.try_open(OsStr::new(layout::SUPERVISE)).map_err(ControlError::Refused)?;
        // the scan directory is s6-svscan's
        control::send(&supervise.fd, Suite::S6, order)
    }
}
