//! TAI64N, the form of s6's time stamps: 8 bytes of seconds from 2^62 on, 4 bytes of nanoseconds, all big
//! endian. skalibs counts leap seconds: TAI has been 37 seconds ahead of UTC since 2017.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a stamp.
pub(super) const LENGTH: usize = 12;
const EPOCH: u64 = (1 << 62) + 37;

/// Reads a stamp; none if it is no time since 1970.
pub(super) fn decode(bytes: [u8; LENGTH]) -> Option<SystemTime> {
    let (seconds, nanoseconds) = bytes.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*seconds).checked_sub(EPOCH)?;
    let nanoseconds = u32::from_be_bytes(*nanoseconds.first_chunk::<4>()?);
    if nanoseconds >= 1_000_000_000 {
        return None;
    }
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_a_time_since_1970() {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&(EPOCH + 1_000).to_be_bytes());
        bytes[8..].copy_from_slice(&5_u32.to_be_bytes());
        assert_eq!(decode(bytes), Some(UNIX_EPOCH + Duration::new(1_000, 5)));
        assert_eq!(decode([0; LENGTH]), None);
        assert_eq!(decode([0xff; LENGTH]), None);
    }
}
