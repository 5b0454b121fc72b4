//! What a supervisor in the scan directory is doing, and telling it otherwise.

use std::ffi::OsStr;

use super::directory::Directory;
use super::scan::ScanDirectory;
use crate::service::control::{self, ControlError, Order};
use crate::service::layout;
use crate::service::supervision::{Status, Suite};

/// What s6-supervise says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// A process of it runs, or its `finish`.
    pub has_process: bool,
    /// That is `finish`.
    pub is_finishing: bool,
    /// The supervisor means it to be up.
    pub is_wanted_up: bool,
}

impl Life {
    /// Reads `supervise/status`; none if that is not there yet. `below` is empty, or `log/`.
    pub(super) fn of(slot: &Directory, below: &str) -> Option<Life> {
        let above = slot.try_open(OsStr::new(if below.is_empty() { "." } else { layout::LOG })).ok()?;
        let supervise = above.try_open(OsStr::new(layout::SUPERVISE)).ok()?;
        let status = Status::read(&supervise.fd).ok()?;
        Some(Life {
            has_process: status.pid.is_some() || status.is_finishing,
            is_finishing: status.is_finishing,
            is_wanted_up: status.wants_up,
        })
    }

    /// Whether it runs, or will without anybody's doing.
    pub fn is_meant_to_run(self) -> bool {
        self.is_wanted_up || (self.has_process && !self.is_finishing)
    }

    /// What to tell the supervisor so that it runs, or does not. One that knows is not told again: that would
    /// be another TERM for a process that is about to leave.
    pub fn order_for(self, starts: bool) -> Option<Order> {
        match (starts, self.is_wanted_up) {
            (true, false) => Some(Order::Up),
            (false, true) => Some(Order::Down),
            _ => None,
        }
    }
}

impl ScanDirectory {
    /// What the supervisor at work in the directory of this name says; none if there is no such supervisor.
    pub fn life(&self, name: &str) -> Option<Life> {
        if !self.is_supervised(name) {
            return None;
        }
        let slot = self.directory.try_open(OsStr::new(name)).ok()?;
        // what has just been taken up has no status yet: it starts by its `down`
        let starts = !slot.status_behind(layout::DOWN).is_ok_and(|down| down.is_some());
        let unborn = Life { has_process: false, is_finishing: false, is_wanted_up: starts };
        Some(Life::of(&slot, "").unwrap_or(unborn))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_that_knows_is_not_told_again() {
        let life = |has_process, is_wanted_up| Life { has_process, is_finishing: false, is_wanted_up };
        for (life, starts, expected) in [
            (life(false, false), true, Some(Order::Up)),
            (life(true, false), true, Some(Order::Up)),
            (life(true, true), true, None),
            (life(false, true), true, None),
            (life(true, true), false, Some(Order::Down)),
            (life(false, true), false, Some(Order::Down)),
            (life(true, false), false, None),
            (life(false, false), false, None),
        ] {
            assert_eq!(life.order_for(starts), expected, "{life:?} {starts}");
        }
    }
}
