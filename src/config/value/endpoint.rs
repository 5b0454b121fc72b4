//! `tcp:HOST:PORT` of `--wait-for`.

use std::net::SocketAddr;

use crate::invalid::Invalid;

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Of a numeric address.
    Address(SocketAddr),
    /// Of a host whose addresses are looked up.
    Named {
        /// Its name, as it was written.
        host: String,
        /// The port.
        port: u16,
    },
}

const FORM: &str = "for instance tcp:db:5432, tcp:127.0.0.1:8080 or tcp:[::1]:8080";
/// The longest name that DNS can carry, and the longest part between two dots.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

impl Endpoint {
    /// Reads `HOST:PORT`; an IPv6 address is in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| Invalid::new("has no host").hint(FORM))?;
        let port = match port.parse() {
            Ok(port @ 1..) if port.to_string().len() == text.len() - host.len() - 1 => port,
            _ => {
                return Err(Invalid::new("has no valid port").hint("use a port from 1 to 65535"));
            }
        };
        match text.parse() {
            Ok(address) => Ok(Endpoint::Address(address)),
            Err(_) if is_host_name(host) => Ok(Endpoint::Named { host: host.to_string(), port }),
            Err(_) => Err(Invalid::new("has no valid host name or address").hint(FORM)),
        }
    }
}

/// Whether it can be looked up. Underscores occur in the names of containers; a name whose last part is a number would
/// be an address.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_plain)
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_NAME && name.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// `db:5432`, `[::1]:80`
impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Address(address) => address.fmt(formatter),
            Endpoint::Named { host, port } => write!(formatter, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_names_and_nothing_else() {
        for text in ["127.0.0.1:80", "[::1]:80", "[fe80::1%2]:65535"] {
            assert_eq!(Endpoint::parse(text), Ok(Endpoint::Address(text.parse().expect("an address"))));
        }
        for (host, port) in [("db", 5432), ("db.example.org.", 1), ("my_app_db-1", 80), ("1and1.com", 80)] {
            let expected = Endpoint::Named { host: host.to_string(), port };
            assert_eq!(Endpoint::parse(&format!("{host}:{port}")), Ok(expected.clone()));
            assert_eq!(expected.to_string(), format!("{host}:{port}"));
        }
        let long = format!("{}:80", "a".repeat(64));
        let longer = format!("{}:80", ["abcdefg"; 32].join("."));
        for text in [
            "",
            "80",
            ":80",
            "db",
            "db:",
            "db:0",
            "db:65536",
            "db:+80",
            "db:080",
            "::1:80",
            "[::1]",
            "[db]:80",
            "a..b:80",
            ".:80",
            ".db:80",
            "10.0.0:80",
            "256.1.1.1:80",
            "d b:80",
            "dß:80",
            "a/b:80",
            "a\0b:80",
            &long,
            &longer,
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
