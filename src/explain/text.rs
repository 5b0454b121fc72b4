//! The plan for people.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Explained;
use crate::cli::help::wrapped;
use crate::config::settings::{OnExit, OnStop, Persist};
use crate::config::spec::Stays;
use crate::config::timing::{Around, Pace, Timing};
use crate::config::value::{Gate, ReadyForm, resource_name, signal_name};
use crate::escape::push_escaped;
use crate::plan::splay;
use crate::plan::{Change, LogPlan, Mode, Place, Plan};
use crate::ready::environment::{Environment, Source};
use crate::ready::gate::{self, State};
use crate::service::layout;
use crate::shell_quote::shell_word;
use crate::sys::{self, clock};

/// How many starts are foretold.
const STARTS: u32 = 5;

pub(super) fn page(explained: &Explained<'_>) -> String {
    let Explained { plan, environment, timing, stays, found, findings, show_values } = explained;
    let mut page = Page::default();
    page.row("service", &service(plan));
    match (plan.program.is_empty(), found) {
        (true, _) => page.row("worker", "none"),
        (false, Some(path)) => page.row("worker", &format!("{}  (is {})", words(plan), path.display())),
        (false, None) => page.row("worker", &format!("{}  (was not found)", words(plan))),
    }
    let lines = match (&plan.mode, stays) {
        (Mode::Exec | Mode::ExecAsInit, Stays::InLoop) => vec!["not known; see the problems".to_string()],
        _ => timing_lines(plan, *timing),
    };
    for line in lines {
        page.row(if page.has("timing") { "" } else { "timing" }, &line);
    }
    let starts = timing.map(|timing| starts(plan, timing)).unwrap_or_default();
    if !starts.is_empty() {
        page.row("", "next starts, if a run took no time:");
        starts.iter().for_each(|start| page.row("", &format!("  {start}")));
    }
    for line in gate_lines(plan, environment) {
        page.row(if page.has("runs") { "" } else { "runs" }, &line);
    }
    if let Some(ready) = readiness(plan) {
        page.row("ready", &ready);
    }
    page.row(
        "user",
        &match plan.change {
            Change::Unknown => "none".to_string(),
            _ => identity(plan),
        },
    );
    page.row(
        "",
        match plan.change {
            Change::Become => {
                "root becomes this user, and proves that root is gone, before it touches a file of the user"
            }
            Change::AlreadyIs => "this is the user already: nothing to do",
            Change::Unknown => "see the problems",
            Change::StaysRoot => "uid 0: there is nothing to drop",
        },
    );
    page.row("home", &plan.home.as_ref().map_or("none".to_string(), |home| home.display().to_string()));
    page.row("directory", &plan.chdir.as_ref().unwrap_or(&plan.directory).display().to_string());
    for line in limit_lines(plan) {
        page.row(if page.has("limits") { "" } else { "limits" }, &line);
    }
    page.row("log", &log(plan));
    page.row(
        "record",
        &match &plan.state_dir {
            Some(directory) => {
                let path = directory.join(format!("{}.json", plan.name));
                match plan.mode {
                    Mode::Loop(_) => path.display().to_string(),
                    _ => format!("{} (while the service rests)", path.display()),
                }
            }
            None => "none: there is no HOME".to_string(),
        },
    );
    page.row("environment", &format!("{} variables", environment.iter().count()));
    let (inherited, ours): (Vec<_>, Vec<_>) =
        environment.iter().partition(|(_, variable)| variable.source == Source::Inherited && !show_values);
    for (name, variable) in ours {
        let name = name.to_string_lossy();
        let line = match show_values {
            true => format!("{name}={}  ({})", variable.value.to_string_lossy(), variable.source),
            false => format!("{name}  ({})", variable.source),
        };
        page.row("", &line);
    }
    if !inherited.is_empty() {
        let names: Vec<_> = inherited.iter().map(|(name, _)| name.to_string_lossy()).collect();
        for line in wrapped(&format!("{} (inherited)", names.join(" ")), 87) {
            page.row("", &line);
        }
    }
    if findings.is_empty() {
        page.row("problems", "none");
    }
    for finding in findings.iter() {
        page.row(if page.has("problems") { "" } else { "problems" }, &finding.text);
        if let Some(hint) = &finding.hint {
            page.row("", &format!("  hint: {hint}"));
        }
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    labels: Vec<String>,
}

impl Page {
    fn row(&mut self, label: &str, content: &str) {
        let mut line = String::new();
        push_escaped(&mut line, content);
        let _ = writeln!(self.text, "{label:<12} {line}");
        self.labels.push(label.to_string());
    }

    fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|each| each == label)
    }
}

fn service(plan: &Plan) -> String {
    match plan.place {
        Place::Service => format!("{} in {}", plan.name, plan.directory.display()),
        Place::Elsewhere => format!("{} (not in a service directory)", plan.name),
    }
}

fn words(plan: &Plan) -> String {
    plan.program.iter().map(|word| shell_word(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn identity(plan: &Plan) -> String {
    let identity = &plan.identity;
    let name = identity.name.as_deref().unwrap_or("(no account)");
    let groups = match identity.groups.as_slice() {
        [] => "groups as they are".to_string(),
        groups => format!("groups {}", groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    };
    format!("{name}, uid {}, gid {}, {groups}", identity.uid, identity.gid)
}

fn limit_lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .limits
        .ulimits
        .iter()
        .map(|(resource, bounds)| {
            format!("ulimit {} {}:{}", resource_name(*resource), bounds.soft, bounds.hard)
        })
        .collect();
    lines.extend(plan.limits.nice.map(|nice| format!("nice {nice}")));
    lines.extend(plan.limits.oom_score_adj.map(|score| format!("oom-score-adj {score}")));
    lines.extend(plan.umask.map(|mask| format!("umask {mask:04o}")));
    if plan.no_new_privs {
        lines.push("no-new-privs".to_string());
    }
    if !plan.limits.cap_drop.is_empty() {
        lines.push(format!("capabilities dropped for every program: {}", plan.limits.cap_drop));
    }
    if !plan.keep_fds.is_empty() {
        let list: Vec<String> = plan.keep_fds.iter().map(ToString::to_string).collect();
        lines.push(format!("descriptors kept: {}", list.join(", ")));
    }
    lines
}

fn log(plan: &Plan) -> String {
    let rules = plan.log_rules;
    match &plan.log {
        LogPlan::Inherited => "the inherited stdout; stderr joins it".to_string(),
        LogPlan::File(path) => format!(
            "{} (mode {:04o}; above {} rotated between runs, {} kept)",
            path.display(),
            rules.mode,
            rules.size,
            rules.keep
        ),
    }
}

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
    let late = timing.max_late.map_or(String::new(), |most| format!(", unless it is later than {most}"));
    match (timing.persist, &timing.pace) {
        (Persist::Yes, _) => {
            lines.push(format!("what is missed while nothing runs is made up for once, at the start{late}"));
        }
        (Persist::No, Pace::Schedule(_)) => {
            lines.push("what is missed while nothing runs is lost".to_string());
        }
        (Persist::No, _) => {}
    }
    if let Some(timeout) = timing.timeout {
        lines.push(format!("a run is stopped after {timeout} (status 124)"));
    }
    lines.extend(timing.backoff.map(|backoff| {
        let per = "for each failure in a row";
        format!(
            "the delay grows {}-fold {per}, up to {}; a run of over a minute starts anew",
            backoff.factor, backoff.max
        )
    }));
    lines.extend(timing.max_failures.map(|most| format!("rests after {most} failures in a row")));
    let Around { lock, on_failure, on_success } = &timing.around;
    lines.extend(lock.as_ref().map(|path| format!("a run holds the lock {}", path.display())));
    lines.extend(
        on_failure
            .as_ref()
            .map(|command| format!("after a failed run: sh -c {}", shell_word(&command.to_string()))),
    );
    lines.extend(
        on_success
            .as_ref()
            .map(|command| format!("after a successful run: sh -c {}", shell_word(&command.to_string()))),
    );
    let stop = timing.stop;
    lines.push(match stop.on_stop {
        OnStop::Kill => format!(
            "a stop sends {} to the worker's process group, and KILL {} later",
            signal_name(stop.signal.0),
            stop.grace
        ),
        OnStop::Finish => "a stop lets the run end; a second one a second later kills it".to_string(),
    });
    lines.extend(match stop.on_exit {
        OnExit::Leave => None,
        OnExit::Kill => {
            Some("what the worker leaves in its process group when it ends is stopped, too".to_string())
        }
    });
    lines
}

/// What must be so before it runs, and whether it is.
pub(super) fn gate_lines(plan: &Plan, environment: &Environment) -> Vec<String> {
    let line = |gate: &Gate| {
        let now = match gate::state(gate, plan, environment) {
            State::Open => "it is so now",
            State::Closed => "it is not so now: rests",
            State::Depends(_) => "not tried here",
        };
        format!("{} {gate}  ({now})", if gate.is_waited_for() { "when" } else { "if" })
    };
    plan.gates.iter().map(line).collect()
}

/// When readiness is told; none if nobody asks for it.
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
