//! The plan as JSON. The format is stable: within a major version, fields are added but never renamed.

use std::ffi::OsStr;

use nix::sys::resource::Resource;
use serde::Serialize;

use super::explained::Explained;
use super::words;
use crate::config::settings::{LogStamp, LogTee, OnExit, OnFull, OnLock, OnStop, Persist};
use crate::config::spec::LogWriter;
use crate::config::timing::{Pace, Stays, Timing};
use crate::config::value::{Bounds, Delay, Directory, resource_name, signal_name};
use crate::error::{Finding, Findings};
use crate::plan::splay;
use crate::plan::{Change, LogPlan, Mode, Place, Plan};
use crate::ready::environment::Variable;

#[derive(Serialize)]
struct Document {
    version: u32,
    name: String,
    service_directory: Option<String>,
    program: Vec<String>,
    found: Option<String>,
    mode: &'static str,
    timing: Option<TimingPart>,
    gates: Vec<String>,
    before: Vec<String>,
    ready: Option<String>,
    user: Option<UserPart>,
    home: Option<String>,
    directory: String,
    made_directories: Vec<DirectoryPart>,
    umask: Option<String>,
    no_new_privs: bool,
    cap_drop: Vec<String>,
    ulimits: Vec<UlimitPart>,
    nice: Option<i32>,
    oom_score_adj: Option<i32>,
    keep_fds: Vec<i32>,
    log: LogPart,
    record: Option<String>,
    environment: Vec<VariablePart>,
    problems: Vec<ProblemPart>,
}

#[derive(Serialize)]
struct TimingPart {
    kind: &'static str,
    delay_s: Option<f64>,
    schedule: Option<String>,
    zone: Option<String>,
    initial_delay_s: Option<f64>,
    persist: bool,
    max_late_s: Option<f64>,
    splay_s: Option<f64>,
    own_splay_s: Option<f64>,
    timeout_s: Option<f64>,
    stop_signal: &'static str,
    grace_s: f64,
    on_stop: &'static str,
    on_exit: &'static str,
    backoff_factor: Option<f64>,
    backoff_max_s: Option<f64>,
    max_failures: Option<u32>,
    history: u32,
    lock: Option<String>,
    on_lock: Option<&'static str>,
    on_failure: Option<String>,
    on_success: Option<String>,
    in_words: Vec<String>,
    next_starts: Vec<String>,
}

#[derive(Serialize)]
struct UserPart {
    name: Option<String>,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    change: &'static str,
}

#[derive(Serialize)]
struct UlimitPart {
    name: &'static str,
    soft: String,
    hard: String,
}

#[derive(Serialize)]
struct DirectoryPart {
    path: String,
    mode: String,
    now: &'static str,
}

#[derive(Serialize)]
struct LogPart {
    path: Option<String>,
    discarded: bool,
    mode: String,
    size: u64,
    keep: u32,
    gzip: bool,
    live: bool,
    stamp: Option<&'static str>,
    tee: Option<&'static str>,
    full: Option<&'static str>,
}

#[derive(Serialize)]
struct VariablePart {
    name: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct ProblemPart {
    text: String,
    hint: Option<String>,
    exit: i32,
}

pub(super) fn page(explained: &Explained<'_>) -> String {
    let Explained { plan, environment, timing, stays, found, findings, show_values: _ } = explained;
    let document = Document {
        version: 1,
        name: plan.name.to_string(),
        service_directory: (plan.place == Place::Service).then(|| plan.directory.display().to_string()),
        program: plan.program.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        found: found.as_ref().map(|path| path.display().to_string()),
        mode: match plan.mode {
            // the problem with its timing is among the findings
            _ if *stays == Stays::InLoop => "loop",
            Mode::Exec => "exec",
            Mode::ExecAsInit => "exec-as-init",
            Mode::Loop(_) => "loop",
        },
        timing: timing.map(|timing| timing_part(plan, timing)),
        gates: words::gate_lines(plan, environment),
        before: plan.before.iter().map(ToString::to_string).collect(),
        ready: words::readiness(plan),
        user: user_part(plan),
        home: plan.home.as_ref().map(|home| home.display().to_string()),
        directory: plan.chdir.as_ref().unwrap_or(&plan.directory).display().to_string(),
        made_directories: directory_parts(plan),
        umask: plan.umask.map(|mask| format!("{mask:04o}")),
        no_new_privs: plan.no_new_privs,
        cap_drop: plan.limits.cap_drop.names(),
        ulimits: ulimit_parts(plan),
        nice: plan.limits.nice,
        oom_score_adj: plan.limits.oom_score_adj,
        keep_fds: plan.keep_fds.clone(),
        log: log_part(plan),
        record: plan.record_path().map(|path| path.display().to_string()),
        environment: variable_parts(explained),
        problems: problem_parts(findings),
    };
    // a struct of strings and numbers always serializes
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    crate::escape::json(&text).into_owned()
}

/// None if there is no such user, which is reported as a problem.
fn user_part(plan: &Plan) -> Option<UserPart> {
    let change = match plan.change {
        Change::Become => "become",
        Change::AlreadyIs => "already-is",
        Change::StaysRoot => "stays-root",
        Change::Unknown => return None,
    };
    let identity = &plan.identity;
    Some(UserPart {
        name: identity.name.clone(),
        uid: identity.uid.as_raw(),
        gid: identity.gid.as_raw(),
        groups: identity.groups.iter().map(|gid| gid.as_raw()).collect(),
        change,
    })
}

fn directory_parts(plan: &Plan) -> Vec<DirectoryPart> {
    let part = |(directory, now): (&Directory, &'static str)| DirectoryPart {
        path: directory.path.display().to_string(),
        mode: format!("{:04o}", directory.mode),
        now,
    };
    plan.directories.iter().zip(words::directory_states(plan)).map(part).collect()
}

fn ulimit_parts(plan: &Plan) -> Vec<UlimitPart> {
    let part = |(resource, bounds): &(Resource, Bounds)| UlimitPart {
        name: resource_name(*resource),
        soft: bounds.soft.to_string(),
        hard: bounds.hard.to_string(),
    };
    plan.limits.ulimits.iter().map(part).collect()
}

fn log_part(plan: &Plan) -> LogPart {
    let has_pump = plan.log_rules.writer == LogWriter::Pump;
    LogPart {
        path: plan.log.file().map(|path| path.display().to_string()),
        discarded: plan.log == LogPlan::Discarded,
        mode: format!("{:04o}", plan.log_rules.mode),
        size: plan.log_rules.size.0,
        keep: plan.log_rules.keep,
        gzip: plan.log_rules.gzip,
        live: has_pump,
        stamp: plan.log_rules.stamp.map(|stamp| match stamp {
            LogStamp::Iso => "iso",
            LogStamp::Tai64n => "tai64n",
        }),
        tee: plan.log_rules.tee.map(|tee| match tee {
            LogTee::Prefixed => "prefixed",
            LogTee::Raw => "raw",
        }),
        full: match (has_pump, plan.log_rules.full) {
            (false, _) => None,
            (true, OnFull::Block) => Some("block"),
            (true, OnFull::Drop) => Some("drop"),
        },
    }
}

fn variable_parts(explained: &Explained<'_>) -> Vec<VariablePart> {
    let part = |(name, variable): (&OsStr, &Variable)| VariablePart {
        name: name.to_string_lossy().into_owned(),
        source: variable.source.to_string(),
        value: explained.show_values.then(|| variable.value.to_string_lossy().into_owned()),
    };
    explained.environment.iter().map(part).collect()
}

fn problem_parts(findings: &Findings) -> Vec<ProblemPart> {
    let part = |finding: &Finding| ProblemPart {
        text: finding.text.clone(),
        hint: finding.hint.clone(),
        exit: finding.exit.code(),
    };
    findings.iter().map(part).collect()
}

fn timing_part(plan: &Plan, timing: &Timing) -> TimingPart {
    let seconds = |delay: Delay| delay.duration().as_secs_f64();
    let schedule = match &timing.pace {
        Pace::Schedule(schedule) => Some(schedule),
        _ => None,
    };
    let own_splay = timing.splay.map(|most| splay::of(plan, Some(most.duration())));
    TimingPart {
        kind: match timing.pace {
            Pace::Interval(_) => "interval",
            Pace::Every(_) => "every",
            Pace::Schedule(_) => "schedule",
            Pace::Once { .. } => "once",
        },
        delay_s: timing.pace.delay().map(seconds),
        schedule: schedule.map(|schedule| schedule.key()),
        zone: schedule.map(|schedule| schedule.zone().name().to_string()),
        initial_delay_s: timing.initial_delay.map(seconds),
        persist: timing.persist == Persist::Yes,
        max_late_s: timing.max_late.map(seconds),
        splay_s: timing.splay.map(seconds),
        own_splay_s: own_splay.map(|own| own.as_secs_f64()),
        timeout_s: timing.timeout.map(seconds),
        stop_signal: signal_name(timing.stop.signal.0),
        grace_s: seconds(timing.stop.grace),
        on_stop: match timing.stop.on_stop {
            OnStop::Kill => "kill",
            OnStop::Finish => "finish",
        },
        on_exit: match timing.stop.on_exit {
            OnExit::Leave => "leave",
            OnExit::Kill => "kill",
        },
        backoff_factor: timing.backoff.map(|backoff| backoff.factor),
        backoff_max_s: timing.backoff.map(|backoff| seconds(backoff.max)),
        max_failures: timing.max_failures,
        history: timing.history,
        lock: timing.around.lock.as_ref().map(|path| path.display().to_string()),
        on_lock: timing.around.lock.as_ref().map(|_| match timing.around.on_lock {
            OnLock::Wait => "wait",
            OnLock::Skip => "skip",
        }),
        on_failure: timing.around.on_failure.as_ref().map(ToString::to_string),
        on_success: timing.around.on_success.as_ref().map(ToString::to_string),
        in_words: words::timing_lines(plan, Some(timing)),
        next_starts: words::starts(plan, timing),
    }
}
