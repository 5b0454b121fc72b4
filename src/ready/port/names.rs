//! The addresses of a host: those of /etc/hosts, otherwise those of DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::hosts_file;
use super::query::{Answer, Failure, ask};
use super::resolv_conf::ResolvConf;
use crate::sys::clock::BootTime;

/// Why a host has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Neither /etc/hosts nor DNS knows the name.
    #[error("no such host name")]
    UnknownName,
    /// The name exists, without an address.
    #[error("the host name has no address")]
    NoAddress,
    /// No server has answered.
    #[error("unable to look up the host name: {0}")]
    NoAnswer(Failure),
}

/// Looks a host up; asks no further server after `until`.
pub(super) fn addresses(host: &str, until: BootTime) -> Result<Vec<IpAddr>, LookupError> {
    let listed = hosts_file::addresses(host);
    if !listed.is_empty() {
        return Ok(listed);
    }
    // RFC 6761: never a question for DNS
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let conf = ResolvConf::read();
    let mut best = LookupError::UnknownName;
    for name in conf.candidates(host) {
        match ask_all(&name, &conf, until) {
            Ok(Answer::Addresses(addresses)) => return Ok(addresses),
            Ok(Answer::NoSuchName) => {}
            Ok(Answer::NoAddress) => best = LookupError::NoAddress,
            // the name may be known without the search list
            Err(failure @ (Failure::Refused | Failure::Invalid)) => best = LookupError::NoAnswer(failure),
            Err(failure) => return Err(LookupError::NoAnswer(failure)),
        }
    }
    Err(best)
}

/// Asks the servers in turn, until one answers.
fn ask_all(name: &str, conf: &ResolvConf, until: BootTime) -> Result<Answer, Failure> {
    let mut last = Failure::TimedOut;
    for server in (0..conf.attempts).flat_map(|_| &conf.servers) {
        let now = BootTime::now();
        if now >= until {
            break;
        }
        match ask(name, *server, until.min(now.after(conf.timeout))) {
            Ok(answer) => return Ok(answer),
            Err(failure @ Failure::BadName) => return Err(failure),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}
