//! Loops: what is repeated with a pause, what waits for something, and what polls the clock.

use super::branch::{is_message, sleeps_forever};
use super::clock::Clock;
use super::simple::{self, Place};
use super::syntax::{Command, CommandKind, Link, Redirect, Simple, Statement};
use super::{Reader, condition, output};
use crate::convert::step::{Condition, Output, Step};
use crate::convert::word::{Unset, Word};

/// A loop.
pub(crate) struct Repeated<'s> {
    pub(crate) condition: &'s [Statement],
    pub(crate) is_until: bool,
    pub(crate) body: &'s [Statement],
    pub(crate) redirects: &'s [Redirect],
}

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

/// The steps of a loop.
pub(crate) fn steps(repeated: &Repeated<'_>, place: Place, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    if let Some(steps) = waiting(repeated, reader) {
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

/// `sleep N`: how long.
fn pause(statement: &Statement) -> Option<Word> {
    simple_pause(statement.simple()?)
}

fn background_pause(statement: &Statement) -> Option<Word> {
    match &statement.first.kind {
        CommandKind::Simple(simple) if statement.is_background && statement.rest.is_empty() => {
            simple_pause(simple)
        }
        _ => None,
    }
}

fn simple_pause(simple: &Simple) -> Option<Word> {
    let words = match simple.words.as_slice() {
        [exec, rest @ ..] if exec.is("exec") => rest,
        words => words,
    };
    match words {
        [sleep, word] if sleep.is("sleep") && simple.is_bare() && !word.is("infinity") => Some(word.clone()),
        _ => None,
    }
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
                simple::steps(simple, &only.first, Place::Body, reader).map(with_run_options)
            }
            _ => Ok(vec![lines(body)?]),
        },
        _ => Ok(vec![lines(body)?]),
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
fn lines(body: &[Statement]) -> Result<Step, String> {
    let (first, last) = (body.first().ok_or("an empty loop")?, body.last().ok_or("an empty loop")?);
    if body.iter().any(|each| each.is_background) {
        return Err("a command in the background".to_string());
    }
    if let Some(name) = carried(body) {
        return Err(format!("the variable {name} is kept from one round to the next"));
    }
    Ok(Step::RunLines(first.span.start..last.span.end))
}

/// A variable that is assigned in a round, and may be read before that in the next one.
fn carried(body: &[Statement]) -> Option<String> {
    let mut assigned: Vec<String> = Vec::new();
    for statement in body {
        let plain = statement.only().and_then(|command| match &command.kind {
            CommandKind::Simple(simple) if simple.words.is_empty() => Some(&simple.assignments),
            _ => None,
        });
        match plain {
            Some(assignments) => {
                for each in assignments {
                    if each.value.raw.contains(&each.name) && !assigned.contains(&each.name) {
                        return Some(each.name.clone());
                    }
                    assigned.push(each.name.clone());
                }
            }
            None => {
                let inner = format!("{statement:?}");
                let hidden = inner.match_indices("Assignment { name: \"").find_map(|(at, mark)| {
                    let name = inner.get(at + mark.len()..)?.split('"').next()?;
                    (!assigned.iter().any(|each| each == name)).then(|| name.to_string())
                });
                let is_alone =
                    matches!(&statement.first.kind, CommandKind::Simple(simple) if !simple.words.is_empty());
                if let Some(name) = hidden.filter(|_| !is_alone) {
                    return Some(name);
                }
                if matches!(statement.first.kind, CommandKind::Other(_)) {
                    return Some("of a compound command".to_string());
                }
            }
        }
    }
    None
}

/// timeout and flock as options of the loop.
fn with_run_options(steps: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        let Step::Run(mut words) = step else {
            all.push(step);
            continue;
        };
        while let Some((found, rest)) = run_option(&words) {
            all.push(Step::Pace(found));
            words = rest;
        }
        all.push(Step::Run(words));
    }
    all
}

type RunOptions = (Vec<(&'static str, String)>, Vec<Word>);

fn run_option(words: &[Word]) -> Option<RunOptions> {
    let text = |word: &Word| word.literal();
    match words {
        [name, k, grace, limit, rest @ ..] if name.is("timeout") && k.is("-k") && !rest.is_empty() => {
            Some((vec![("timeout", text(limit)?), ("grace", text(grace)?)], rest.to_vec()))
        }
        [name, limit, rest @ ..] if name.is("timeout") && !rest.is_empty() && !limit.raw.starts_with('-') => {
            Some((vec![("timeout", text(limit)?)], rest.to_vec()))
        }
        [name, n, path, rest @ ..] if name.is("flock") && n.is("-n") && starts_program(rest) => {
            Some((vec![("lock", text(path)?), ("on-lock", "skip".to_string())], rest.to_vec()))
        }
        [name, path, rest @ ..] if name.is("flock") && !path.raw.starts_with('-') && starts_program(rest) => {
            Some((vec![("lock", text(path)?)], rest.to_vec()))
        }
        _ => None,
    }
}

fn starts_program(words: &[Word]) -> bool {
    words.first().is_some_and(|word| !word.raw.starts_with('-'))
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

/// `until nc -z db 5432; do sleep 1; done`
fn waiting(repeated: &Repeated<'_>, reader: &Reader<'_>) -> Option<Vec<Step>> {
    let is_idle = |statement: &Statement| pause(statement).is_some() || is_message(statement);
    if !repeated.body.iter().all(is_idle) || repeated.body.iter().all(is_message) {
        return None;
    }
    let condition = condition::of_statements(repeated.condition, reader.script)?;
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
            .map(|steps| std::iter::once(pace).chain(with_run_options(steps)).collect()),
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
