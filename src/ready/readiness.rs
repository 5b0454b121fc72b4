//! Readiness notification: the supervisor of a service directory with `notification-fd` waits for a newline on
//! that descriptor.

use std::os::fd::RawFd;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::config::value::descriptor;
use crate::error::{Finding, Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::plan::{Place, Plan};
use crate::service::layout;
use crate::sys;
use crate::sys::file::hint_of_unreadable;

/// The descriptor on which s6 waits for a newline.
#[derive(Debug)]
pub struct Notification(RawFd);

/// Why the supervisor cannot be notified.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The file cannot be read.
    #[error("unable to read 'notification-fd': {}", reason_of(.0))]
    Read(std::io::Error),
    /// The file holds no descriptor from 3 up.
    #[error("notification-fd: not a descriptor number of 3 or more")]
    NoNumber,
}

impl Problem for NotificationError {
    fn exit(&self) -> Exit {
        match self {
            NotificationError::Read(source) => exit_of_io(source),
            NotificationError::NoNumber => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            NotificationError::Read(source) => hint_of_unreadable(source),
            NotificationError::NoNumber => {
                Some("write a single number such as 3, or remove the file".to_string())
            }
        }
    }
}

/// A warning if `--ready` has no effect: without the file s6 creates no pipe.
pub fn unheard(plan: &Plan) -> Option<Finding> {
    plan.readiness.form.as_ref()?;
    let is_missing = plan.place == Place::Service && !sys::file::exists(Path::new(layout::NOTIFICATION_FD));
    is_missing.then(|| {
        Finding::trouble(
            "--ready has no effect: the service directory has no file 'notification-fd'",
            Some(
                "run echo 3 > notification-fd there (futo sync publishes it), then restart the service"
                    .to_string(),
            ),
        )
    })
}

impl Notification {
    /// Reads the file in the service directory; none if the descriptor is not open, as when a service is started by
    /// hand. It must be a pipe, as from a supervisor: the user chooses the number, which must not select a file left
    /// open by a root-owned ancestor.
    pub fn find(plan: &Plan) -> Result<Option<Self>, NotificationError> {
        if plan.place == Place::Elsewhere {
            return Ok(None);
        }
        let file = match sys::file::open_regular(Path::new(layout::NOTIFICATION_FD), OFlag::empty()) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(NotificationError::Read(error)),
        };
        let bytes = sys::file::read_at_most(file, 4096).map_err(NotificationError::Read)?;
        let text = String::from_utf8_lossy(&bytes);
        let number = descriptor(text.trim()).map_err(|_| NotificationError::NoNumber)?;
        Ok(sys::fd::can_take_notification(number).then_some(Notification(number)))
    }

    /// The number of the descriptor.
    pub fn number(&self) -> RawFd {
        self.0
    }

    /// Notifies the supervisor and closes the descriptor, so that the worker does not inherit it.
    pub fn send_and_close(self) {
        self.send();
        sys::fd::close_inherited(self.0);
    }

    /// Notifies the supervisor.
    pub fn send(&self) {
        // a supervisor that no longer listens is not a reason to stop
        let _ = sys::signals::surviving(|| sys::fd::write_inherited(self.0, b"\n"));
    }

    /// Keeps the descriptor from being inherited by programs.
    pub fn keep(&self) {
        sys::fd::keep_from_programs(self.0);
    }

    /// Lets the next program inherit it.
    pub fn hand_on(&self) {
        sys::fd::hand_on_to_programs(self.0);
    }
}
