//! Loops: what is repeated with a pause, what waits for something, and what polls the clock.

use super::branch::sleeps_forever;
use super::clock::Clock;
use super::pause::{Repeated, background_pause, pause};
use super::simple::{self, Place};
use super::syntax::{Command, CommandKind, Link, Statement};
use super::{Reader, output, rounds, waiting};
use crate::convert::step::{Output, Step};
use crate::convert::word::{Unset, Word};

/// The steps of a loop.
pub(crate) fn steps(repeated: &Repeated<'_>, place: Place, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    if let Some(steps) = waiting::steps(repeated, reader) {
        return Ok(steps);
    }
    if place != Place::Last {
        return Err("a loop that is not the last command".to_string());
    }
    let (body, delay, first) = match endless(repeated) {
        Endless::Sleeping(word) => (repeated.body, word, First::AfterDelay),
        Endless::Yes => with_pause(repeated.body).ok_or("a loop without one pause in each round")?,
        Endless::No => return Err("a loop that ends".to_string()),
    };
    let mut steps = Vec::new();
    let output = output::read(repeated.redirects)?;
    if output != Output::default() {
        steps.push(Step::Output(output));
    }
    let polled = match first {
        First::AtOnce => polled(body),
        First::AfterDelay => None,
    };
    match polled {
        Some((clock, work)) => {
            steps.extend(scheduled(&clock, &delay)?);
            steps.extend(round(&work, reader)?);
        }
        None => {
            let value = delay.expandable(Unset::Empty).ok_or("a pause that is computed")?;
            let mut pace = vec![("interval", value.clone())];
            if first == First::AfterDelay {
                pace.push(("initial-delay", value));
            }
            steps.push(Step::Pace(pace));
            steps.extend(round(body, reader)?);
        }
    }
    Ok(steps)
}

/// Whether a loop goes on for ever.
enum Endless {
    Yes,
    /// `while sleep N`
    Sleeping(Word),
    No,
}

fn endless(repeated: &Repeated<'_>) -> Endless {
    let [condition] = repeated.condition else {
        return if repeated.condition.is_empty() { Endless::Yes } else { Endless::No };
    };
    if let Some(word) = pause(condition).filter(|_| !repeated.is_until) {
        return Endless::Sleeping(word);
    }
    let is_constant = match condition.only().map(|command| &command.kind) {
        Some(CommandKind::Simple(simple)) => match simple.literals().unwrap_or_default().as_slice() {
            [word] if word == "true" || word == ":" => !repeated.is_until,
            [word] if word == "false" => repeated.is_until,
            [open, one, close] if open == "[" && close == "]" => !one.is_empty() && !repeated.is_until,
            _ => false,
        },
        Some(CommandKind::Test(words)) => {
            matches!(words.as_slice(), [one] if one.is("1")) && !repeated.is_until
        }
        _ => false,
    };
    if is_constant { Endless::Yes } else { Endless::No }
}

/// When the first round starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    AtOnce,
    AfterDelay,
}

/// The body without its pause.
fn with_pause(body: &[Statement]) -> Option<(&[Statement], Word, First)> {
    let (last, before) = body.split_last()?;
    if let Some(word) = pause(last) {
        return Some((before, word, First::AtOnce))
            .filter(|_| before.iter().all(|each| pause(each).is_none()));
    }
    // `sleep N & wait`
    if let ([before @ .., sleep], Some(wait)) = (before, last.simple())
        && wait.name().as_deref() == Some("wait")
        && let Some(word) = background_pause(sleep)
    {
        return Some((before, word, First::AtOnce));
    }
    let (first, after) = body.split_first()?;
    let word = pause(first)?;
    Some((after, word, First::AfterDelay)).filter(|_| after.iter().all(|each| pause(each).is_none()))
}

/// One round, as the worker.
fn round(body: &[Statement], reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let leaves =
        |program: &String| ["break", "continue", "exit", "return", "exec"].contains(&program.as_str());
    if let Some(left) =
        body.iter().flat_map(Statement::commands).flat_map(|each| &each.programs).find(|each| leaves(each))
    {
        return Err(format!("'{left}' in a loop"));
    }
    match body {
        [] => Err("a loop that does nothing".to_string()),
        [only] if is_ignored(only) || only.rest.is_empty() => match &only.first.kind {
            CommandKind::Simple(simple) if !only.is_background && !simple.words.is_empty() => {
                simple::steps(simple, &only.first, Place::Body, reader).map(rounds::with_options)
            }
            _ => Ok(vec![lines(body, reader)?]),
        },
        _ => Ok(vec![lines(body, reader)?]),
    }
}

/// `hook || true`
fn is_ignored(statement: &Statement) -> bool {
    let is_true = |command: &Command| match &command.kind {
        CommandKind::Simple(simple) => simple.name().is_some_and(|name| name == "true" || name == ":"),
        _ => false,
    };
    matches!(statement.rest.as_slice(), [(Link::Or, command)] if is_true(command))
}

/// The statements as they are.
fn lines(body: &[Statement], reader: &Reader<'_>) -> Result<Step, String> {
    let (first, last) = (body.first().ok_or("an empty loop")?, body.last().ok_or("an empty loop")?);
    if body.iter().any(|each| reader.text(&each.span).contains("<<")) {
        return Err("a here-document in a loop".to_string());
    }
    if body.iter().any(|each| each.is_background) {
        return Err("a command in the background".to_string());
    }
    if let Some(name) = rounds::carried(body) {
        return Err(format!("the variable {name} is kept from one round to the next"));
    }
    Ok(Step::RunLines(first.span.start..last.span.end))
}

/// A round that only looks at the clock: when it works, and what it does then.
fn polled(body: &[Statement]) -> Option<(Clock, Vec<Statement>)> {
    let [statement] = body else { return None };
    if let Some(CommandKind::If { condition, then, otherwise }) =
        statement.only().map(|command| &command.kind)
    {
        return otherwise.is_empty().then_some((Clock::of_statements(condition)?, then.clone()));
    }
    let (last, conditions) = statement.rest.split_last()?;
    let is_and = statement.rest.iter().all(|(link, _)| *link == Link::And) && !statement.is_background;
    let conditions = std::iter::once(&statement.first).chain(conditions.iter().map(|(_, command)| command));
    let clock = is_and.then(|| Clock::of_commands(conditions)).flatten()?;
    let work = &last.1;
    let line = statement.line;
    let work = Statement {
        line,
        span: work.span.clone(),
        first: work.clone(),
        rest: Vec::new(),
        is_background: false,
    };
    Some((clock, vec![work]))
}

fn scheduled(clock: &Clock, delay: &Word) -> Result<Vec<Step>, String> {
    let seconds =
        delay.literal().and_then(|text| text.parse::<u64>().ok()).ok_or("a pause that is computed")?;
    let schedule = clock.schedule().ok_or("a condition on the clock of this form")?;
    if clock.holds_for() == 3600 && seconds < 3600 {
        return Err("a poll that is true several times within the hour".to_string());
    }
    let mut steps = vec![Step::Pace(vec![("schedule", schedule)])];
    if seconds != clock.holds_for() {
        let why = "polling could start it twice, or miss it; the schedule starts it once";
        steps.push(Step::Note(why.to_string()));
    }
    let why = "a start that is missed while the container is down is made up for; --persist=no prevents it";
    steps.push(Step::Note(why.to_string()));
    Ok(steps)
}

/// `until setup; do sleep 5; done; exec sleep infinity`
pub(crate) fn until_once(
    statement: &Statement,
    after: &[Statement],
    reader: &Reader<'_>,
) -> Option<Result<Vec<Step>, String>> {
    let CommandKind::Loop { condition, is_until: true, body, redirects } = &statement.only()?.kind else {
        return None;
    };
    let ([tried], [pausing]) = (condition.as_slice(), body.as_slice()) else { return None };
    if !sleeps_forever(after) || !redirects.is_empty() {
        return None;
    }
    let delay = pause(pausing)?.expandable(Unset::Empty)?;
    let simple = tried.simple()?;
    let pace = Step::Pace(vec![("once", String::new()), ("interval", delay)]);
    Some(
        simple::steps(simple, &tried.first, Place::Body, reader)
            .map(|steps| std::iter::once(pace).chain(rounds::with_options(steps)).collect()),
    )
}

/// `hook; exec sleep 3600` at the end: the supervisor repeats it.
pub(crate) fn sleeping_at_the_end(
    statement: &Statement,
    after: &[Statement],
    reader: &Reader<'_>,
) -> Option<(Result<Vec<Step>, String>, usize)> {
    let [sleep] = after else { return None };
    let delay = pause(sleep)?.expandable(Unset::Empty)?;
    let work = round(std::slice::from_ref(statement), reader);
    let is_program = matches!(work.as_ref().ok()?.last()?, Step::Run(_));
    let mut steps = vec![Step::Pace(vec![("interval", delay)])];
    steps.extend(work.ok()?);
    is_program.then_some((Ok(steps), 1))
}
