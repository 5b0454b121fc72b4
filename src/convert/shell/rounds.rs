//! One round of a loop: what it keeps for the next one, and programs that are options of the loop.

use super::syntax::{CommandKind, Statement};
use crate::convert::step::Step;
use crate::convert::word::Word;

/// A variable that is assigned in a round, and may be read before that in the next one.
pub(crate) fn carried(body: &[Statement]) -> Option<String> {
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
pub(crate) fn with_options(steps: Vec<Step>) -> Vec<Step> {
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
