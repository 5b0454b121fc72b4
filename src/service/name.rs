//! The name of a service.

use std::ffi::OsStr;
use std::fmt;

/// The name of a service, used for its log, its run record and its log lines. One path component without a leading dot
/// (s6-svscan skips those), in UTF-8, without control characters, and at most 200 bytes long so that `.NAME.json.tmp`
/// and `NAME.log.unwritable-…` fit NAME_MAX.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ServiceName(String);

/// Why a text is not a service name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// s6-svscan skips such names.
    #[error("starts with a dot")]
    LeadingDot,
    /// A path instead of a name.
    #[error("contains a slash")]
    Slash,
    /// It could forge log lines.
    #[error("contains a control character")]
    Control,
    /// Not text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// Derived file names would be too long.
    #[error("is longer than {max} bytes", max = ServiceName::MAX)]
    TooLong,
}

impl ServiceName {
    /// The longest name, in bytes.
    pub const MAX: usize = 200;

    /// Parses a name.
    pub fn parse(text: &OsStr) -> Result<Self, InvalidName> {
        let text = text.to_str().ok_or(InvalidName::NotUtf8)?;
        match text {
            "" => Err(InvalidName::Empty),
            _ if text.starts_with('.') => Err(InvalidName::LeadingDot),
            _ if text.contains('/') => Err(InvalidName::Slash),
            _ if text.chars().any(char::is_control) => Err(InvalidName::Control),
            _ if text.len() > Self::MAX => Err(InvalidName::TooLong),
            _ => Ok(ServiceName(text.to_string())),
        }
    }

    /// A placeholder, while a finding reports what is wrong with the real name.
    pub(crate) fn stand_in() -> Self {
        ServiceName(super::launcher::NAME.to_string())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_that_are_one_component() {
        for good in ["heartbeat", "a b", "svc@1", "日本", "log"] {
            assert_eq!(ServiceName::parse(OsStr::new(good)).map(|name| name.0), Ok(good.to_string()));
        }
    }

    #[test]
    fn refuses_what_could_leave_the_directory_or_forge_a_line() {
        use std::os::unix::ffi::OsStrExt;
        for (bad, why) in [
            ("", InvalidName::Empty),
            ("..", InvalidName::LeadingDot),
            ("a/b", InvalidName::Slash),
            ("a\nb", InvalidName::Control),
            (&"x".repeat(201), InvalidName::TooLong),
        ] {
            assert_eq!(ServiceName::parse(OsStr::new(bad)), Err(why));
        }
        assert_eq!(ServiceName::parse(OsStr::from_bytes(b"\xff")), Err(InvalidName::NotUtf8));
    }
}
