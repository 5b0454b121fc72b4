//! Run files for sh, bash and dash → statements with their steps.

mod again;
mod branch;
mod builtins;
mod clock;
mod condition;
mod files;
mod loops;
mod output;
mod parse;
mod pause;
mod programs;
mod rounds;
mod simple;
mod syntax;
mod waiting;

use super::finding::NotConverted;
use super::interpreter::Language;
use super::recognised::Recognised;
use super::step::Step;
pub(crate) use programs::UNKNOWN;
use simple::Place;
use syntax::{CommandKind, Statement};

/// Reads a script, of which the first line is a comment.
pub(crate) fn read(script: &str, language: Language) -> Result<Vec<Recognised>, NotConverted> {
    let statements = parse::parse(script)?;
    let functions: Vec<&str> = statements.iter().filter_map(function).collect();
    let reader = Reader { script, language, functions: &functions };
    let mut found: Vec<Recognised> = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let place = if index + 1 == statements.len() { Place::Last } else { Place::Before };
        let after = statements.get(index + 1..).unwrap_or_default();
        if let Some(steps) = loops::until_once(statement, after, &reader) {
            found.push(recognised(statement, steps));
            break;
        }
        if let Some(steps) = again::steps(statement, &reader).filter(|_| again::may_follow(&found)) {
            found.push(recognised(statement, Ok(steps)));
            continue;
        }
        // the supervisor repeats all of the run file
        let has_commands = found
            .iter()
            .filter_map(|each| each.steps.as_ref().ok())
            .flatten()
            .any(|step| matches!(step, Step::Before(_)));
        if let Some((steps, count)) =
            loops::sleeping_at_the_end(statement, after, &reader).filter(|_| !has_commands)
        {
            found.push(recognised(statement, steps));
            found.extend(after.iter().take(count).map(|each| recognised(each, Ok(Vec::new()))));
            break;
        }
        found.push(recognised(statement, reader.statement(statement, place)));
    }
    Ok(found)
}

fn function(statement: &Statement) -> Option<&str> {
    match &statement.only()?.kind {
        CommandKind::Function(name) => Some(name),
        _ => None,
    }
}

fn recognised(statement: &Statement, steps: Result<Vec<Step>, String>) -> Recognised {
    let mut programs: Vec<String> =
        statement.commands().flat_map(|each| each.programs.iter().cloned()).collect();
    programs.dedup();
    Recognised { line: statement.line, span: statement.span.clone(), steps, programs }
}

/// What the steps of a statement depend on besides the statement.
pub(super) struct Reader<'s> {
    script: &'s str,
    language: Language,
    functions: &'s [&'s str],
}

impl Reader<'_> {
    /// The text of a part of the script.
    fn text(&self, span: &std::ops::Range<usize>) -> &str {
        self.script.get(span.clone()).unwrap_or_default()
    }

    /// Whether one of these is a function, which no other shell has: of the script, or of bashio.
    fn has_function(&self, programs: &[String]) -> bool {
        programs.iter().any(|name| name.contains("::") || self.functions.contains(&name.as_str()))
    }

    /// The steps of a statement, or why it is not understood.
    fn statement(&self, statement: &Statement, place: Place) -> Result<Vec<Step>, String> {
        if statement.is_background {
            return Err("a command in the background".to_string());
        }
        if self.language == Language::Sh && only_bash_reads(self.text(&statement.span)) {
            return Err("syntax that sh reads differently from bash".to_string());
        }
        if !statement.rest.is_empty() {
            return branch::chain(statement, place, self);
        }
        match &statement.first.kind {
            CommandKind::Simple(simple) => simple::steps(simple, &statement.first, place, self),
            CommandKind::If { condition, then, otherwise } => {
                branch::branches(condition, then, otherwise, place, self)
            }
            CommandKind::Loop { condition, is_until, body, redirects } => {
                let repeated = pause::Repeated { condition, is_until: *is_until, body, redirects };
                loops::steps(&repeated, place, self)
            }
            CommandKind::Group(statements) => self.block(statements, place),
            CommandKind::Function(_) => Ok(vec![Step::ShellState]),
            CommandKind::Other("a pipeline") if place == Place::Before => {
                simple::before(&statement.first, simple::Failure::AsSet, self)
            }
            CommandKind::Other(what) => Err((*what).to_string()),
            CommandKind::Test(_) | CommandKind::Not(_) => Err("a test without an effect here".to_string()),
        }
    }

    /// The steps of several statements.
    fn block(&self, statements: &[Statement], place: Place) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        for (index, statement) in statements.iter().enumerate() {
            let is_last = index + 1 == statements.len();
            steps.extend(self.statement(statement, if is_last { place } else { Place::Before })?);
        }
        Ok(steps)
    }
}

/// Syntax that dash reads as something else, without an error.
fn only_bash_reads(text: &str) -> bool {
    ["[[", "&>", "<(", ">(", "<<<", "$'", "((", "{1..", "function "].iter().any(|mark| text.contains(mark))
}
