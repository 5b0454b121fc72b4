//! What the text and the JSON form say in the same words: timing, next starts, gates, readiness.

use std::path::Path;
use std::time::Duration;

use crate::config::settings::{OnExit, OnStop, Persist};
use crate::config::timing::{Around, Pace, StopRules, Timing};
use crate::config::value::{Gate, ReadyForm, ShellCommand, signal_name};
use crate::plan::splay;
use crate::plan::{Mode, Place, Plan};
use crate::ready::environment::Environment;
use crate::ready::gate::{self, GateState};
use crate::service::layout;
use crate::shell_quote::shell_word;
use crate::sys::{self, clock};

/// How many of the next starts are shown.
const STARTS: u32 = 5;

/// The timing in words.
pub(super) fn timing_lines(plan: &Plan, timing: Option<&Timing>) -> Vec<String> {
    match (&plan.mode, timing) {
        (Mode::Exec, _) => vec!["none: the worker takes the launcher's place (same pid)".to_string()],
        (Mode::ExecAsInit, _) => {
            vec!["none; as PID 1 the launcher stays, forwards signals and reaps orphans".to_string()]
        }
        (Mode::Loop(_), Some(timing)) => loop_lines(plan, timing),
        (Mode::Loop(_), None) => vec!["a loop; see the problems".to_string()],
    }
}

fn loop_lines(plan: &Plan, timing: &Timing) -> Vec<String> {
    let mut lines = start_lines(plan, timing);
    lines.extend(missed_line(timing));
    lines.extend(bound_lines(timing));
    lines.extend(around_lines(&timing.around));
    lines.extend(stop_lines(timing.stop));
    lines
}

/// When runs start.
fn start_lines(plan: &Plan, timing: &Timing) -> Vec<String> {
    let first = match timing.initial_delay {
        Some(delay) => format!("first run after {delay}"),
        None => "first run at once".to_string(),
    };
    let mut lines = vec![match &timing.pace {
        Pace::Interval(delay) => format!("{delay} after each end; {first}"),
        Pace::Every(delay) => format!("each {delay} from the first start on; {first}"),
        Pace::Schedule(schedule) => format!("at {schedule}"),
        Pace::Once { retry } => format!("one successful run, a failed one again after {retry}; {first}"),
    }];
    if let (Pace::Schedule(_), Some(delay)) = (&timing.pace, timing.initial_delay) {
        lines.push(format!("no run in the first {delay}"));
    }
    if let Some(most) = timing.splay {
        let own = splay::of(plan, Some(most.duration())).as_secs_f64();
        let which = if matches!(timing.pace, Pace::Schedule(_)) { "each start" } else { "the first" };
        lines.push(format!("{which} {own} s later: this service's part of {most} on this host"));
    }
    lines
}

/// What becomes of runs that were due while nothing ran.
fn missed_line(timing: &Timing) -> Option<String> {
    let late = timing.max_late.map_or(String::new(), |most| format!(", unless it is later than {most}"));
    match (timing.persist, &timing.pace) {
        (Persist::Yes, _) => {
            Some(format!("what is missed while nothing runs is made up for once, at the start{late}"))
        }
        (Persist::No, Pace::Schedule(_)) => Some("what is missed while nothing runs is lost".to_string()),
        (Persist::No, _) => None,
    }
}

/// What bounds a run, and runs that fail.
fn bound_lines(timing: &Timing) -> Vec<String> {
    let timeout = timing.timeout.map(|timeout| format!("a run is stopped after {timeout} (status 124)"));
    let backoff = timing.backoff.map(|backoff| {
        let per = "for each failure in a row";
        format!(
            "the delay grows {}-fold {per}, up to {}; a run of over a minute starts anew",
            backoff.factor, backoff.max
        )
    });
    let rest = timing.max_failures.map(|most| format!("rests after {most} failures in a row"));
    [timeout, backoff, rest].into_iter().flatten().collect()
}

/// What is done around a run.
fn around_lines(around: &Around) -> Vec<String> {
    let Around { lock, on_failure, on_success } = around;
    let lock = lock.as_ref().map(|path| format!("a run holds the lock {}", path.display()));
    let hook = |when: &str, command: &Option<ShellCommand>| {
        let command = command.as_ref()?.to_string();
        Some(format!("after a {when} run: sh -c {}", shell_word(&command)))
    };
    [lock, hook("failed", on_failure), hook("successful", on_success)].into_iter().flatten().collect()
}

/// What a stop does, and the end of a run.
fn stop_lines(stop: StopRules) -> Vec<String> {
    let how = match stop.on_stop {
        OnStop::Kill => format!(
            "a stop sends {} to the worker's process group, and KILL {} later",
            signal_name(stop.signal.0),
            stop.grace
        ),
        OnStop::Finish => "a stop lets the run end; a second one a second later kills it".to_string(),
    };
    let left = match stop.on_exit {
        OnExit::Leave => None,
        OnExit::Kill => {
            Some("what the worker leaves in its process group when it ends is stopped, too".to_string())
        }
    };
    [Some(how), left].into_iter().flatten().collect()
}

/// The gates, and whether each is open now.
pub(super) fn gate_lines(plan: &Plan, environment: &Environment) -> Vec<String> {
    let line = |gate: &Gate| {
        let now = match gate::state(gate, plan, environment) {
            GateState::Open => "it is so now",
            GateState::Closed => "it is not so now: rests",
            GateState::Depends(_) => "not tried here",
        };
        format!("{} {gate}  ({now})", if gate.is_waited_for() { "when" } else { "if" })
    };
    plan.gates.iter().map(line).collect()
}

/// When the service is reported ready; none if neither an option nor the service directory asks for it.
pub(super) fn readiness(plan: &Plan) -> Option<String> {
    let asked = plan.place == Place::Service && sys::file::exists(Path::new(layout::NOTIFICATION_FD));
    let is_loop = matches!(plan.mode, Mode::Loop(_));
    let when = match &plan.readiness.form {
        None if !asked => return None,
        None if is_loop => "at the start of the loop".to_string(),
        None => "the descriptor goes to the worker".to_string(),
        Some(ReadyForm::Start) if is_loop => "at the start of the loop".to_string(),
        Some(ReadyForm::Start) => "just before the worker begins".to_string(),
        Some(ReadyForm::FirstSuccess) => "after the first successful run".to_string(),
        Some(ReadyForm::SdNotify) => "when the worker says READY=1 (NOTIFY_SOCKET)".to_string(),
        Some(ReadyForm::Check(check)) => format!("when {check}"),
    };
    Some(if asked { when } else { format!("{when}; but there is no notification-fd, so nobody is told") })
}

/// The next starts, if a run took no time and nothing was missed; none where no run follows a success. UTC,
/// or of a schedule in its zone.
pub(super) fn starts(plan: &Plan, timing: &Timing) -> Vec<String> {
    let own = splay::of(plan, timing.splay.map(|most| most.duration()));
    let now = clock::wall_now();
    let initial = timing.initial_delay.map_or(Duration::ZERO, |delay| delay.duration());
    match &timing.pace {
        Pace::Once { .. } => Vec::new(),
        Pace::Interval(delay) | Pace::Every(delay) => {
            (0..STARTS).map(|number| clock::utc(now + initial + own + delay.duration() * number)).collect()
        }
        Pace::Schedule(schedule) => {
            let ticks = std::iter::successors(schedule.after(now - own), |tick| schedule.after(*tick));
            ticks.take(STARTS as usize).map(|tick| schedule.local((tick + own).max(now + initial))).collect()
        }
    }
}
