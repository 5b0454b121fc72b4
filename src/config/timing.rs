//! When the worker runs, and how a run is stopped: the timing options, which may depend on the
//! worker's variables.

use super::settings::{OnStop, Settings};
use super::spec::{SpecError, shown};
use super::value::{Backoff, Delay, Lookup, StopSignal, Template};
use crate::cli::Given;
use crate::cli::flags::Role;
use crate::error::Findings;

/// Time between stop signal and KILL. s6-overlay's own grace at container shutdown is 3 s.
const GRACE: Delay = Delay::from_secs(5);
/// The delay after a failed run of `--once`.
const ONCE_RETRY: Delay = Delay::from_secs(5);
const STOP_SIGNAL: StopSignal = StopSignal(nix::sys::signal::Signal::SIGTERM);

/// The timing as far as it is known before the environment is.
#[derive(Clone)]
pub enum TimingSpec {
    /// It depends on no variable.
    Fixed(Timing),
    /// `--interval '${EVERY:-60}'`: all timing options in order, to be settled over the environment.
    Open(Vec<Given>),
}

/// Names the options only.
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
    /// The longest run.
    pub timeout: Option<Delay>,
    /// How a run is stopped.
    pub stop: StopRules,
    /// How the delay grows with failures.
    pub backoff: Option<Backoff>,
    /// Failures in a row after which the service rests.
    pub max_failures: Option<u32>,
}

/// When a run follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Fixed delay: so long after the end of each run.
    Interval(Delay),
    /// After a success never; after a failure so long after its end.
    Once {
        /// The delay after a failure.
        retry: Delay,
    },
}

impl Pace {
    /// The delay before back-off.
    pub fn delay(self) -> Delay {
        match self {
            Pace::Interval(delay) | Pace::Once { retry: delay } => delay,
        }
    }
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug)]
pub struct StopRules {
    /// What asks it to stop.
    pub signal: StopSignal,
    /// From there to KILL.
    pub grace: Delay,
    /// Whether a stop touches the run at all.
    pub on_stop: OnStop,
}

impl TimingSpec {
    /// The timing over the worker's variables; all findings at once.
    pub fn settle(&self, variables: Lookup<'_>, findings: &mut Findings) -> Option<Timing> {
        let options = match self {
            TimingSpec::Fixed(timing) => return Some(timing.clone()),
            TimingSpec::Open(options) => options,
        };
        let mut settings = Settings::default();
        for given in options {
            findings.take(apply(given, &mut settings, variables));
        }
        timing(&settings, options, findings)
    }
}

/// Reads one option over the variables.
fn apply(given: &Given, settings: &mut Settings, variables: Lookup<'_>) -> Result<(), SpecError> {
    let invalid = |invalid| SpecError::Value { place: given.place(), shown: shown(given), invalid };
    if !given.flag.expands {
        return (given.flag.set)(settings, &given.value).map_err(invalid);
    }
    let value = Template::parse(&given.value)
        .map_err(invalid)?
        .expand(variables)
        .map_err(|error| SpecError::Expansion { place: given.place(), error })?;
    // an invalid value is shown as it was written, not as what the variables made of it
    (given.flag.set)(settings, &value).map_err(invalid)
}

/// What the timing options come to; `settings` has the values of those that depend on no variable.
/// `None` is exec mode, or a finding.
pub(super) fn spec(settings: &Settings, options: Vec<Given>, findings: &mut Findings) -> Option<TimingSpec> {
    if !options.iter().any(|given| given.flag.role == Role::Timing) {
        for given in options {
            findings.push(SpecError::NeedsTiming { place: given.place() });
        }
        return None;
    }
    if options.iter().any(|given| matches!(given.literal(), Ok(None))) {
        return Some(TimingSpec::Open(options));
    }
    timing(settings, &options, findings).map(TimingSpec::Fixed)
}

fn timing(settings: &Settings, options: &[Given], findings: &mut Findings) -> Option<Timing> {
    let pace = match (settings.once, settings.interval) {
        (true, retry) => Pace::Once { retry: retry.unwrap_or(ONCE_RETRY) },
        (false, Some(interval)) => Pace::Interval(interval),
        // its value is invalid, which has been said already
        (false, None) => return None,
    };
    if let Some(backoff) = settings.backoff
        && backoff.max < pace.delay()
    {
        let place = options
            .iter()
            .rfind(|given| given.flag.long == "backoff")
            .map_or("--backoff".to_string(), Given::place);
        findings.push(SpecError::BackoffBelowDelay { place, max: backoff.max, delay: pace.delay() });
    }
    Some(Timing {
        pace,
        initial_delay: settings.initial_delay.filter(|delay| !delay.duration().is_zero()),
        timeout: settings.timeout,
        stop: StopRules {
            signal: settings.stop_signal.unwrap_or(STOP_SIGNAL),
            grace: settings.grace.unwrap_or(GRACE),
            on_stop: settings.on_stop.unwrap_or_default(),
        },
        backoff: settings.backoff,
        max_failures: settings.max_failures,
    })
}
