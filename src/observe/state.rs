//! The states of a service, and which of them are healthy.

/// The state of a service. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Its processes die repeatedly.
    Crashing,
    /// Its run script cannot be executed.
    CannotStart,
    /// A loop whose last run failed.
    Failing,
    /// A loop that has missed a run, or whose run takes longer than allowed.
    Overdue,
    /// It waits for someone to repair something.
    Resting,
    /// It went down by itself and is not restarted.
    GaveUp,
    /// It is published, but no supervisor is running.
    Unsupervised,
    /// Defined, but not published.
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
    /// Between two runs, the last of which succeeded.
    Waiting,
    /// `--once` has done its work.
    Done,
    /// Its process runs, and is ready if it reports that.
    Up,
    /// It is down intentionally.
    Down,
}

/// What `futo health` makes of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works, or is about to.
    Healthy,
    /// It is intentionally not running.
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

impl ServiceState {
    /// All states, the most urgent first.
    pub const ALL: [ServiceState; 19] = [
        ServiceState::Crashing,
        ServiceState::CannotStart,
        ServiceState::Failing,
        ServiceState::Overdue,
        ServiceState::Resting,
        ServiceState::GaveUp,
        ServiceState::Unsupervised,
        ServiceState::NotPublished,
        ServiceState::Unknown,
        ServiceState::NotReady,
        ServiceState::Paused,
        ServiceState::Restarting,
        ServiceState::Starting,
        ServiceState::Gated,
        ServiceState::Running,
        ServiceState::Waiting,
        ServiceState::Done,
        ServiceState::Up,
        ServiceState::Down,
    ];

    /// Its name, also in machine output.
    pub fn word(self) -> &'static str {
        match self {
            ServiceState::Crashing => "crashing",
            ServiceState::CannotStart => "cannot-start",
            ServiceState::Failing => "failing",
            ServiceState::Overdue => "overdue",
            ServiceState::Resting => "resting",
            ServiceState::GaveUp => "gave-up",
            ServiceState::Unsupervised => "unsupervised",
            ServiceState::NotPublished => "unpublished",
            ServiceState::Unknown => "unknown",
            ServiceState::NotReady => "not-ready",
            ServiceState::Paused => "paused",
            ServiceState::Restarting => "restarting",
            ServiceState::Starting => "starting",
            ServiceState::Gated => "gated",
            ServiceState::Running => "running",
            ServiceState::Waiting => "waiting",
            ServiceState::Done => "done",
            ServiceState::Up => "up",
            ServiceState::Down => "down",
        }
    }

    /// What `futo health` makes of it.
    pub fn verdict(self) -> Verdict {
        match self {
            ServiceState::Restarting
            | ServiceState::Starting
            | ServiceState::Running
            | ServiceState::Waiting
            | ServiceState::Done
            | ServiceState::Up => Verdict::Healthy,
            ServiceState::Gated | ServiceState::Down => Verdict::Stopped,
            ServiceState::Crashing
            | ServiceState::CannotStart
            | ServiceState::Failing
            | ServiceState::Overdue
            | ServiceState::Resting
            | ServiceState::GaveUp
            | ServiceState::Unsupervised
            | ServiceState::NotPublished
            | ServiceState::Unknown
            | ServiceState::NotReady
            | ServiceState::Paused => Verdict::Unhealthy,
        }
    }

    /// Whether nothing is wrong with a service in this state.
    pub fn is_healthy(self) -> bool {
        self.verdict() != Verdict::Unhealthy
    }
}
