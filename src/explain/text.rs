//! The plan as text.

use std::fmt::Write as _;

use super::explained::Explained;
use super::words;
use crate::cli::help::wrapped;
use crate::config::spec::LogWriter;
use crate::config::timing::Stays;
use crate::config::value::resource_name;
use crate::error::Findings;
use crate::escape::push_escaped;
use crate::plan::{Change, LogPlan, Mode, Place, Plan};
use crate::ready::environment::Source;
use crate::shell_quote::shell_word;

pub(super) fn page(explained: &Explained<'_>) -> String {
    let Explained { plan, environment, findings, .. } = explained;
    let mut rows = Rows::default();
    rows.row("service", &service(plan));
    rows.row("worker", &worker(explained));
    rows.group("timing", timing(explained));
    rows.group("runs", words::gate_lines(plan, environment));
    rows.group("before", words::before_lines(plan));
    rows.group("ready", words::readiness(plan));
    rows.group("user", user(plan));
    rows.row("home", &plan.home.as_ref().map_or("none".to_string(), |home| home.display().to_string()));
    rows.row("directory", &plan.chdir.as_ref().unwrap_or(&plan.directory).display().to_string());
    rows.group("mkdir", words::directory_lines(plan));
    rows.group("limits", limits(plan));
    rows.row("log", &log(plan));
    rows.row("record", &record(plan));
    rows.group("environment", variables(explained));
    rows.group("problems", problems(findings));
    rows.text
}

/// Labels and their content, which may span several lines.
#[derive(Default)]
struct Rows {
    text: String,
}

impl Rows {
    fn row(&mut self, label: &str, content: &str) {
        let mut line = String::new();
        push_escaped(&mut line, content);
        let _ = writeln!(self.text, "{label:<12} {line}");
    }

    /// The label goes before the first line; without lines it is omitted.
    fn group(&mut self, label: &str, lines: impl IntoIterator<Item = String>) {
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        labels.zip(lines).for_each(|(label, line)| self.row(label, &line));
    }
}

fn service(plan: &Plan) -> String {
    match plan.place {
        Place::Service => format!("{} in {}", plan.name, plan.directory.display()),
        Place::Elsewhere => format!("{} (not in a service directory)", plan.name),
    }
}

fn worker(explained: &Explained<'_>) -> String {
    let plan = explained.plan;
    let words: Vec<String> = plan.program.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
    match (words.is_empty(), &explained.found) {
        (true, _) => "none".to_string(),
        (false, Some(path)) => format!("{}  (found at {})", words.join(" "), path.display()),
        (false, None) => format!("{}  (not found)", words.join(" ")),
    }
}

fn timing(explained: &Explained<'_>) -> Vec<String> {
    let Explained { plan, timing, stays, .. } = explained;
    let mut lines = match (&plan.mode, stays) {
        (Mode::Exec | Mode::ExecAsInit, Stays::InLoop) => vec!["unknown; see problems".to_string()],
        _ => words::timing_lines(plan, *timing),
    };
    let starts = timing.map(|timing| words::starts(plan, timing)).unwrap_or_default();
    if !starts.is_empty() {
        lines.push("next starts, assuming runs take no time:".to_string());
        lines.extend(starts.iter().map(|start| format!("  {start}")));
    }
    lines
}

fn user(plan: &Plan) -> [String; 2] {
    let who = match plan.change {
        Change::Unknown => "none".to_string(),
        _ => identity(plan),
    };
    let change = match plan.change {
        Change::Become => {
            "root switches to this user, and verifies it, before touching any of the user's files"
        }
        Change::AlreadyIs => "already this user: nothing to do",
        Change::Unknown => "see problems",
        Change::StaysRoot => "uid 0: nothing to drop",
    };
    [who, change.to_string()]
}

fn identity(plan: &Plan) -> String {
    let identity = &plan.identity;
    let name = identity.name.as_deref().unwrap_or("(no account)");
    let groups = match identity.groups.as_slice() {
        [] => "groups unchanged".to_string(),
        groups => format!("groups {}", groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    };
    format!("{name}, uid {}, gid {}, {groups}", identity.uid, identity.gid)
}

fn limits(plan: &Plan) -> Vec<String> {
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
        LogPlan::Inherited => "the inherited stdout, shared by stderr".to_string(),
        LogPlan::Logger => {
            "the inherited stdout, shared by stderr, for the service's own logger (log/run)".to_string()
        }
        LogPlan::Discarded => "none: output is discarded".to_string(),
        LogPlan::File(path) => {
            let when = match rules.writer {
                LogWriter::Worker => "rotated between runs when",
                LogWriter::Pump => "rotated even during runs when",
            };
            let rotation = match rules.size.0 {
                0 => "never rotated".to_string(),
                _ => format!("{when} above {}, {} kept", rules.size, rules.keep),
            };
            let more = words::log_rules(&rules);
            format!("{} (mode {:04o}; {rotation}{more})", path.display(), rules.mode)
        }
    }
}

fn record(plan: &Plan) -> String {
    match (plan.record_path(), &plan.mode) {
        (None, _) => "none: HOME is not set".to_string(),
        (Some(path), Mode::Loop(_)) => path.display().to_string(),
        (Some(path), _) => format!("{} (while the service rests)", path.display()),
    }
}

/// Inherited variables are only listed by name, in one paragraph, unless values are shown.
fn variables(explained: &Explained<'_>) -> Vec<String> {
    let Explained { environment, show_values, .. } = explained;
    let mut lines = vec![format!("{} variables", environment.iter().count())];
    let (inherited, ours): (Vec<_>, Vec<_>) =
        environment.iter().partition(|(_, variable)| variable.source == Source::Inherited && !show_values);
    lines.extend(ours.into_iter().map(|(name, variable)| {
        let name = name.to_string_lossy();
        match show_values {
            true => format!("{name}={}  ({})", variable.value.to_string_lossy(), variable.source),
            false => format!("{name}  ({})", variable.source),
        }
    }));
    if !inherited.is_empty() {
        let names: Vec<_> = inherited.iter().map(|(name, _)| name.to_string_lossy()).collect();
        lines.extend(wrapped(&format!("{} (inherited)", names.join(" ")), 87));
    }
    lines
}

fn problems(findings: &Findings) -> Vec<String> {
    if findings.is_empty() {
        return vec!["none".to_string()];
    }
    let lines = findings.iter().flat_map(|finding| {
        let hint = finding.hint.as_ref().map(|hint| format!("  hint: {hint}"));
        std::iter::once(finding.text.clone()).chain(hint)
    });
    lines.collect()
}
