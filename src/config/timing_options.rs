//! The timing options → [`Timing`]: which of them sets the pace, what conflicts with it, and the defaults. Their values
//! may depend on the worker's variables.

use super::error::SpecError;
use super::flags::{Key, LoopOption, PaceOption};
use super::request::{self, Given, Origin};
use super::settings::{OnExit, OnStop, Persist, Settings, TimingSettings};
use super::timing::{Around, Pace, Stays, StopRules, Timing, TimingSpec};
use super::value::{Delay, Lookup, StopSignal};
use crate::error::Findings;
use crate::invalid::Invalid;
use crate::schedule::{Zone, ZoneError};

/// Time between stop signal and KILL. s6-overlay's own grace at container shutdown is 3 s.
const GRACE: Delay = Delay::from_secs(5);
/// The delay after a failed run of `--once`.
const ONCE_RETRY: Delay = Delay::from_secs(5);
/// How many runs are kept, unless `--history` says otherwise.
const HISTORY: u32 = 200;
const STOP_SIGNAL: StopSignal = StopSignal(nix::sys::signal::Signal::SIGTERM);

impl Stays {
    /// What the options ask for, even where their values are invalid.
    pub(super) fn of(options: &[Given]) -> Self {
        match options.iter().any(|given| pace_of(given).is_some()) {
            true => Stays::InLoop,
            false => Stays::No,
        }
    }
}

impl Default for StopRules {
    fn default() -> Self {
        StopRules {
            signal: STOP_SIGNAL,
            grace: GRACE,
            on_stop: OnStop::default(),
            on_exit: OnExit::default(),
        }
    }
}

impl TimingSpec {
    /// Whether a success is followed by another run.
    pub fn repeats(&self) -> bool {
        match self {
            TimingSpec::Fixed(timing) => !matches!(timing.pace, Pace::Once { .. }),
            TimingSpec::Open(options) => {
                !options.iter().any(|given| pace_of(given) == Some(PaceOption::Once))
            }
        }
    }

    /// The timing with the worker's variables; all findings at once.
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
        timing(settings.timing, options, &zone, findings)
    }
}

/// The timing that the options ask for; `settings` has the values of those that depend on no variable.
/// `None` is exec mode, or a finding.
pub(super) fn spec(
    settings: TimingSettings,
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
        // a conflict does not depend on variables
        pace_option(&options, findings);
        return Some(TimingSpec::Open(options));
    }
    // a schedule has its own zone here, or is invalid
    let no_zone = || Err(ZoneError::Variable(Invalid::new("is not known yet")));
    timing(settings, &options, &no_zone, findings).map(|timing| TimingSpec::Fixed(Box::new(timing)))
}

/// The pace that this option sets, if it sets one.
fn pace_of(given: &Given) -> Option<PaceOption> {
    match given.flag.meaning.key {
        Key::Pace(pace) => Some(pace),
        Key::CommandLine(_) | Key::Loop(_) | Key::Readiness(_) | Key::Launch(_) => None,
    }
}

/// The option that sets the pace. Those of the command line override the file's; `--interval` goes with `--once`.
fn pace_option<'a>(options: &'a [Given], findings: &mut Findings) -> Option<(&'a Given, PaceOption)> {
    let is_of_file = |given: &Given| matches!(given.origin, Origin::File(..));
    let mut paces: Vec<(&Given, PaceOption)> =
        options.iter().filter_map(|given| Some((given, pace_of(given)?))).collect();
    if paces.iter().any(|(given, _)| !is_of_file(given)) {
        // a file's interval is the delay of a command line's --once
        let once = paces.iter().any(|(_, pace)| *pace == PaceOption::Once);
        paces.retain(|(given, pace)| !is_of_file(given) || (once && *pace == PaceOption::Interval));
    }
    let once = paces.iter().rfind(|(_, pace)| *pace == PaceOption::Once);
    let (last, pace) = once.or(paces.last()).copied()?;
    let conflicts = |other: PaceOption| match (pace, other) {
        (PaceOption::Once, PaceOption::Interval) => false,
        (pace, other) => pace != other,
    };
    if let Some((other, _)) = paces.iter().find(|(_, other)| conflicts(*other)) {
        findings.push(SpecError::TwoPaces { place: last.place(), other: other.place() });
        return None;
    }
    Some((last, pace))
}

/// Finds the zone of a schedule that names none.
type DefaultZone<'a> = &'a dyn Fn() -> Result<Zone, ZoneError>;

/// The timing, unless options conflict. Destructured, so that no new setting is forgotten.
fn timing(
    settings: TimingSettings,
    options: &[Given],
    zone: DefaultZone<'_>,
    findings: &mut Findings,
) -> Option<Timing> {
    let (option, pace_option) = pace_option(options, findings)?;
    let pace = pace(&settings, option, pace_option, zone, findings)?;
    refuse_options_without_effect(&pace, option, &settings, options, findings);
    let TimingSettings {
        interval: _,
        every: _,
        schedule: _,
        initial_delay,
        persist,
        max_late,
        splay,
        timeout,
        grace,
        stop_signal,
        on_stop,
        on_exit,
        backoff,
        max_failures,
        on_failure,
        on_success,
        lock,
        on_lock,
        history,
    } = settings;
    let persist = persist.unwrap_or(match pace {
        Pace::Schedule(_) => Persist::Yes,
        Pace::Interval(_) | Pace::Every(_) | Pace::Once { .. } => Persist::No,
    });
    // elsewhere the first run is immediate anyway; beside a schedule it is one more
    let initial_delay =
        initial_delay.filter(|delay| matches!(pace, Pace::Schedule(_)) || !delay.duration().is_zero());
    let stop = StopRules::default();
    Some(Timing {
        pace,
        initial_delay,
        persist,
        max_late,
        splay,
        timeout,
        stop: StopRules {
            signal: stop_signal.unwrap_or(stop.signal),
            grace: grace.unwrap_or(stop.grace),
            on_stop: on_stop.unwrap_or(stop.on_stop),
            on_exit: on_exit.unwrap_or(stop.on_exit),
        },
        backoff,
        max_failures,
        around: Around { lock, on_lock: on_lock.unwrap_or_default(), on_failure, on_success },
        history: history.unwrap_or(HISTORY),
    })
}

/// The pace; `None` with a finding, of its own or about an invalid value.
fn pace(
    settings: &TimingSettings,
    given: &Given,
    option: PaceOption,
    zone: DefaultZone<'_>,
    findings: &mut Findings,
) -> Option<Pace> {
    match option {
        PaceOption::Once => Some(Pace::Once { retry: settings.interval.unwrap_or(ONCE_RETRY) }),
        PaceOption::Interval => settings.interval.map(Pace::Interval),
        PaceOption::Every => settings.every.map(Pace::Every),
        PaceOption::Schedule => {
            let zoned = settings.schedule.clone()?.in_zone(zone);
            let zoned = zoned.map_err(|error| SpecError::Zone { place: given.place(), error });
            findings.take(zoned).map(Pace::Schedule)
        }
    }
}

/// An option is refused rather than ignored.
fn refuse_options_without_effect(
    pace: &Pace,
    pace_option: &Given,
    settings: &TimingSettings,
    options: &[Given],
    findings: &mut Findings,
) {
    // the last occurrence counts; a command line may repeat an option very often
    let mut refused: Vec<(LoopOption, SpecError)> = Vec::new();
    for (given, option) in options.iter().rev().filter_map(|given| Some((given, loop_option(given)?))) {
        if let Some(why) = why_without_effect(option, pace, settings)
            && !refused.iter().any(|(known, _)| *known == option)
        {
            let error = SpecError::NoEffect { place: given.place(), pace: pace_option.flag.long, why };
            refused.push((option, error));
        }
    }
    refused.into_iter().rev().for_each(|(_, error)| findings.push(error));
    if let (Some(backoff), Some(delay)) = (settings.backoff, pace.delay())
        && backoff.max < delay
        && let Some(given) = request::last(options, Key::Loop(LoopOption::Backoff))
    {
        findings.push(SpecError::BackoffBelowDelay { place: given.place(), max: backoff.max, delay });
    }
}

fn loop_option(given: &Given) -> Option<LoopOption> {
    match given.flag.meaning.key {
        Key::Loop(option) => Some(option),
        Key::CommandLine(_) | Key::Pace(_) | Key::Readiness(_) | Key::Launch(_) => None,
    }
}

/// Why an option with a valid value has no effect at this pace. Exhaustive: a new option of the loop must be
/// added here.
fn why_without_effect(option: LoopOption, pace: &Pace, settings: &TimingSettings) -> Option<&'static str> {
    let is_persistent = settings.persist == Some(Persist::Yes);
    match (option, pace) {
        (LoopOption::Backoff, Pace::Schedule(_)) => {
            settings.backoff.is_some().then_some("there is no delay to increase")
        }
        (LoopOption::Persist, Pace::Once { .. }) => {
            is_persistent.then_some("every start of the service runs until one success")
        }
        (LoopOption::MaxLate, Pace::Interval(_) | Pace::Every(_) | Pace::Once { .. }) => {
            let has_no_effect = settings.max_late.is_some() && !is_persistent;
            has_no_effect.then_some("without --persist, missed runs are not made up for")
        }
        (LoopOption::OnLock, _) => {
            (settings.on_lock.is_some() && settings.lock.is_none()).then_some("there is no --lock")
        }
        (
            LoopOption::InitialDelay
            | LoopOption::Persist
            | LoopOption::MaxLate
            | LoopOption::Splay
            | LoopOption::Timeout
            | LoopOption::Grace
            | LoopOption::StopSignal
            | LoopOption::OnStop
            | LoopOption::OnExit
            | LoopOption::Backoff
            | LoopOption::MaxFailures
            | LoopOption::OnFailure
            | LoopOption::OnSuccess
            | LoopOption::Lock
            | LoopOption::History,
            _,
        ) => None,
    }
}
