//! Loops that wait for something.

use super::branch::is_message;
use super::pause::{Repeated, pause};
use super::syntax::Statement;
use super::{Reader, condition};
use crate::convert::step::{Condition, Step};

/// Programs that only look whether something answers.
const CHECKS: [&str; 16] = [
    "nc",
    "ncat",
    "curl",
    "wget",
    "pg_isready",
    "redis-cli",
    "mysqladmin",
    "mariadb-admin",
    "mongosh",
    "ping",
    "getent",
    "nslookup",
    "test",
    "[",
    "grep",
    "ss",
];

/// `until nc -z db 5432; do sleep 1; done`
pub(crate) fn steps(repeated: &Repeated<'_>, reader: &Reader<'_>) -> Option<Vec<Step>> {
    let is_idle = |statement: &Statement| pause(statement).is_some() || is_message(statement);
    if !repeated.body.iter().all(is_idle) || repeated.body.iter().all(is_message) {
        return None;
    }
    let condition = condition::of_statements(repeated.condition, reader)?;
    let until = if repeated.is_until { condition } else { condition.negated() };
    let mut steps = match until {
        Condition::Succeeds(text, programs)
            if programs.iter().all(|each| CHECKS.contains(&each.as_str())) =>
        {
            vec![Step::WaitFor(wait_form(&text), programs)]
        }
        Condition::Exists(path) => vec![Step::WaitFor(format!("file:{path}"), Vec::new())],
        _ => return None,
    };
    if repeated.body.iter().any(is_message) {
        steps.push(Step::LeftOut("its message: futo status shows what it waits for".to_string()));
    }
    Some(steps)
}

/// The form of `--wait-for` for a command.
fn wait_form(text: &str) -> String {
    let plain = text
        .trim_end_matches(" >/dev/null 2>&1")
        .trim_end_matches(" &>/dev/null")
        .trim_end_matches(" 2>/dev/null");
    let mut words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    if let Some(at) = words.iter().position(|word| *word == "-w") {
        words.drain(at..(at + 2).min(words.len()));
    }
    match words.as_slice() {
        ["nc", "-z" | "-vz" | "-zv", host, port]
            if port.parse::<u16>().is_ok()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) =>
        {
            format!("tcp:{host}:{port}")
        }
        _ => format!("cmd:{text}"),
    }
}
