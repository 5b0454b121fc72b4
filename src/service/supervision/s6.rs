//! s6-supervise's `status` and `death_tally`.

use super::status::{Cause, DEATH_LENGTH, Death, Malformed, Status, Suite};
use crate::service::tai;

/// Bytes of `supervise/status`: two stamps, pid, wait status, flags.
pub(super) const STATUS_LENGTH: usize = 35;
/// s6 2.13 stores the process group between pid and wait status.
pub(super) const STATUS_LENGTH_2_13: usize = STATUS_LENGTH + 8;
/// The longest tally that is read: s6 keeps at most 4096 deaths.
pub(super) const MAX_TALLY: usize = 4096 * DEATH_LENGTH;

fn stamp(bytes: [u8; tai::LENGTH]) -> Option<std::time::SystemTime> {
    tai::decode(bytes, tai::Scale::LeapSeconds)
}

/// Decodes a status of any s6 version. Fields without meaning while the service has no process are dropped: the pid
/// of `finish`, and the flags of a service that is down (s6 2.13.2 and later flag a service that was never started as
/// paused, and every version flags one that is down as ready).
pub(super) fn decode(part: &[u8]) -> Result<Status, Malformed> {
    let (changed, part) = part.split_first_chunk::<{ tai::LENGTH }>().ok_or(Malformed::Stamp)?;
    let (ready, part) = part.split_first_chunk::<{ tai::LENGTH }>().ok_or(Malformed::Stamp)?;
    let (pid, part) = part.split_first_chunk::<8>().ok_or(Malformed::Pid)?;
    let (part, flags) = part.split_last_chunk::<1>().ok_or(Malformed::Pid)?;
    let wait = part.last_chunk::<2>().ok_or(Malformed::Pid)?;
    let [flags] = flags;
    let pid = i32::try_from(u64::from_be_bytes(*pid)).map_err(|_| Malformed::Pid)?;
    let wait = i32::from(u16::from_be_bytes(*wait));
    let is_finishing = flags & 2 != 0;
    let pid = (pid > 0 && !is_finishing).then_some(pid);
    Ok(Status {
        suite: Suite::S6,
        changed: stamp(*changed).ok_or(Malformed::Stamp)?,
        ready_changed: stamp(*ready),
        pid,
        cause: Some(match libc::WIFSIGNALED(wait) {
            true => Cause::Killed(libc::WTERMSIG(wait)),
            false => Cause::Exited(libc::WEXITSTATUS(wait)),
        }),
        is_paused: flags & 1 != 0 && pid.is_some(),
        is_finishing,
        wants_up: flags & 4 != 0,
        is_ready: Some(flags & 8 != 0 && pid.is_some()),
    })
}

/// Decodes a tally, oldest death first.
pub(super) fn decode_tally(bytes: &[u8]) -> Result<Vec<Death>, Malformed> {
    let (deaths, []) = bytes.as_chunks::<DEATH_LENGTH>() else {
        return Err(Malformed::TallyLength(bytes.len()));
    };
    deaths
        .iter()
        .map(|death| {
            let (at, cause) = death.split_first_chunk::<{ tai::LENGTH }>().ok_or(Malformed::Stamp)?;
            let at = stamp(*at).ok_or(Malformed::Stamp)?;
            let cause = match cause {
                [code, 0] => Cause::Exited(i32::from(*code)),
                [_, signal] => Cause::Killed(i32::from(*signal)),
                _ => return Err(Malformed::Stamp),
            };
            Ok(Death { at, cause })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn stamp(seconds: u64) -> Vec<u8> {
        let mut bytes = ((1_u64 << 62) + 37 + seconds).to_be_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes
    }

    fn status(pid: u64, wait: u16, flags: u8) -> Vec<u8> {
        [stamp(100), stamp(101), pid.to_be_bytes().to_vec(), wait.to_be_bytes().to_vec(), vec![flags]]
            .concat()
    }

    #[test]
    fn a_status_has_35_bytes() {
        let up = Status::decode(&status(77, 0, 4 | 8)).expect("a status");
        assert_eq!(up.changed, UNIX_EPOCH + Duration::from_secs(100));
        assert_eq!(up.ready_changed, Some(UNIX_EPOCH + Duration::from_secs(101)));
        assert_eq!((up.pid, up.wants_up, up.is_ready, up.down_since()), (Some(77), true, Some(true), None));
        assert_eq!((up.is_paused, up.is_finishing), (false, false));
        let down = Status::decode(&status(0, 3 << 8, 4)).expect("a status");
        assert_eq!((down.pid, down.cause), (None, Some(Cause::Exited(3))));
        assert_eq!(down.down_since(), Some(UNIX_EPOCH + Duration::from_secs(101)));
        assert_eq!(Status::decode(&status(0, 9, 0)).map(|status| status.cause), Ok(Some(Cause::Killed(9))));
    }

    /// Written by s6 2.11.3.2, 2.13.2.0 and 2.15.0.0.
    const WRITTEN: [(&str, [&str; 3]); 6] = [
        (
            "up",
            [
                "400000006b08b0b20939ce1f400000006b08b0b208b876ae00000000000015b2000004",
                "400000006b08b0b615c40630400000006b08b0b61572272300000000000016bb00000000000016bb000004",
                "400000006b08b0ba1fd01d8b400000006b08b0ba1fb599c20000000000001800000004",
            ],
        ),
        (
            "ready",
            [
                "400000006b08b0b2095fb1c1400000006b08b0b2096572b100000000000015b300000c",
                "400000006b08b0b616a2ede8400000006b08b0b616a687b600000000000016c200000000000016c200000c",
                "400000006b08b0ba1ff75f1c400000006b08b0ba1ffa433c00000000000017fd00000c",
            ],
        ),
        (
            "paused",
            [
                "400000006b08b0b20975efae400000006b08b0b207e4e8cb00000000000015b0000005",
                "400000006b08b0b6165ff319400000006b08b0b6161d20f200000000000016c000000000000016c0000005",
                "400000006b08b0ba1fb854a7400000006b08b0ba1f55a35f00000000000017fa000005",
            ],
        ),
        (
            "finishing",
            [
                "400000006b08b0b2098b544a400000006b08b0b2084cf41600000000000015b5030006",
                "400000006b08b0b61666cd79400000006b08b0b6160d07e900000000000016c400000000000016c4030006",
                "400000006b08b0ba1fc9499f400000006b08b0ba1faf783a0000000000001801030006",
            ],
        ),
        (
            "down since it was published",
            [
                "400000006b08b0b20913bf89400000006b08b0b20913bf890000000000000000000008",
                "400000006b08b0b61595d474400000006b08b0b61595d47400000000000000000000000000000000000009",
                "400000006b08b0ba1f8bd506400000006b08b0ba1f8bd5060000000000000000000009",
            ],
        ),
        (
            "not to be executed",
            [
                "400000006b08b0b20958a344400000006b08b0b20958a344000000000000000000000c",
                "400000006b08b0b6167ccb5e400000006b08b0b6167ccb5e0000000000000000000000000000000000000d",
                "400000006b08b0ba1fcaab41400000006b08b0ba1fcaab41000000000000000000000d",
            ],
        ),
    ];

    #[test]
    fn decodes_every_s6_version_alike() {
        for (what, versions) in WRITTEN {
            for hex in versions {
                let bytes: Vec<u8> = (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
                    .collect();
                let status = Status::decode(&bytes).expect("a status");
                let flags =
                    (status.wants_up, status.is_ready == Some(true), status.is_paused, status.is_finishing);
                let expected = match what {
                    "up" => (true, false, false, false),
                    "ready" => (true, true, false, false),
                    "paused" => (true, false, true, false),
                    "finishing" => (true, false, false, true),
                    "not to be executed" => (true, false, false, false),
                    _ => (false, false, false, false),
                };
                assert_eq!(flags, expected, "{what}: {hex}");
                let has_process = matches!(what, "up" | "ready" | "paused");
                assert_eq!(status.pid.is_some(), has_process, "{what}: {hex}");
                let cause = if what == "finishing" { Cause::Exited(3) } else { Cause::Exited(0) };
                assert_eq!(status.cause, Some(cause), "{what}: {hex}");
                // a day in November 2026
                let day = status.changed.duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / 86_400;
                assert_eq!(day, 20_783, "{what}: {hex}");
            }
        }
    }

    #[test]
    fn malformed_statuses_are_rejected() {
        for length in [0, 17, 19, 21, 34, 36, 42, 44] {
            assert_eq!(Status::decode(&vec![0; length]), Err(Malformed::Length(length)));
        }
        assert_eq!(Status::decode(&[0; 35]), Err(Malformed::Stamp));
        assert_eq!(Status::decode(&[0; 43]), Err(Malformed::Stamp));
        assert_eq!(Status::decode(&status(u64::MAX, 0, 0)), Err(Malformed::Pid));
    }

    #[test]
    fn a_tally_is_a_row_of_deaths() {
        let tally = [stamp(5), vec![3, 0], stamp(9), vec![0, 11]].concat();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let expected =
            vec![Death { at: at(5), cause: Cause::Exited(3) }, Death { at: at(9), cause: Cause::Killed(11) }];
        assert_eq!(decode_tally(&tally), Ok(expected));
        assert_eq!(decode_tally(b""), Ok(Vec::new()));
        assert_eq!(decode_tally(b"x"), Err(Malformed::TallyLength(1)));
        assert_eq!(decode_tally(&[0; 14]), Err(Malformed::Stamp));
    }
}
