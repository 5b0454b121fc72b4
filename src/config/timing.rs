//! When the worker runs, and how a run is stopped: the timing options, which may depend on the
//! worker's variables.

use std::path::PathBuf;

use super::error::SpecError;
use super::flags::Role;
use super::request::{Given, Origin};
use super::settings::{OnExit, OnStop, Persist, Settings, TimingSettings};
use super::value::{Backoff, Delay, Lookup, ShellCommand, StopSignal};
use crate::error::Findings;
use crate::invalid::Invalid;
use crate::schedule::{Zone, ZoneError, ZonedSchedule};

/// Time between stop signal and KILL. s6-overlay's own grace at container shutdown is 3 s.
const GRACE: Delay = Delay::from_secs(5);
/// The delay after a failed run of `--once`.
const ONCE_RETRY: Delay = Delay::from_secs(5);
const STOP_SIGNAL: StopSignal = StopSignal(nix::sys::signal::Signal::SIGTERM);

/// Whether the launcher is asked to stay beside its worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stays {
    /// There is no timing option.
    #[default]
    No,
    /// There is one.
    InLoop,
}

impl Stays {
    /// What the options ask for, also with invalid values.
    pub(super) fn of(options: &[Given]) -> Self {
        match options.iter().any(|given| given.flag.role == Role::Timing) {
            true => Stays::InLoop,
            false => Stays::No,
        }
    }
}

/// The timing as far as it is known before the environment is.
#[derive(Clone)]
pub enum TimingSpec {
    /// It depends on no variable.
    Fixed(Box<Timing>),
    /// `--interval '${EVERY:-60}'`, or a schedule whose zone is that of TZ: all timing options in order, to
    /// be settled over the environment.
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
    /// Whether the last start counts after a restart.
    pub persist: Persist,
    /// A run that is due is not made up for later than this.
    pub max_late: Option<Delay>,
    /// The first run, or each start of a schedule, comes up to so much later.
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
}

/// When a run follows another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Fixed delay: so long after the end of each run.
    Interval(Delay),
    /// Fixed rate: on the grid of the first start.
    Every(Delay),
    /// At certain times.
    Schedule(ZonedSchedule),
    /// After a success never; after a failure so long after its end.
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
    /// After a failed run.
    pub on_failure: Option<ShellCommand>,
    /// After a successful one.
    pub on_success: Option<ShellCommand>,
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
    /// Whether what a worker leaves behind is stopped too.
    pub on_exit: OnExit,
}

impl TimingSpec {
    /// Whether a success is followed by another run.
    pub fn repeats(&self) -> bool {
        match self {
            TimingSpec::Fixed(timing) => !matches!(timing.pace, Pace::Once { .. }),
            TimingSpec::Open(options) => !options.iter().any(|given| given.flag.long == "once"),
        }
    }

    /// The timing over the worker's variables; all findings at once.
    pub fn settle(&self, variables: Lookup<'_>, findings: &mut Findings) -> Option<Timing> {
        let options = match self {
            TimingSpec::Fixed(timing) => return Some(Timing::clone(timing)),
            TimingSpec::Open(options) => options,
        };
        let mut settings = Settings::default();
        for given in options {
            findings.take(given.apply(&mut settings, variables));
        }
        let zone = || Zone::of_environment(variables("TZ"));
        timing(&settings.timing, options, &zone, findings)
    }
}

/// What the timing options come to; `settings` has the values of those that depend on no variable.
/// `None` is exec mode, or a finding.
pub(super) fn spec(
    settings: &TimingSettings,
    options: Vec<Given>,
    findings: &mut Findings,
) -> Option<TimingSpec> {
    if Stays::of(&options) == Stays::No {
        for given in options {
            findings.push(SpecError::NeedsTiming { place: given.place() });
        }
        return None;
    }
    let needs_zone = settings.schedule.as_ref().is_some_and(|schedule| !schedule.names_zone());
    if needs_zone || options.iter().any(|given| matches!(given.literal(), Ok(None))) {
        // what contradicts itself does so whatever the variables are
        pace_option(&options, findings);
        return Some(TimingSpec::Open(options));
    }
    // a schedule has its own zone here, or is invalid
    let no_zone = || Err(ZoneError::Variable(Invalid::new("is not known yet")));
    timing(settings, &options, &no_zone, findings).map(|timing| TimingSpec::Fixed(Box::new(timing)))
}

/// The option that says when a run follows. Those of the command line win over the file's; `--interval`
/// goes with `--once`.
fn pace_option<'a>(options: &'a [Given], findings: &mut Findings) -> Option<&'a Given> {
    let is_of_file = |given: &Given| matches!(given.origin, Origin::File(..));
    let mut paces: Vec<&Given> = options.iter().filter(|given| given.flag.role == Role::Timing).collect();
    if paces.iter().any(|given| !is_of_file(given)) {
        // a file's interval is the delay of a command line's --once
        let once = paces.iter().any(|given| given.flag.long == "once");
        paces.retain(|given| !is_of_file(given) || (once && given.flag.long == "interval"));
    }
    let last = paces.iter().rfind(|given| given.flag.long == "once").or(paces.last()).copied()?;
    let goes_with = |other: &&&Given| {
        other.flag.long == last.flag.long || (last.flag.long == "once" && other.flag.long == "interval")
    };
    if let Some(other) = paces.iter().find(|other| !goes_with(other)) {
        findings.push(SpecError::TwoPaces { place: last.place(), other: other.place() });
        return None;
    }
    Some(last)
}

/// Finds the zone of a schedule that names none.
type DefaultZone<'a> = &'a dyn Fn() -> Result<Zone, ZoneError>;

fn timing(
    settings: &TimingSettings,
    options: &[Given],
    zone: DefaultZone<'_>,
    findings: &mut Findings,
) -> Option<Timing> {
    let option = pace_option(options, findings)?;
    let pace = match option.flag.long {
        "once" => Pace::Once { retry: settings.interval.unwrap_or(ONCE_RETRY) },
        // a value that is missing is invalid, which has been said already
        "interval" => Pace::Interval(settings.interval?),
        "every" => Pace::Every(settings.every?),
        _ => {
            let zoned = settings.schedule.clone()?.in_zone(zone);
            Pace::Schedule(
                findings.take(zoned.map_err(|error| SpecError::Zone { place: option.place(), error }))?,
            )
        }
    };
    refuse_what_has_no_meaning(&pace, option.flag.long, settings, options, findings);
    let persist = match (settings.persist, &pace) {
        (Some(persist), _) => persist,
        (None, Pace::Schedule(_)) => Persist::Yes,
        (None, _) => Persist::No,
    };
    Some(Timing {
        pace,
        initial_delay: settings.initial_delay.filter(|delay| !delay.duration().is_zero()),
        persist,
        max_late: settings.max_late,
        splay: settings.splay,
        timeout: settings.timeout,
        stop: StopRules {
            signal: settings.stop_signal.unwrap_or(STOP_SIGNAL),
            grace: settings.grace.unwrap_or(GRACE),
            on_stop: settings.on_stop.unwrap_or_default(),
            on_exit: settings.on_exit.unwrap_or_default(),
        },
        backoff: settings.backoff,
        max_failures: settings.max_failures,
        around: Around {
            lock: settings.lock.clone(),
            on_failure: settings.on_failure.clone(),
            on_success: settings.on_success.clone(),
        },
    })
}

/// Nothing that is written is ignored.
fn refuse_what_has_no_meaning(
    pace: &Pace,
    long: &'static str,
    settings: &TimingSettings,
    options: &[Given],
    findings: &mut Findings,
) {
    let place = |long: &str| {
        options.iter().rfind(|given| given.flag.long == long).map_or(format!("--{long}"), Given::place)
    };
    let mut refuse = |option: &str, why| {
        findings.push(SpecError::NoMeaning { place: place(option), pace: long, why });
    };
    match pace {
        Pace::Schedule(_) if settings.backoff.is_some() => refuse("backoff", "it has no delay to stretch"),
        Pace::Once { .. } if settings.persist == Some(Persist::Yes) => {
            refuse("persist", "each start of the service asks for one success");
        }
        _ => {}
    }
    let forgets = settings.persist != Some(Persist::Yes) && !matches!(pace, Pace::Schedule(_));
    if settings.max_late.is_some() && forgets {
        refuse("max-late", "without --persist nothing is made up for");
    }
    if let (Some(backoff), Some(delay)) = (settings.backoff, pace.delay())
        && backoff.max < delay
    {
        findings.push(SpecError::BackoffBelowDelay { place: place("backoff"), max: backoff.max, delay });
    }
}
