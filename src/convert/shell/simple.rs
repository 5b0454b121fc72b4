//! Simple commands: what is run before the worker, and the worker itself.

use super::syntax::{Command, CommandKind, Simple};
use super::{Reader, UNKNOWN, builtins, files, output};
use crate::convert::chain;
use crate::convert::interpreter::Language;
use crate::convert::step::{Before, Output, Step, User};
use crate::convert::word::{Piece, Word};

/// Where a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Something follows.
    Before,
    /// It is the last one: it is the worker, with or without `exec`.
    Last,
    /// The body of a loop.
    Body,
}

/// What a script does if a command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It goes on, unless `set -e` is in force.
    AsSet,
    /// It goes on.
    Ignored,
    /// It ends.
    Ends,
}

/// The steps of a simple command.
pub(crate) fn steps(
    simple: &Simple,
    command: &Command,
    place: Place,
    reader: &Reader<'_>,
) -> Result<Vec<Step>, String> {
    if simple.words.is_empty() {
        if !simple.redirects.is_empty() {
            return Err("a redirection without a command".to_string());
        }
        let assign = |each: &super::syntax::Assignment| match builtins::own_default(&each.name, &each.value) {
            Some(text) => {
                let exported = crate::convert::step::Exported::No;
                Step::Default(each.name.clone(), Word::of_text(&text), exported)
            }
            None => Step::Assign(each.name.clone(), each.value.clone()),
        };
        return Ok(simple.assignments.iter().map(assign).collect());
    }
    let name = simple.name().unwrap_or_default();
    if name == "exec" {
        return exec(simple, reader);
    }
    if reader.has_function(std::slice::from_ref(&name)) {
        return Err(format!("'{name}' is a function of the script"));
    }
    // dash splits them
    let is_split =
        |word: &Word| word.pieces.iter().any(|piece| matches!(piece, Piece::Variable { quoted: false, .. }));
    if name == "export" && reader.language == Language::Sh && simple.words.iter().any(is_split) {
        return Err("'export' with an unquoted variable".to_string());
    }
    if let Some(steps) = builtins::steps(simple) {
        return steps;
    }
    if let Some(steps) = files::steps(simple).filter(|_| place == Place::Before) {
        return Ok(steps);
    }
    match place {
        Place::Before => before(command, Failure::AsSet, reader),
        Place::Last | Place::Body => run(&simple.words, simple, reader),
    }
}

/// `exec PROG…`, or `exec` with redirections alone.
fn exec(simple: &Simple, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let words = simple.words.get(1..).unwrap_or_default();
    match words {
        [] => Ok(vec![Step::Output(output::read(&simple.redirects)?)]),
        [option, rest @ ..] if option.is("-c") => {
            let mut steps = run(rest, simple, reader)?;
            steps.insert(0, Step::ClearEnv);
            Ok(steps)
        }
        [option, ..] if option.raw.starts_with('-') => Err(format!("exec {}", option.raw)),
        words => run(words, simple, reader),
    }
}

/// The worker.
pub(crate) fn run(words: &[Word], simple: &Simple, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let export = |each: &super::syntax::Assignment| Step::Export(each.name.clone(), each.value.clone());
    let mut steps: Vec<Step> = simple.assignments.iter().map(export).collect();
    let chain = chain::take_apart(words)?;
    expanded_before(&steps, &chain)?;
    let name = chain.program.first().and_then(Word::literal).unwrap_or_default();
    if reader.has_function(std::slice::from_ref(&name)) {
        return Err(format!("'{name}' is a function of the script"));
    }
    steps.extend(chain.steps);
    if !simple.redirects.is_empty() {
        let output = output::read(&simple.redirects)?;
        if output != Output::default() {
            steps.push(Step::Output(output));
        }
    }
    steps.push(Step::Run(chain.program));
    Ok(steps)
}

/// The shell expands all words before any program in them changes the environment.
fn expanded_before(assigned: &[Step], chain: &chain::Chain) -> Result<(), String> {
    let mut changed: Vec<&str> = Vec::new();
    let mut are_all = false;
    let is_changed = |word: &Word, changed: &[&str], are_all: bool| {
        word.names().any(|name| are_all || changed.contains(&name))
    };
    for step in assigned.iter().chain(&chain.steps) {
        match step {
            Step::Export(name, value) => {
                if is_changed(value, &changed, are_all) {
                    return Err("a variable that the same command changes".to_string());
                }
                changed.push(name);
            }
            Step::Unset(name) => changed.push(name),
            Step::EnvDir(_) => are_all = true,
            _ => {}
        }
    }
    match chain.program.iter().any(|word| is_changed(word, &changed, are_all)) {
        true => Err("an argument with a variable that the same command changes".to_string()),
        false => Ok(()),
    }
}

/// A command that runs before the worker, in a shell of its own.
pub(crate) fn before(command: &Command, failure: Failure, reader: &Reader<'_>) -> Result<Vec<Step>, String> {
    let text = reader.text(&command.span);
    if text.contains('\n') {
        return Err("a command of several lines".to_string());
    }
    if command.programs.iter().any(|program| program == UNKNOWN) || reader.has_function(&command.programs) {
        return Err("a command that only this shell can run".to_string());
    }
    let (mut text, mut user, mut names) = (text.to_string(), None, Vec::new());
    if let CommandKind::Simple(simple) = &command.kind {
        let words = || simple.words.iter().chain(simple.assignments.iter().map(|each| &each.value));
        if !words().all(Word::is_simple) {
            return Err("a value that is computed".to_string());
        }
        if only_bash_prints(simple, reader) {
            return Err("echo or printf as bash has it".to_string());
        }
        names = words().flat_map(Word::names).map(String::from).collect();
        (text, user) = without_user(simple, text)?;
    } else if text.contains('$') {
        return Err("a command with variables that may be those of the shell".to_string());
    }
    let ignores_failure = failure == Failure::Ignored;
    if failure == Failure::Ends {
        return Ok(vec![
            Step::StopOnFailure,
            Step::Before(Before { text, user, programs: command.programs.clone(), names, ignores_failure }),
        ]);
    }
    Ok(vec![Step::Before(Before { text, user, programs: command.programs.clone(), names, ignores_failure })])
}

/// Builtins that sh has too, but not alike.
fn only_bash_prints(simple: &Simple, reader: &Reader<'_>) -> bool {
    let is_bash = reader.language != Language::Sh;
    let raw = || simple.words.iter().skip(1).map(|word| word.raw.as_str());
    is_bash
        && match simple.name().as_deref() {
            Some("echo") => {
                raw().any(|raw| raw.contains('\\') || raw.trim_start_matches(['"', '\'']).starts_with('-'))
            }
            Some("printf") => {
                raw().any(|raw| raw.contains("%q") || raw.contains("%(") || raw.starts_with('-'))
            }
            _ => false,
        }
}

/// The text without a program that changes the user.
fn without_user(simple: &Simple, text: String) -> Result<(String, Option<User>), String> {
    let chain = chain::take_apart(&simple.words)?;
    match chain.steps.as_slice() {
        [Step::User(user)] if simple.assignments.is_empty() => {
            let first = chain.program.first().map(|word| word.raw.as_str()).unwrap_or_default();
            // only what was typed: the arguments of su are not
            let start = text.find(&format!(" {first}")).ok_or("a user for a command that is computed")?;
            let rest = text.get(start + 1..).unwrap_or_default().to_string();
            Ok((rest, Some(user.clone())))
        }
        steps if steps.iter().any(|step| matches!(step, Step::User(_))) => {
            Err("a command as another user, with other changes".to_string())
        }
        _ => Ok((text, None)),
    }
}
