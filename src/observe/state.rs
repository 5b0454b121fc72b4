//! The states of a service, and which of them are healthy.

/// The state of a service. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its processes die repeatedly.
    Crashing,
    /// Its run script cannot be executed.
    CannotStart,
    /// A loop whose last run failed.
    Failing,
    /// A loop that has missed a run that was due, or whose run is longer than it may be.
    Overdue,
    /// It waits for someone to repair something.
    Resting,
    /// It went down by itself and is not started again.
    GaveUp,
    /// It is published and no supervisor runs.
    Unsupervised,
    /// Defined, not published.
    NotPublished,
    /// What it does cannot be established.
    Unknown,
    /// It has not reported its readiness for a long time.
    NotReady,
    /// Stopped by SIGSTOP.
    Paused,
    /// Between two processes.
    Restarting,
    /// It has not reported its readiness yet.
    Starting,
    /// Its gate is closed.
    Gated,
    /// A run is under way.
    Running,
    /// Between two runs, the last of which ended well.
    Waiting,
    /// `--once` has done its work.
    Done,
    /// Its process runs, and is ready if it reports that.
    Up,
    /// It is down, and meant to be.
    Down,
}

/// What `futo health` makes of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works, or is about to.
    Healthy,
    /// It does not run, and is meant not to.
    Stopped,
    /// Something is wrong, or cannot be established.
    Unhealthy,
}

impl Verdict {
    /// Its name in machine output.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Healthy => "healthy",
            Verdict::Stopped => "stopped",
            Verdict::Unhealthy => "unhealthy",
        }
    }
}

impl State {
    /// All states, the most urgent first.
    pub const ALL: [State; 19] = [
        State::Crashing,
        State::CannotStart,
        State::Failing,
        State::Overdue,
        State::Resting,
        State::GaveUp,
        State::Unsupervised,
        State::NotPublished,
        State::Unknown,
        State::NotReady,
        State::Paused,
        State::Restarting,
        State::Starting,
        State::Gated,
        State::Running,
        State::Waiting,
        State::Done,
        State::Up,
        State::Down,
    ];

    /// Its name, also in machine output.
    pub fn word(self) -> &'static str {
        match self {
            State::Crashing => "crashing",
            State::CannotStart => "cannot-start",
            State::Failing => "failing",
            State::Overdue => "overdue",
            State::Resting => "resting",
            State::GaveUp => "gave-up",
            State::Unsupervised => "unsupervised",
            State::NotPublished => "unpublished",
            State::Unknown => "unknown",
            State::NotReady => "not-ready",
            State::Paused => "paused",
            State::Restarting => "restarting",
            State::Starting => "starting",
            State::Gated => "gated",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Done => "done",
            State::Up => "up",
            State::Down => "down",
        }
    }

    /// What `futo health` makes of it.
    pub fn verdict(self) -> Verdict {
        match self {
            State::Restarting
            | State::Starting
            | State::Running
            | State::Waiting
            | State::Done
            | State::Up => Verdict::Healthy,
            State::Gated | State::Down => Verdict::Stopped,
            State::Crashing
            | State::CannotStart
            | State::Failing
            | State::Overdue
            | State::Resting
            | State::GaveUp
            | State::Unsupervised
            | State::NotPublished
            | State::Unknown
            | State::NotReady
            | State::Paused => Verdict::Unhealthy,
        }
    }

    /// Whether nothing is wrong with a service in this state.
    pub fn is_healthy(self) -> bool {
        self.verdict() != Verdict::Unhealthy
    }
}
