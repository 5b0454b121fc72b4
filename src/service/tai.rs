//! TAI64N, the format of the supervisors' time stamps: 8 bytes of seconds plus 2^62, 4 bytes of nanoseconds, both big
//! endian.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a stamp.
pub(crate) const LENGTH: usize = 12;
const EPOCH: u64 = 1 << 62;

/// The offset of TAI from UTC that a program assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// skalibs counts leap seconds: 37 seconds since 2017.
    LeapSeconds,
    /// daemontools and runit add the 10 seconds of 1972, and no leap second.
    TenSeconds,
}

impl Scale {
    fn epoch(self) -> u64 {
        match self {
            Scale::LeapSeconds => EPOCH + 37,
            Scale::TenSeconds => EPOCH + 10,
        }
    }
}

/// Encodes a time since 1970.
pub(crate) fn encode(time: SystemTime, scale: Scale) -> [u8; LENGTH] {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = [0; LENGTH];
    let (seconds, nanoseconds) = bytes.split_at_mut(8);
    seconds.copy_from_slice(&since.as_secs().saturating_add(scale.epoch()).to_be_bytes());
    nanoseconds.copy_from_slice(&since.subsec_nanos().to_be_bytes());
    bytes
}

/// Decodes a time stamp; `None` if it is not a time since 1970.
pub(crate) fn decode(bytes: [u8; LENGTH], scale: Scale) -> Option<SystemTime> {
    let (seconds, nanoseconds) = bytes.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*seconds).checked_sub(scale.epoch())?;
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
        for (scale, ahead) in [(Scale::LeapSeconds, 37), (Scale::TenSeconds, 10)] {
            let mut bytes = [0; LENGTH];
            bytes[..8].copy_from_slice(&(EPOCH + ahead + 1_000).to_be_bytes());
            bytes[8..].copy_from_slice(&5_u32.to_be_bytes());
            assert_eq!(decode(bytes, scale), Some(UNIX_EPOCH + Duration::new(1_000, 5)));
            assert_eq!(encode(UNIX_EPOCH + Duration::new(1_000, 5), scale), bytes);
            assert_eq!(decode([0; LENGTH], scale), None);
            assert_eq!(decode([0xff; LENGTH], scale), None);
        }
    }
}
