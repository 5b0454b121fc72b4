//! The status of runit's runsv and of its ancestor, daemontools' supervise: a time stamp, the pid (little endian), the
//! paused flag and the wanted state; in runit also whether TERM was sent, and the state. runit's `stat` and `pid`
//! repeat that as text. Neither records how a process died, or keeps a tally.

use super::status::{Malformed, Status, Suite};
use crate::service::tai;

/// Bytes of daemontools' status.
pub(super) const DAEMONTOOLS_LENGTH: usize = tai::LENGTH + 6;
/// Bytes of runit's status.
pub(super) const RUNIT_LENGTH: usize = DAEMONTOOLS_LENGTH + 2;
/// runit's state while `finish` runs.
const FINISHES: u8 = 2;

/// The status of runsv.
pub(super) fn decode_runit(bytes: &[u8]) -> Result<Status, Malformed> {
    decode(bytes, Suite::Runit)
}

/// The status of daemontools' supervise, which has no `finish`.
pub(super) fn decode_daemontools(bytes: &[u8]) -> Result<Status, Malformed> {
    decode(bytes, Suite::Daemontools)
}

fn decode(bytes: &[u8], suite: Suite) -> Result<Status, Malformed> {
    let is_finishing = suite == Suite::Runit && bytes.last() == Some(&FINISHES);
    let (changed, part) = bytes.split_first_chunk::<{ tai::LENGTH }>().ok_or(Malformed::Stamp)?;
    let (pid, part) = part.split_first_chunk::<4>().ok_or(Malformed::Pid)?;
    let (flags, _) = part.split_first_chunk::<2>().ok_or(Malformed::Pid)?;
    let [paused, wanted] = flags;
    let pid = i32::try_from(u32::from_le_bytes(*pid)).map_err(|_| Malformed::Pid)?;
    let pid = (pid > 0 && !is_finishing).then_some(pid);
    Ok(Status {
        suite,
        changed: tai::decode(*changed, tai::Scale::TenSeconds).ok_or(Malformed::Stamp)?,
        ready_changed: None,
        pid,
        cause: None,
        is_paused: *paused != 0 && pid.is_some(),
        is_finishing,
        // `d`, or 0 for once
        wants_up: *wanted == b'u',
        is_ready: None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn status(pid: u32, rest: &[u8]) -> Vec<u8> {
        let stamp = ((1_u64 << 62) + 10 + 1_800_000_000).to_be_bytes();
        [stamp.as_slice(), &5_u32.to_be_bytes(), &pid.to_le_bytes(), rest].concat()
    }

    #[test]
    fn decodes_what_runit_and_daemontools_write() {
        use Suite::{Daemontools, Runit};
        // (bytes after the pid, suite, pid, paused, finishing, wanted up)
        for (pid, rest, suite, process, paused, finishing, wants_up) in [
            (77, &[0, b'u', 0, 1][..], Runit, Some(77), false, false, true),
            (77, &[1, b'u', 0, 1], Runit, Some(77), true, false, true),
            (77, &[0, b'd', 1, 1], Runit, Some(77), false, false, false),
            (78, &[0, b'u', 0, 2], Runit, None, false, true, true),
            (0, &[0, b'd', 0, 0], Runit, None, false, false, false),
            (0x0001_0203, &[0, b'u'], Daemontools, Some(0x0001_0203), false, false, true),
            (77, &[1, b'u'], Daemontools, Some(77), true, false, true),
            (77, &[0, 0], Daemontools, Some(77), false, false, false),
            (0, &[0, b'd'], Daemontools, None, false, false, false),
        ] {
            let expected = Status {
                suite,
                changed: UNIX_EPOCH + Duration::new(1_800_000_000, 5),
                ready_changed: None,
                pid: process,
                cause: None,
                is_paused: paused,
                is_finishing: finishing,
                wants_up,
                is_ready: None,
            };
            assert_eq!(Status::decode(&status(pid, rest)), Ok(expected), "{pid} {rest:?}");
        }
        assert_eq!(Status::decode(&status(u32::MAX, &[0, b'u'])), Err(Malformed::Pid));
        assert_eq!(Status::decode(&[0; 18]), Err(Malformed::Stamp));
        assert_eq!(Status::decode(&[0; 20]), Err(Malformed::Stamp));
    }
}
