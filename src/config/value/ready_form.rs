//! `--ready`: what makes a service ready.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::ShellCommand;
use crate::invalid::Invalid;

/// What makes a service ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadyForm {
    /// The start of the worker, or of the loop.
    Start,
    /// The first successful run of a loop.
    FirstSuccess,
    /// The worker notifies the launcher, as it would systemd.
    SdNotify,
    /// A condition that is checked repeatedly.
    Check(Check),
}

/// A condition that can be checked from outside the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// One of these addresses accepts a connection.
    Tcp(Vec<SocketAddr>),
    /// The path exists.
    File(PathBuf),
    /// `sh -c` exits with 0.
    Command(ShellCommand),
}

const FORM: &str = "use start, first-success, sd_notify, tcp:PORT, file:PATH or cmd:COMMAND";

impl ReadyForm {
    /// Reads a form.
    pub fn parse(value: &OsStr) -> Result<Self, Invalid> {
        match value.as_bytes() {
            b"start" => Ok(ReadyForm::Start),
            b"first-success" => Ok(ReadyForm::FirstSuccess),
            b"sd_notify" | b"sd-notify" => Ok(ReadyForm::SdNotify),
            bytes => match bytes.strip_prefix(b"tcp:") {
                Some(address) => Check::tcp(OsStr::from_bytes(address)).map(ReadyForm::Check),
                None => Check::parse(value).map(ReadyForm::Check).map_err(|invalid| match invalid.hint {
                    Some(_) => invalid.hint(FORM),
                    None => invalid,
                }),
            },
        }
    }
}

impl Check {
    /// Reads `file:PATH` or `cmd:COMMAND`.
    pub fn parse(value: &OsStr) -> Result<Self, Invalid> {
        let bytes = value.as_bytes();
        match (bytes.strip_prefix(b"file:"), bytes.strip_prefix(b"cmd:")) {
            (Some(b""), _) => Err(Invalid::new("has no path after file:")),
            (Some(path), _) => Ok(Check::File(PathBuf::from(OsStr::from_bytes(path)))),
            (_, Some(command)) => ShellCommand::parse(OsStr::from_bytes(command)).map(Check::Command),
            (None, None) => Err(Invalid::new("has an unknown form").hint("use file:PATH or cmd:COMMAND")),
        }
    }

    /// `PORT` on this machine, or `ADDRESS:PORT`; names are not looked up.
    fn tcp(value: &OsStr) -> Result<Self, Invalid> {
        let text = value.to_str().unwrap_or_default();
        let addresses = match (text.parse::<u16>(), text.parse::<SocketAddr>()) {
            (Ok(port), _) => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
            (_, Ok(address)) => vec![address],
            _ => {
                return Err(
                    Invalid::new("has no valid port").hint("for instance tcp:8080 or tcp:127.0.0.1:8080")
                );
            }
        };
        match addresses.iter().any(|address: &SocketAddr| address.port() == 0) {
            true => Err(Invalid::new("has no valid port").hint("use a port from 1 to 65535")),
            false => Ok(Check::Tcp(addresses)),
        }
    }
}

/// In words, following "ready when" or "until".
impl std::fmt::Display for Check {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Check::Tcp(addresses) => {
                let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                write!(formatter, "{} accepts connections", list.join(" or "))
            }
            Check::File(path) => write!(formatter, "'{}' exists", path.display()),
            Check::Command(command) => write!(formatter, "'{command}' succeeds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_and_nothing_else() {
        let parsed = |text: &str| ReadyForm::parse(OsStr::new(text));
        assert_eq!(parsed("start"), Ok(ReadyForm::Start));
        assert_eq!(parsed("sd_notify"), Ok(ReadyForm::SdNotify));
        assert_eq!(parsed("file:/x y"), Ok(ReadyForm::Check(Check::File("/x y".into()))));
        match parsed("tcp:8080") {
            Ok(ReadyForm::Check(Check::Tcp(addresses))) => assert_eq!(addresses.len(), 2),
            other => panic!("{other:?}"),
        }
        assert!(parsed("tcp:[::1]:80").is_ok());
        for bad in
            ["", "ready", "tcp:", "tcp:0", "tcp:localhost:80", "tcp:70000", "file:", "cmd:", "cmd: ", "pid:1"]
        {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
