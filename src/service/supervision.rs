//! What s6-supervise writes down of a service: `supervise/status` and `supervise/death_tally`, decoded.

use std::time::SystemTime;

use super::tai;
use crate::exit::Exit;

/// Bytes of `supervise/status`: two stamps, pid, wait status, flags.
pub const STATUS_LENGTH: usize = 35;
/// Bytes of one death in `supervise/death_tally`: stamp, exit code, signal.
const DEATH_LENGTH: usize = tai::LENGTH + 2;
/// The longest tally that is read: s6 keeps 4096 deaths at most.
pub const MAX_TALLY: usize = 4096 * DEATH_LENGTH;

/// How a process of the service died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Cause {
    /// As a shell has it: 128 + n for signal n.
    pub fn exit(self) -> Exit {
        match self {
            Cause::Exited(code) => Exit::of_worker(code),
            Cause::Killed(signal) => Exit::killed_by(signal),
        }
    }

    /// Whether a stop that was asked for looks so: exit 0, or TERM.
    pub fn is_orderly(self) -> bool {
        matches!(self, Cause::Exited(0) | Cause::Killed(libc::SIGTERM))
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Exited(code) => write!(formatter, "exit status {code}"),
            Cause::Killed(signal) => write!(formatter, "killed by signal {signal}"),
        }
    }
}

/// `supervise/status`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// When it last came up or went down.
    pub changed: SystemTime,
    /// When it became ready, or ceased to be.
    pub ready_changed: Option<SystemTime>,
    /// The leader; none if it is down.
    pub pid: Option<i32>,
    /// How the last leader died.
    pub cause: Cause,
    /// Stopped by SIGSTOP.
    pub is_paused: bool,
    /// `finish` is running.
    pub is_finishing: bool,
    /// The supervisor means it to be up.
    pub wants_up: bool,
    /// It has said that it is ready.
    pub is_ready: bool,
}

/// One row of the tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// When.
    pub at: SystemTime,
    /// How.
    pub cause: Cause,
}

/// A file that s6-supervise did not write so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSo {
    /// Too short or too long.
    #[error("it holds {0} bytes, a status has {STATUS_LENGTH}")]
    Length(usize),
    /// A stamp that is none.
    #[error("it holds no time stamp where one should be")]
    Stamp,
    /// A pid that is none.
    #[error("it holds no process number where one should be")]
    Pid,
    /// No whole number of deaths.
    #[error("it holds {0} bytes, a death has {DEATH_LENGTH}")]
    TallyLength(usize),
}

impl Status {
    /// Reads the 35 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotSo> {
        let whole: [u8; STATUS_LENGTH] = bytes.try_into().map_err(|_| NotSo::Length(bytes.len()))?;
        let part = whole.as_slice();
        let (changed, part) = part.split_first_chunk::<{ tai::LENGTH }>().ok_or(NotSo::Stamp)?;
        let (ready, part) = part.split_first_chunk::<{ tai::LENGTH }>().ok_or(NotSo::Stamp)?;
        let (pid, part) = part.split_first_chunk::<8>().ok_or(NotSo::Pid)?;
        let (wait, part) = part.split_first_chunk::<2>().ok_or(NotSo::Pid)?;
        let flags = part.first().copied().unwrap_or_default();
        let pid = i32::try_from(u64::from_be_bytes(*pid)).map_err(|_| NotSo::Pid)?;
        let wait = i32::from(u16::from_be_bytes(*wait));
        Ok(Status {
            changed: tai::decode(*changed).ok_or(NotSo::Stamp)?,
            ready_changed: tai::decode(*ready),
            pid: (pid > 0).then_some(pid),
            cause: match libc::WIFSIGNALED(wait) {
                true => Cause::Killed(libc::WTERMSIG(wait)),
                false => Cause::Exited(libc::WEXITSTATUS(wait)),
            },
            is_paused: flags & 1 != 0,
            is_finishing: flags & 2 != 0,
            wants_up: flags & 4 != 0,
            is_ready: flags & 8 != 0,
        })
    }
}

/// Reads a tally, the oldest death first.
pub fn decode_tally(bytes: &[u8]) -> Result<Vec<Death>, NotSo> {
    let (deaths, []) = bytes.as_chunks::<DEATH_LENGTH>() else {
        return Err(NotSo::TallyLength(bytes.len()));
    };
    deaths
        .iter()
        .map(|death| {
            let (stamp, cause) = death.split_first_chunk::<{ tai::LENGTH }>().ok_or(NotSo::Stamp)?;
            let at = tai::decode(*stamp).ok_or(NotSo::Stamp)?;
            let cause = match cause {
                [code, 0] => Cause::Exited(i32::from(*code)),
                [_, signal] => Cause::Killed(i32::from(*signal)),
                _ => return Err(NotSo::Stamp),
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
    fn a_status_is_35_bytes() {
        let up = Status::decode(&status(77, 0, 4 | 8)).expect("a status");
        assert_eq!(up.changed, UNIX_EPOCH + Duration::from_secs(100));
        assert_eq!(up.ready_changed, Some(UNIX_EPOCH + Duration::from_secs(101)));
        assert_eq!((up.pid, up.wants_up, up.is_ready), (Some(77), true, true));
        assert_eq!((up.is_paused, up.is_finishing), (false, false));
        let down = Status::decode(&status(0, 3 << 8, 1 | 2)).expect("a status");
        assert_eq!(
            (down.pid, down.cause, down.is_paused, down.is_finishing),
            (None, Cause::Exited(3), true, true)
        );
        assert_eq!(Status::decode(&status(0, 9, 0)).map(|status| status.cause), Ok(Cause::Killed(9)));
    }

    #[test]
    fn what_is_no_status_is_said() {
        assert_eq!(Status::decode(b""), Err(NotSo::Length(0)));
        assert_eq!(Status::decode(&[0; 36]), Err(NotSo::Length(36)));
        assert_eq!(Status::decode(&[0; 35]), Err(NotSo::Stamp));
        assert_eq!(Status::decode(&status(u64::MAX, 0, 0)), Err(NotSo::Pid));
    }

    #[test]
    fn a_tally_is_a_row_of_deaths() {
        let tally = [stamp(5), vec![3, 0], stamp(9), vec![0, 11]].concat();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let expected =
            vec![Death { at: at(5), cause: Cause::Exited(3) }, Death { at: at(9), cause: Cause::Killed(11) }];
        assert_eq!(decode_tally(&tally), Ok(expected));
        assert_eq!(decode_tally(b""), Ok(Vec::new()));
        assert_eq!(decode_tally(b"x"), Err(NotSo::TallyLength(1)));
        assert_eq!(decode_tally(&[0; 14]), Err(NotSo::Stamp));
    }
}
