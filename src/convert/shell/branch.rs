//! `if`, `&&` and `||`.

use super::simple::{self, Failure, Place};
use super::syntax::{Command, CommandKind, Link, Simple, Statement};
use super::{Reader, condition};
use crate::convert::step::{Condition, Missing, Step};
use crate::convert::word::Word;

/// Programs whose output is no loss, where the state of the service has the reason.
const PRINTS: [&str; 3] = ["echo", "printf", "logger"];

/// An `if` command.
pub(crate) fn branches(
    condition: &[Statement],
    then: &[Statement],
    otherwise: &[Statement],
    place: Place,
    reader: &Reader<'_>,
) -> Result<Vec<Step>, String> {
    let condition = condition::of_statements(condition, reader).ok_or("an if command with this condition")?;
    if sleeps_forever(then) && otherwise.is_empty() {
        return Ok(gate(condition.negated(), then));
    }
    if matches!(condition, Condition::IsRoot | Condition::IsNotRoot) {
        let (root, user) = match condition {
            Condition::IsRoot => (then, otherwise),
            _ => (otherwise, then),
        };
        return root_or_not(root, user, place, reader);
    }
    // both ways lead on: one of them sleeps
    for (condition, on, off) in
        [(condition.clone(), then, otherwise), (condition.clone().negated(), otherwise, then)]
    {
        if sleeps_forever(off) && !on.is_empty() && place == Place::Last {
            let mut steps = gate(condition, off);
            steps.extend(reader.block(on, place)?);
            return Ok(steps);
        }
    }
    match (&condition, then, otherwise) {
        (Condition::Exists(path) | Condition::Readable(path), then, []) => sourced_in(path, then, reader)
            .ok_or_else(|| "an if command whose branch is not a switch".to_string()),
        (Condition::Missing(path), then, []) => {
            let steps = reader.block(then, Place::Before)?;
            let is_made = |step: &Step| match step {
                Step::Make { path: made, .. }
                | Step::Touch(made)
                | Step::Owner(_, made)
                | Step::Mode(_, made) => made == path,
                _ => false,
            };
            match steps.iter().all(is_made) && !steps.is_empty() {
                true => Ok(steps),
                false => Err("an if command whose branch is not a switch".to_string()),
            }
        }
        _ => Err("an if command whose branches are not a switch".to_string()),
    }
}

/// Both branches start the same program, one as another user.
fn root_or_not(
    root: &[Statement],
    user: &[Statement],
    place: Place,
    reader: &Reader<'_>,
) -> Result<Vec<Step>, String> {
    let root = reader.block(root, place)?;
    let user = reader.block(user, place)?;
    let without_user: Vec<&Step> = root.iter().filter(|step| !matches!(step, Step::User(_))).collect();
    match place == Place::Last && without_user == user.iter().collect::<Vec<_>>() && root.len() > user.len() {
        true => Ok(root),
        false => Err("what root does differs from what a user does".to_string()),
    }
}

fn gate(condition: Condition, off: &[Statement]) -> Vec<Step> {
    let mut steps = vec![Step::Gate(condition)];
    if off.len() > 1 {
        steps.push(Step::LeftOut("its message: futo status shows why the service rests".to_string()));
    }
    steps
}

/// Whether these statements do nothing for good, apart from a message.
pub(crate) fn sleeps_forever(statements: &[Statement]) -> bool {
    let Some((last, before)) = statements.split_last() else { return false };
    let prints = |statement: &Statement| is_message(statement);
    before.iter().all(prints) && last.only().is_some_and(is_sleep_forever)
}

/// A line that is printed.
pub(crate) fn is_message(statement: &Statement) -> bool {
    statement.simple().is_some_and(|simple| {
        simple.name().is_some_and(|name| PRINTS.contains(&name.as_str()) || name.starts_with("bashio::log"))
    })
}

fn is_sleep_forever(command: &Command) -> bool {
    match &command.kind {
        CommandKind::Simple(simple) => {
            let words = simple.literals().unwrap_or_default();
            let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "exec").collect();
            matches!(
                words.as_slice(),
                ["sleep", "infinity" | "inf"] | ["tail", "-f", "/dev/null"] | ["s6-pause"] | ["pause"]
            )
        }
        CommandKind::Group(statements) => sleeps_forever(statements),
        _ => false,
    }
}

/// `set -a; . FILE; set +a`
fn sourced_in(path: &str, statements: &[Statement], reader: &Reader<'_>) -> Option<Vec<Step>> {
    let mut found = None;
    for statement in statements {
        match sourced(path, statement.only()?, reader) {
            Some(steps) if found.is_none() => found = Some(steps),
            Some(_) => return None,
            // `set -a` alone: what else `set` does would be lost
            None => match reader.text(&statement.span).trim() {
                "set -a" | "set +a" | "set -o allexport" | "set +o allexport" => {}
                _ => return None,
            },
        }
    }
    found
}

/// Whether two paths from the service directory are the same.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_start_matches("./") == other.trim_start_matches("./")
}

/// `. FILE` for the file that was looked for.
fn sourced(path: &str, command: &Command, reader: &Reader<'_>) -> Option<Vec<Step>> {
    let CommandKind::Simple(simple) = &command.kind else { return None };
    let steps = simple::steps(simple, command, Place::Before, reader).ok()?;
    match steps.as_slice() {
        [Step::Source { path: sourced, .. }] if is_same(sourced, path) => {
            Some(vec![Step::Source { path: sourced.clone(), missing: Missing::Skipped }])
        }
        _ => None,
    }
}

/// Commands with `&&` and `||` between them.
pub(crate) fn chain(statement: &Statement, place: Place, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let unclear = || "commands that depend on each other".to_string();
    if let [(link, second)] = statement.rest.as_slice() {
        if let Some(steps) = conditional(&statement.first, *link, second, place, reader) {
            return steps;
        }
        if *link == Link::Or && (is_end(second) || is_nothing(second)) {
            let failure = if is_end(second) { Failure::Ends } else { Failure::Ignored };
            return guarded(&statement.first, failure, reader);
        }
    }
    if statement.rest.iter().all(|(link, _)| *link == Link::And) {
        let mut steps = Vec::new();
        for (index, command) in statement.commands().enumerate() {
            let is_last = index == statement.rest.len();
            let CommandKind::Simple(simple) = &command.kind else { return Err(unclear()) };
            if condition::test_words(simple).is_some() {
                return Err("a test without an effect here".to_string());
            }
            steps.extend(simple::steps(
                simple,
                command,
                if is_last { place } else { Place::Before },
                reader,
            )?);
        }
        let is_preparation = |step: &Step| {
            matches!(
                step,
                Step::Make { .. } | Step::Touch(_) | Step::Owner(..) | Step::Mode(..) | Step::Directory(_)
            )
        };
        let (last, before) = steps.split_last().ok_or_else(unclear)?;
        let goes_on =
            is_preparation(last) || matches!(last, Step::Run(_) | Step::Source { .. } | Step::LeftOut(_));
        return if before
            .iter()
            .all(|step| is_preparation(step) || !matches!(step, Step::Before(_) | Step::Run(_)))
            && goes_on
        {
            Ok(steps)
        } else {
            Err(unclear())
        };
    }
    Err(unclear())
}

/// `[ … ] && exec sleep infinity` and the like; none if the first command is no condition, or it decides on something
/// else.
fn conditional(
    first: &Command,
    link: Link,
    second: &Command,
    place: Place,
    reader: &Reader<'_>,
) -> Option<Result<Vec<Step>, String>> {
    let condition = condition::of_command(first, reader)?;
    // what the second command is run for
    let runs_if = if link == Link::And { condition } else { condition.negated() };
    let off = std::slice::from_ref(second);
    if off.iter().all(is_sleep_forever) {
        let messages = match &second.kind {
            CommandKind::Group(statements) => statements.as_slice(),
            _ => &[],
        };
        return Some(Ok(gate(runs_if.negated(), messages)));
    }
    match (&runs_if, &second.kind) {
        (Condition::Exists(path) | Condition::Readable(path), _) => sourced(path, second, reader).map(Ok),
        (Condition::Missing(path), CommandKind::Simple(simple)) if place == Place::Before => {
            let steps = simple::steps(simple, second, Place::Before, reader).ok()?;
            matches!(steps.as_slice(), [Step::Make { path: made, .. } | Step::Touch(made)] if made == path)
                .then_some(Ok(steps))
        }
        _ => None,
    }
}

/// A command followed by `|| exit` or `|| true`.
fn guarded(command: &Command, failure: Failure, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let CommandKind::Simple(simple) = &command.kind else {
        return Err("a command that depends on another".to_string());
    };
    let is_program = simple.name().is_some_and(|name| !is_builtin(&name, simple));
    match is_program {
        true => simple::before(command, failure, reader),
        false => simple::steps(simple, command, Place::Before, reader),
    }
}

fn is_builtin(name: &str, simple: &Simple) -> bool {
    super::builtins::steps(simple).is_some() || super::files::steps(simple).is_some() || name == "exec"
}

/// `exit 1`, `{ echo …; exit 1; }`
fn is_end(command: &Command) -> bool {
    match &command.kind {
        CommandKind::Simple(simple) => simple.name().is_some_and(|name| name == "exit" || name == "return"),
        CommandKind::Group(statements) => statements
            .split_last()
            .is_some_and(|(last, before)| before.iter().all(is_message) && last.only().is_some_and(is_end)),
        _ => false,
    }
}

/// `true`, `:`
fn is_nothing(command: &Command) -> bool {
    match &command.kind {
        CommandKind::Simple(simple) => matches!(simple.words.as_slice(), [word] if is_true(word)),
        _ => false,
    }
}

fn is_true(word: &Word) -> bool {
    word.is("true") || word.is(":")
}
