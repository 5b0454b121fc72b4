//! Whether a port of another host accepts connections; a host is an address, or a name of /etc/hosts or DNS.
//!
//! The C library's getaddrinfo is not used: linked statically it loads the NSS modules of the host.

mod hosts_file;
mod names;
mod query;
mod resolv_conf;

use std::net::{IpAddr, SocketAddr};

use nix::errno::Errno;

use super::probe::takes_connection;
use crate::config::value::Endpoint;
use crate::error::reason;
use crate::sys::clock::BootTime;
use names::LookupError;

/// Of a host with more addresses in one family, the others are not tried: a DNS server may return thousands.
const MAX_ADDRESSES: usize = 16;

/// Why no connection was accepted.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The host has no address.
    #[error("{0}")]
    Lookup(#[from] LookupError),
    /// Its only address does not accept a connection.
    #[error("{}", reason(*.0))]
    Connect(Errno),
    /// None of its addresses does; the last one.
    #[error("{0}: {reason}", reason = reason(*.1))]
    ConnectTo(IpAddr, Errno),
    /// The lookup took too long.
    #[error("no time was left to connect")]
    NoTimeLeft,
}

/// Connects once to each address of the host, until one accepts; tries no further address after `until`.
pub fn try_connect(endpoint: &Endpoint, until: BootTime) -> Result<(), PortError> {
    let (host, port) = match endpoint {
        Endpoint::Address(address) => return takes_connection(address, None).map_err(PortError::Connect),
        Endpoint::Named { host, port } => (host, *port),
    };
    let mut last = Err(PortError::NoTimeLeft);
    for address in names::addresses(host, until)? {
        if BootTime::now() >= until {
            break;
        }
        match takes_connection(&SocketAddr::from((address, port)), None) {
            Ok(()) => return Ok(()),
            Err(errno) => last = Err(PortError::ConnectTo(address, errno)),
        }
    }
    last
}
