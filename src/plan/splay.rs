//! `--splay`: services due at the same time, on one host or many, start at different times, each with a constant
//! delay.

use std::time::Duration;

use super::draft::Plan;

/// This service's share of the splay, in whole milliseconds: constant across starts, different between services and
/// hosts.
pub fn of(plan: &Plan, most: Option<Duration>) -> Duration {
    let Some(most) = most else { return Duration::ZERO };
    let host = nix::unistd::gethostname().unwrap_or_default();
    share(plan.name.as_str().as_bytes(), std::os::unix::ffi::OsStrExt::as_bytes(host.as_os_str()), most)
}

fn share(name: &[u8], host: &[u8], most: Duration) -> Duration {
    // FNV-1a with the finalizer of splitmix64: stable across releases, unlike the standard library's hash
    let bytes = name.iter().chain(b"\0").chain(host);
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let share = (u128::from(hash) * most.as_millis()) >> 64;
    Duration::from_millis(u64::try_from(share).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stable_and_spreads_services_and_hosts() {
        let hour = Duration::from_secs(3600);
        assert_eq!(share(b"heartbeat", b"host", hour), Duration::from_millis(KNOWN));
        let mut quarters = [0; 4];
        for number in 0..400 {
            let share = share(format!("service-{number}").as_bytes(), b"host", hour);
            assert!(share < hour);
            quarters[(share.as_secs() / 900) as usize] += 1;
        }
        assert!(quarters.iter().all(|count| (60..140).contains(count)), "{quarters:?}");
        assert_ne!(share(b"a", b"host", hour), share(b"a", b"hosu", hour));
        assert_ne!(share(b"ab", b"c", hour), share(b"a", b"bc", hour));
    }

    /// Results must not change between releases.
    const KNOWN: u64 = 689_000;
}
