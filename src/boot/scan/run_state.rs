//! The state that a supervisor reports for its service, and the command that changes it.

use std::ffi::OsStr;

use crate::boot::directory::Directory;
use crate::boot::manifest::DesiredState;
use crate::boot::part::Part;
use crate::service::control::Order;
use crate::service::layout;
use crate::service::supervision::Status;

/// The state of a service as reported by s6-supervise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunState {
    /// The service or its `finish` is running.
    pub has_process: bool,
    /// `finish` is running.
    pub is_finishing: bool,
    /// It is wanted up, as s6-svstat calls it.
    pub is_wanted_up: bool,
}

impl RunState {
    /// Reads `supervise/status`; `None` if it does not exist yet.
    pub(super) fn of(slot: &Directory, part: Part) -> Option<RunState> {
        let above = slot.try_open(OsStr::new(part.directory())).ok()?;
        let supervise = above.try_open(OsStr::new(layout::SUPERVISE)).ok()?;
        let status = Status::read(&supervise.fd).ok()?;
        Some(RunState {
            has_process: status.pid.is_some() || status.is_finishing,
            is_finishing: status.is_finishing,
            is_wanted_up: status.wants_up,
        })
    }

    /// Whether it is running, or will be started without a command.
    pub fn is_meant_to_run(self) -> bool {
        self.is_wanted_up || (self.has_process && !self.is_finishing)
    }

    /// The command that brings it to this state. A supervisor that has already received it is not sent a second one:
    /// that would be another TERM for a process that is about to exit.
    pub fn order_for(self, desired: DesiredState) -> Option<Order> {
        match (desired, self.is_wanted_up) {
            (DesiredState::Up, false) => Some(Order::Up),
            (DesiredState::Down, true) => Some(Order::Down),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_that_knows_is_not_notified_again() {
        let state = |has_process, is_wanted_up| RunState { has_process, is_finishing: false, is_wanted_up };
        for (state, desired, expected) in [
            (state(false, false), DesiredState::Up, Some(Order::Up)),
            (state(true, false), DesiredState::Up, Some(Order::Up)),
            (state(true, true), DesiredState::Up, None),
            (state(false, true), DesiredState::Up, None),
            (state(true, true), DesiredState::Down, Some(Order::Down)),
            (state(false, true), DesiredState::Down, Some(Order::Down)),
            (state(true, false), DesiredState::Down, None),
            (state(false, false), DesiredState::Down, None),
        ] {
            assert_eq!(state.order_for(desired), expected, "{state:?} {desired:?}");
        }
    }
}
