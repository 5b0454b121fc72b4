//! Why something about a service is not known, or not as it should be.

use std::fmt;
use std::io;

use nix::errno::Errno;

use crate::error::reason_of;

/// A reason as text, with the error number where the system gave one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// As text.
    pub text: String,
    errno: Option<Errno>,
}

impl Reason {
    /// Why something could not be read: `what`, and the system's reason.
    pub(super) fn of_io(what: &str, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map(Errno::from_raw);
        Reason { text: format!("{what}: {}", reason_of(error)), errno }
    }

    /// The text of an error, and its number if it has one.
    pub(super) fn of_error(error: &impl fmt::Display, errno: Option<Errno>) -> Self {
        Reason { text: error.to_string(), errno }
    }

    /// Whether another user may see what could not be seen here.
    pub fn is_permission_denied(&self) -> bool {
        self.errno == Some(Errno::EACCES)
    }
}

impl<T: Into<String>> From<T> for Reason {
    fn from(text: T) -> Self {
        Reason { text: text.into(), errno: None }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
