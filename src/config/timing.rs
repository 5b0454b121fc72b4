//! When the worker runs, and how a run is stopped.

use std::path::PathBuf;

use super::request::Given;
use super::settings::{OnExit, OnLock, OnStop, Persist};
use super::value::{Backoff, Delay, ShellCommand, StopSignal};
use crate::schedule::ZonedSchedule;

/// Whether the launcher stays as the parent of its worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stays {
    /// There is no timing option.
    #[default]
    No,
    /// There is one.
    InLoop,
}

/// The timing, as far as it is known before the environment has been read.
#[derive(Clone)]
pub enum TimingSpec {
    /// It depends on no variable.
    Fixed(Box<Timing>),
    /// `--interval '${EVERY:-60}'`, or a schedule whose zone is that of TZ: all timing options in order, to
    /// be resolved with the variables.
    Open(Vec<Given>),
}

/// Shows only the names of the options.
impl std::fmt::Debug for TimingSpec {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TimingSpec::Fixed(timing) => timing.fmt(formatter),
            TimingSpec::Open(given) => {
                formatter.debug_list().entries(given.iter().map(Given::place)).finish()
            }
        }
    }
}

/// The loop.
#[derive(Clone, Debug)]
pub struct Timing {
    /// When a run follows.
    pub pace: Pace,
    /// Before the first run.
    pub initial_delay: Option<Delay>,
    /// Whether the last start counts after a restart.
    pub persist: Persist,
    /// A run that is due is not made up for later than this.
    pub max_late: Option<Delay>,
    /// Delays the first run, or each start of a schedule, by up to this long.
    pub splay: Option<Delay>,
    /// The longest run.
    pub timeout: Option<Delay>,
    /// How a run is stopped.
    pub stop: StopRules,
    /// How the delay grows with failures.
    pub backoff: Option<Backoff>,
    /// Failures in a row after which the service rests.
    pub max_failures: Option<u32>,
    /// What is done around each run.
    pub around: Around,
    /// How many runs the history keeps.
    pub history: u32,
}

/// When a run follows another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Fixed delay: this long after the end of each run.
    Interval(Delay),
    /// Fixed rate: on the grid of the first start.
    Every(Delay),
    /// At certain times.
    Schedule(ZonedSchedule),
    /// Never after a success; after a failure, this long after its end.
    Once {
        /// The delay after a failure.
        retry: Delay,
    },
}

impl Pace {
    /// The delay before back-off; a schedule has none.
    pub fn delay(&self) -> Option<Delay> {
        match self {
            Pace::Interval(delay) | Pace::Every(delay) | Pace::Once { retry: delay } => Some(*delay),
            Pace::Schedule(_) => None,
        }
    }
}

/// What is done around each run.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Held during a run.
    pub lock: Option<PathBuf>,
    /// What happens while another process holds it.
    pub on_lock: OnLock,
    /// After a failed run.
    pub on_failure: Option<ShellCommand>,
    /// After a successful one.
    pub on_success: Option<ShellCommand>,
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug)]
pub struct StopRules {
    /// The signal that asks it to stop.
    pub signal: StopSignal,
    /// The time from then to KILL.
    pub grace: Delay,
    /// Whether a stop affects the current run.
    pub on_stop: OnStop,
    /// Whether processes that a worker leaves behind are stopped too.
    pub on_exit: OnExit,
}
