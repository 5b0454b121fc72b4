//! Readiness: a service directory with `notification-fd` wants a newline on that descriptor.

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

/// Why readiness cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The file cannot be read.
    #[error("unable to read 'notification-fd': {}", reason_of(.0))]
    Read(std::io::Error),
    /// The file holds no descriptor from 3 up.
    #[error("notification-fd: is not a descriptor from 3 up")]
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
                Some("write one number, for instance 3, or remove the file".to_string())
            }
        }
    }
}

/// What `--ready` waits for and nobody learns: without the file s6 makes no pipe.
pub fn unheard(plan: &Plan) -> Option<Finding> {
    plan.readiness.form.as_ref()?;
    let is_missing = plan.place == Place::Service && !sys::file::exists(Path::new(layout::NOTIFICATION_FD));
    is_missing.then(|| {
        Finding::trouble(
            "--ready has no effect: the service directory has no file 'notification-fd'",
            Some(
                "echo 3 > notification-fd, there; futo sync publishes it; then restart the service"
                    .to_string(),
            ),
        )
    })
}

impl Notification {
    /// Looks for the file in the service directory. Started by hand, without the descriptor, there is
    /// nobody to tell. A supervisor gives a pipe: the number is the user's word, and must not lead to a
    /// file that root's ancestors left open.
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
        Ok(sys::fd::is_for_notices(number).then_some(Notification(number)))
    }

    /// The descriptor, to be handed on.
    pub fn number(&self) -> RawFd {
        self.0
    }

    /// Says that the service is ready, and closes: the worker never gets the descriptor.
    pub fn ready(self) {
        self.tell();
        sys::fd::close_inherited(self.0);
    }

    /// Says that the service is ready.
    pub fn tell(&self) {
        // a supervisor that does not listen any more has its reasons
        let _ = sys::signals::surviving(|| sys::fd::write_inherited(self.0, b"\n"));
    }

    /// No program that is started from now on gets the descriptor.
    pub fn keep(&self) {
        sys::fd::keep_from_programs(self.0);
    }

    /// The program that is started next gets it.
    pub fn hand_on(&self) {
        sys::fd::hand_on_to_programs(self.0);
    }
}
