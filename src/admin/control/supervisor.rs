//! The supervisor of one service: the orders that it takes, and its records.

use std::time::Duration;

use nix::errno::Errno;

use crate::observe::{Observer, Snapshot};
use crate::service::control::{self, ControlError, Order};
use crate::service::executable::{self, Obstacle};
use crate::service::place::Service;
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::supervision::{Status, StatusError, Suite};
use crate::sys::clock::BootTime;

/// How often a condition that is waited for is checked.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A process that lives this long did not end at once.
const SETTLES: Duration = Duration::from_millis(250);
/// daemontools' supervise sleeps for a second after each start before it reads an order or notices a death.
const SETTLES_UNDER_DAEMONTOOLS: Duration = Duration::from_millis(1250);

/// The supervisor of one service.
pub(super) struct Supervisor<'a> {
    pub(super) service: &'a Service,
    pub(super) live: &'a SupervisedDirectory,
    pub(super) observer: &'a Observer,
    /// How long to wait for an effect.
    pub(super) until: BootTime,
}

impl Supervisor<'_> {
    /// Whether one is running that this process may send orders to.
    pub(super) fn probe(&self) -> Result<(), ControlError> {
        control::probe(self.live.supervise().map_err(refused)?)
    }

    /// All that can be known of the service now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.observer.observe(self.service.clone())
    }

    /// Why the run script cannot be executed.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        let directory = self.service.live.as_ref()?;
        executable::obstacle_of_run(directory, self.observer.privileges())
    }

    pub(super) fn order(&self, order: Order) -> Result<(), ControlError> {
        let suite = self.status()?.suite;
        control::send(self.live.supervise().map_err(refused)?, suite, order)
    }

    pub(super) fn status(&self) -> Result<Status, ControlError> {
        Status::read(self.live.supervise().map_err(refused)?).map_err(|error| match error {
            StatusError::Read(error) => refused(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))),
            StatusError::Malformed(why) => ControlError::Status(why),
        })
    }

    /// Waits until the status meets the condition, or time is up; returns the last status, and whether it meets it.
    pub(super) fn wait(&self, condition: impl Fn(&Status) -> bool) -> Result<(Status, bool), ControlError> {
        loop {
            let status = self.status()?;
            if condition(&status) {
                return Ok((status, true));
            }
            if BootTime::now() >= self.until {
                return Ok((status, false));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Whether this process survives its first moments.
    pub(super) fn stays(&self, pid: i32) -> Result<bool, ControlError> {
        let until = BootTime::now().after(match self.status()?.suite {
            Suite::S6 | Suite::Runit => SETTLES,
            Suite::Daemontools => SETTLES_UNDER_DAEMONTOOLS,
        });
        while BootTime::now() < until {
            if self.status()?.pid != Some(pid) {
                return Ok(false);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(true)
    }
}

fn refused(errno: Errno) -> ControlError {
    match errno {
        Errno::ENOENT => ControlError::NoSupervisor,
        errno => ControlError::Refused(errno),
    }
}
