//! /etc/resolv.conf, as resolv.conf(5) describes it for the C library. The options that concern its own caches, address
//! sorting and EDNS have no meaning here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::sys::file;

const PATH: &str = "/etc/resolv.conf";
const MAX_BYTES: usize = 64 << 10;
const PORT: u16 = 53;
/// The limits of the C library; Kubernetes writes up to 32 search domains.
const MAX_SERVERS: usize = 3;
const MAX_SEARCH: usize = 32;
const MAX_NDOTS: usize = 15;
const MAX_TIMEOUT: u64 = 30;
const MAX_ATTEMPTS: u32 = 5;

/// How names are looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResolvConf {
    pub(super) servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// A name with fewer dots is searched for before it is taken as it is.
    ndots: usize,
    /// For one server.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: u32,
}

impl ResolvConf {
    /// Reads the file; one that cannot be read counts as empty, as in the C library.
    pub(super) fn read() -> Self {
        let bytes = file::open_regular(Path::new(PATH), OFlag::empty())
            .and_then(|opened| file::read_at_most(opened, MAX_BYTES))
            .unwrap_or_default();
        ResolvConf::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let mut conf = ResolvConf {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line.split([';', '#']).next().unwrap_or_default().split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => conf.servers.extend(words.next().and_then(server)),
                // the last of them counts
                Some("search") => conf.search = words.take(MAX_SEARCH).map(str::to_string).collect(),
                Some("domain") => conf.search = words.take(1).map(str::to_string).collect(),
                Some("options") => words.for_each(|option| conf.set(option)),
                _ => {}
            }
        }
        conf.servers.truncate(MAX_SERVERS);
        if conf.servers.is_empty() {
            conf.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    fn set(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else { return };
        let Ok(number) = value.parse::<u32>() else { return };
        match name {
            "ndots" => self.ndots = MAX_NDOTS.min(number as usize),
            "timeout" => self.timeout = Duration::from_secs(u64::from(number).clamp(1, MAX_TIMEOUT)),
            "attempts" => self.attempts = number.clamp(1, MAX_ATTEMPTS),
            _ => {}
        }
    }

    /// The full names to ask for, in order.
    pub(super) fn candidates(&self, host: &str) -> Vec<String> {
        if host.ends_with('.') {
            return vec![host.to_string()];
        }
        let absolute = format!("{host}.");
        let searched = self.search.iter().map(|domain| format!("{host}.{}.", domain.trim_matches('.')));
        match host.matches('.').count() >= self.ndots {
            true => std::iter::once(absolute.clone()).chain(searched).collect(),
            false => searched.chain(std::iter::once(absolute.clone())).collect(),
        }
    }
}

/// The address of a server, which may have a scope: `fe80::1%eth0`.
fn server(text: &str) -> Option<SocketAddr> {
    let (address, scope) = text.split_once('%').unwrap_or((text, ""));
    match address.parse().ok()? {
        IpAddr::V6(address) if !scope.is_empty() => {
            let number = scope.parse().or_else(|_| nix::net::if_::if_nametoindex(scope)).ok()?;
            Some(SocketAddrV6::new(address, PORT, 0, number).into())
        }
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some((Ipv6Addr::LOCALHOST, PORT).into()),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some((Ipv4Addr::LOCALHOST, PORT).into()),
        address => Some((address, PORT).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_the_search_list_and_the_options_are_bounded() {
        let conf = ResolvConf::parse("");
        assert_eq!(conf.servers, [SocketAddr::from(([127, 0, 0, 1], 53))]);
        assert_eq!((conf.ndots, conf.timeout, conf.attempts), (1, Duration::from_secs(5), 2));
        let conf = ResolvConf::parse(
            "# nameserver 9.9.9.9\nnameserver 10.0.0.1 # x\nnameserver nonsense\nnameserver fd00::1\n\
             nameserver fe80::1%7\nnameserver 10.0.0.4\ndomain a\nsearch b.c d.\noptions ndots:99 timeout:0\n\
             options attempts:4294967295 rotate edns0 ndots:x\n",
        );
        let servers: Vec<String> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.1:53", "[fd00::1]:53", "[fe80::1%7]:53"]);
        assert_eq!(conf.search, ["b.c", "d."]);
        assert_eq!((conf.ndots, conf.timeout, conf.attempts), (15, Duration::from_secs(1), 5));
    }

    #[test]
    fn a_name_with_few_dots_is_searched_for_first() {
        let conf = ResolvConf::parse("search b.c d\noptions ndots:2");
        assert_eq!(conf.candidates("x"), ["x.b.c.", "x.d.", "x."]);
        assert_eq!(conf.candidates("x.y.z"), ["x.y.z.", "x.y.z.b.c.", "x.y.z.d."]);
        assert_eq!(conf.candidates("x."), ["x."]);
    }
}
