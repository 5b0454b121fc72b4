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

    /// The command by which a supervisor sends CONT.
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
    /// As a shell has it: 128 + n for signal n.
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

    /// Whether it is the stop signal's own effect, or how a program reports that it got it: 143 for TERM.
    pub fn is_by(self, stop_signal: i32) -> bool {
        self == Cause::Killed(stop_signal) || self == Cause::Exited(128 + stop_signal)
    }

    /// Whether a program that was asked to stop may have ended in this way: with any exit code of its own, or by KILL.
    /// Not with a code by which a program or the launcher reports that it cannot start, and not by a crash.
    pub fn may_answer_a_stop(self) -> bool {
        match self {
            // sysexits' EX_CONFIG; the launcher's own
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
    /// The process that `run` became; none if the service is down, or only its `finish` runs.
    pub pid: Option<i32>,
    /// How the last process died: exit status 0 if there was none yet. Only s6 records it.
    pub cause: Option<Cause>,
    /// The supervisor has stopped it by SIGSTOP.
    pub is_paused: bool,
    /// `finish` is running, or what s6 has forked in its place where there is none.
    pub is_finishing: bool,
    /// The supervisor wants it up.
    pub wants_up: bool,
    /// It has reported that it is ready. Only s6 listens for that.
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
    /// No time stamp.
    #[error("its time stamp is invalid")]
    Stamp,
    /// No process number.
    #[error("its pid is invalid")]
    Pid,
    /// No whole number of deaths.
    #[error("it is {0} bytes long, not a multiple of {length}", length = DEATH_LENGTH)]
    TallyLength(usize),
}

impl Status {
    /// Since when there is no process of the service and no `finish` either; none if there is one.
    pub fn down_since(&self) -> Option<SystemTime> {
        // the end of finish is noted as a change of readiness
        let is_down = self.pid.is_none() && !self.is_finishing;
        is_down.then(|| self.ready_changed.map_or(self.changed, |ready| ready.max(self.changed)))
    }
}
