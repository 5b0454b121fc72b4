//! /etc/hosts: addresses, and the names of each.

use std::net::IpAddr;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::sys::file;

const PATH: &str = "/etc/hosts";
/// Lists of blocked hosts have some 10 MB.
const MAX_BYTES: usize = 32 << 20;

/// The addresses of a host in /etc/hosts; none if it cannot be read.
pub(super) fn addresses(host: &str) -> Vec<IpAddr> {
    let bytes = file::open_regular(Path::new(PATH), OFlag::empty())
        .and_then(|opened| file::read_at_most(opened, MAX_BYTES))
        .unwrap_or_default();
    listed(&String::from_utf8_lossy(&bytes), host)
}

/// Upper and lower case are the same, as is a final dot.
fn listed(text: &str, host: &str) -> Vec<IpAddr> {
    let bare = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let host = bare(host);
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| bare(name) == host).then_some(address)
    });
    addresses.take(super::MAX_ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_names_the_host_counts() {
        let text = "127.0.0.1 localhost\n10.0.0.1\tdb.internal DB # db2\n\n#10.0.0.2 db\nnonsense db\n::1 db\n10.0.0.3";
        let addresses = |host| listed(text, host).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(addresses("db"), ["10.0.0.1", "::1"]);
        assert_eq!(addresses("Db.Internal."), ["10.0.0.1"]);
        for host in ["db2", "10.0.0.3", "internal", ""] {
            assert!(addresses(host).is_empty(), "{host}");
        }
    }
}
