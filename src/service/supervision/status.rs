//! The state of a service as its supervisor records it, in one form for all suites.

use std::time::SystemTime;

use crate::exit::Exit;
use crate::service::tai;

/// Bytes of one death in `supervise/death_tally`: stamp, exit code, signal.
pub(super) const DEATH_LENGTH: usize = tai::LENGTH + 2;

/// A family of supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// s6-supervise.
    S6,
    /// runsv.
    Runit,
    /// supervise.
    Daemontools,
}

impl Suite {
    /// Its name, also in machine output.
    pub fn word(self) -> &'static str {
        match self {
            Suite::S6 => "s6",
            Suite::Runit => "runit",
            Suite::Daemontools => "daemontools",
        }
    }

    /// The program that supervises one service.
    pub fn supervisor(self) -> &'static str {
        match self {
            Suite::S6 => "s6-supervise",
            Suite::Runit => "runsv",
            Suite::Daemontools => "supervise",
        }
    }

    /// The program that watches a scan directory.
    pub fn scanner(self) -> &'static str {
        match self {
            Suite::S6 => "s6-svscan",
            Suite::Runit => "runsvdir",
            Suite::Daemontools => "svscan",
        }
    }

    /// The command that makes a supervisor send CONT.
    pub fn continues_by(self) -> &'static str {
        match self {
            Suite::S6 => "s6-svc -c",
            Suite::Runit => "sv cont",
            Suite::Daemontools => "svc -c",
        }
    }

    /// Whether it records each death.
    pub fn keeps_tally(self) -> bool {
        self == Suite::S6
    }
}

/// How a process of the service died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Cause {
    /// As in a shell: 128 + n for signal n.
    pub fn exit(self) -> Exit {
        match self {
            Cause::Exited(code) => Exit::of_worker(code),
            Cause::Killed(signal) => Exit::killed_by(signal),
        }
    }

    /// Whether the service succeeded.
    pub fn is_success(self) -> bool {
        self == Cause::Exited(0)
    }

    /// Whether the stop signal killed it, or it exited with the corresponding code: 143 for TERM.
    pub fn is_by(self, stop_signal: i32) -> bool {
        self == Cause::Killed(stop_signal) || self == Cause::Exited(128 + stop_signal)
    }

    /// Whether this may be the result of a requested stop: any exit code of the program's own, or KILL. Codes that
    /// report a failed start, and crashes, are not.
    pub fn may_answer_a_stop(self) -> bool {
        match self {
            // EX_CONFIG of sysexits.h; the launcher's codes
            Cause::Exited(code) => ![78, 100, 111, 126, 127].contains(&code),
            Cause::Killed(signal) => {
                [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGKILL].contains(&signal)
            }
        }
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
    /// Who wrote it.
    pub suite: Suite,
    /// When it last came up or went down.
    pub changed: SystemTime,
    /// When it became ready, or ceased to be (s6).
    pub ready_changed: Option<SystemTime>,
    /// The process started as `run`; `None` if the service is down, or only `finish` is running.
    pub pid: Option<i32>,
    /// How the last process died: exit status 0 if there has been none. Only s6 records it.
    pub cause: Option<Cause>,
    /// The supervisor has paused it with SIGSTOP.
    pub is_paused: bool,
    /// `finish` is running, or the process that s6 forks if there is none.
    pub is_finishing: bool,
    /// It is wanted up, as s6-svstat calls it.
    pub wants_up: bool,
    /// It has reported readiness. Only s6 supports that.
    pub is_ready: Option<bool>,
}

/// One entry of `death_tally`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// The time.
    pub at: SystemTime,
    /// The cause.
    pub cause: Cause,
}

/// Why the bytes of a supervisor's file cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too short or too long.
    #[error("it is {0} bytes long, expected 35 or 43 (s6), 20 (runit) or 18 (daemontools)")]
    Length(usize),
    /// No valid time stamp.
    #[error("its time stamp is invalid")]
    Stamp,
    /// No valid pid.
    #[error("its pid is invalid")]
    Pid,
    /// Not a whole number of deaths.
    #[error("it is {0} bytes long, not a multiple of {length}", length = DEATH_LENGTH)]
    TallyLength(usize),
}

impl Status {
    /// The time since which neither the service nor `finish` has been running; `None` if one of them is.
    pub fn down_since(&self) -> Option<SystemTime> {
        // s6 records the end of finish as a change of readiness
        let is_down = self.pid.is_none() && !self.is_finishing;
        is_down.then(|| self.ready_changed.map_or(self.changed, |ready| ready.max(self.changed)))
    }
}
