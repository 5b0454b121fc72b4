//! Descriptions shared by the text and JSON forms: timing, next starts, gates, readiness.

use std::path::Path;
use std::time::Duration;

use crate::config::settings::{LogStamp, LogTee, OnExit, OnFull, OnLock, OnStop, Persist};
use crate::config::spec::LogRules;
use crate::config::timing::{Around, Pace, StopRules, Timing};
use crate::config::value::{Directory, Gate, ReadyForm, ShellCommand, signal_name};
use crate::error::Findings;
use crate::plan::splay;
use crate::plan::{Mode, Place, Plan};
use crate::ready::directories::{self, DirectoryState};
use crate::ready::environment::Environment;
use crate::ready::gate::{self, GateState};
use crate::ready::port::try_connect;
use crate::service::layout;
use crate::shell_quote::shell_word;
use crate::sys::clock::BootTime;
use crate::sys::{self, clock};

/// The number of upcoming starts to show.
const STARTS: u32 = 5;
/// How long a port is tried.
const PORT_LIMIT: Duration = Duration::from_secs(5);

/// Describes the timing.
pub(super) fn timing_lines(plan: &Plan, timing: Option<&Timing>) -> Vec<String> {
    match (&plan.mode, timing) {
        (Mode::Exec, _) => vec!["none: the worker replaces the launcher (same pid)".to_string()],
        (Mode::ExecAsInit, _) => {
            vec!["none; as PID 1 the launcher stays, forwards signals and reaps orphans".to_string()]
        }
        (Mode::Loop(_), Some(timing)) => loop_lines(plan, timing),
        (Mode::Loop(_), None) => vec!["a loop; see problems".to_string()],
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

/// Describes when runs start.
fn start_lines(plan: &Plan, timing: &Timing) -> Vec<String> {
    let first = match timing.initial_delay {
        Some(delay) => format!("first run after {delay}"),
        None => "first run immediately".to_string(),
    };
    let mut lines = vec![match &timing.pace {
        Pace::Interval(delay) => format!("{delay} after the end of each run; {first}"),
        Pace::Every(delay) => format!("every {delay} from the first start; {first}"),
        Pace::Schedule(schedule) => format!("at {schedule}"),
        Pace::Once { retry } => format!("until a run succeeds, retried {retry} after a failure; {first}"),
    }];
    if let (Pace::Schedule(_), Some(delay)) = (&timing.pace, timing.initial_delay) {
        lines.push(match delay.duration().is_zero() {
            true => "one more run when the service starts".to_string(),
            false => format!("one more run {delay} after the service starts, and none before"),
        });
    }
    if let Some(most) = timing.splay {
        let own = splay::of(plan, Some(most.duration())).as_secs_f64();
        let which = if matches!(timing.pace, Pace::Schedule(_)) { "each start" } else { "the first start" };
        lines.push(format!("{which} is delayed by {own} s: this service's share of {most} on this host"));
    }
    lines
}

/// Describes what happens to starts missed while the service was down.
fn missed_line(timing: &Timing) -> Option<String> {
    let late = timing.max_late.map_or(String::new(), |most| format!(", unless more than {most} late"));
    match (timing.persist, &timing.pace) {
        (Persist::Yes, _) => Some(format!(
            "starts missed while the service is down are made up for by one run at startup{late}"
        )),
        (Persist::No, Pace::Schedule(_)) => {
            Some("starts missed while the service is down are lost".to_string())
        }
        (Persist::No, _) => None,
    }
}

/// Describes the limits on runs and on failures.
fn bound_lines(timing: &Timing) -> Vec<String> {
    let timeout = timing.timeout.map(|timeout| format!("a run is stopped after {timeout} (status 124)"));
    let backoff = timing.backoff.map(|backoff| {
        format!(
            "the delay is multiplied by {} for each failure in a row, up to {}; a run of over a minute resets it",
            backoff.factor, backoff.max
        )
    });
    let rest = timing.max_failures.map(|most| format!("rests after {most} failures in a row"));
    let history = match timing.history {
        0 => "no history of runs is kept".to_string(),
        runs => format!("the last {runs} runs of at most 7 days are kept"),
    };
    [timeout, backoff, rest, Some(history)].into_iter().flatten().collect()
}

/// Describes locks and hooks.
fn around_lines(around: &Around) -> Vec<String> {
    let Around { lock, on_lock, on_failure, on_success } = around;
    let held = match on_lock {
        OnLock::Wait => "",
        OnLock::Skip => ", and is skipped if another process holds it",
    };
    let lock = lock.as_ref().map(|path| format!("each run holds the lock {}{held}", path.display()));
    let hook = |when: &str, command: &Option<ShellCommand>| {
        let command = command.as_ref()?.to_string();
        Some(format!("after a {when} run: sh -c {}", shell_word(&command)))
    };
    [lock, hook("failed", on_failure), hook("successful", on_success)].into_iter().flatten().collect()
}

/// Describes what happens on a stop, and at the end of a run.
fn stop_lines(stop: StopRules) -> Vec<String> {
    let how = match stop.on_stop {
        OnStop::Kill => format!(
            "a stop sends {} to the worker's process group, and KILL {} later",
            signal_name(stop.signal.0),
            stop.grace
        ),
        OnStop::Finish => {
            "a stop lets the run finish; another, at least a second later, kills it".to_string()
        }
    };
    let left = match stop.on_exit {
        OnExit::Leave => None,
        OnExit::Kill => {
            Some("processes left in the worker's group when it ends are stopped as well".to_string())
        }
    };
    [Some(how), left].into_iter().flatten().collect()
}

/// Describes the gates, and whether each is open now.
pub(super) fn gate_lines(plan: &Plan, environment: &Environment) -> Vec<String> {
    let line = |gate: &Gate| {
        let now = match gate::state(gate, plan, environment) {
            GateState::Open => "met now".to_string(),
            GateState::Closed => "not met now: rests".to_string(),
            GateState::Depends(_) => "not checked here".to_string(),
            GateState::DependsOnPort(endpoint) => {
                match try_connect(endpoint, BootTime::now().after(PORT_LIMIT)) {
                    Ok(()) => "met now".to_string(),
                    Err(why) => format!("not met now: {why}; rests"),
                }
            }
        };
        format!("{} {gate}  ({now})", if gate.is_waited_for() { "when" } else { "if" })
    };
    plan.gates.iter().map(line).collect()
}

/// The commands of `--before`, in order.
pub(super) fn before_lines(plan: &Plan) -> Vec<String> {
    plan.before.iter().map(|command| format!("sh -c {}", shell_word(&command.to_string()))).collect()
}

/// The directories of `--mkdir`, one per line.
pub(super) fn directory_lines(plan: &Plan) -> Vec<String> {
    let line = |(directory, now): (&Directory, &'static str)| {
        format!("{} (mode {:04o}; {now})", directory.path.display(), directory.mode)
    };
    plan.directories.iter().zip(directory_states(plan)).map(line).collect()
}

/// The state of each.
pub(super) fn directory_states(plan: &Plan) -> Vec<&'static str> {
    let word = |state| match state {
        Some(DirectoryState::Writable) => "exists",
        Some(DirectoryState::NotWritable) => "exists; the worker's user cannot write it",
        Some(DirectoryState::MadeByRoot) => "missing: root makes it",
        Some(DirectoryState::MadeByUser) => "missing: the worker's user makes it",
        None => "see problems",
    };
    // its findings have been reported
    directories::inspect(plan, &mut Findings::default()).into_iter().map(word).collect()
}

/// Describes when the service is reported ready; none if neither an option nor the service directory requests it.
pub(super) fn readiness(plan: &Plan) -> Option<String> {
    let asked = plan.place == Place::Service && sys::file::exists(Path::new(layout::NOTIFICATION_FD));
    let is_loop = matches!(plan.mode, Mode::Loop(_));
    let when = match &plan.readiness.form {
        None if !asked => return None,
        None if is_loop => "at the start of the loop".to_string(),
        None => "by the worker, which inherits the descriptor".to_string(),
        Some(ReadyForm::Start) if is_loop => "at the start of the loop".to_string(),
        Some(ReadyForm::Start) => "just before the worker starts".to_string(),
        Some(ReadyForm::FirstSuccess) => "after the first successful run".to_string(),
        Some(ReadyForm::SdNotify) => "when the worker sends READY=1 (NOTIFY_SOCKET)".to_string(),
        Some(ReadyForm::Check(check)) => format!("when {check}"),
    };
    Some(if asked {
        when
    } else {
        format!("{when}; but without notification-fd the supervisor is not notified")
    })
}

/// The next starts, assuming runs take no time and none were missed; empty if no run follows a success. In UTC, or in
/// the schedule's zone.
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
            let first = timing.initial_delay.map(|delay| now + delay.duration() + own);
            let ticks = std::iter::successors(schedule.after(first.unwrap_or(now) - own), |tick| {
                schedule.after(*tick)
            });
            let starts = first.into_iter().chain(ticks.map(|tick| tick + own));
            starts.take(STARTS as usize).map(|start| schedule.local(start)).collect()
        }
    }
}

/// What else is done with the lines of a log file, each after a comma.
pub(super) fn log_rules(rules: &LogRules) -> String {
    let stamp = rules.stamp.map(|stamp| match stamp {
        LogStamp::Iso => ", each line with its time",
        LogStamp::Tai64n => ", each line with its time (TAI64N)",
    });
    let tee = rules.tee.map(|tee| match tee {
        LogTee::Prefixed => ", copied to stdout with the name",
        LogTee::Raw => ", copied to stdout",
    });
    let gzip = rules.gzip.then_some(", compressed");
    let full = (rules.full == OnFull::Drop).then_some(", dropped while it cannot be written");
    [gzip, stamp, tee, full].into_iter().flatten().collect()
}
