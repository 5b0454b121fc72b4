//! Conditions: `[ … ]`, `[[ … ]]`, and commands.

use super::Reader;
use super::syntax::{Command, CommandKind, Simple, Statement};
use crate::convert::step::Condition;
use crate::convert::word::{Otherwise, Piece, Word};

/// The condition of an `if`; none if it is not one of those that are understood.
pub(crate) fn of_statements(statements: &[Statement], reader: &Reader<'_>) -> Option<Condition> {
    match statements {
        [statement] => of_command(statement.only()?, reader),
        _ => None,
    }
}

/// A single command as a condition.
pub(crate) fn of_command(command: &Command, reader: &Reader<'_>) -> Option<Condition> {
    match &command.kind {
        CommandKind::Not(inner) => of_command(inner, reader).map(Condition::negated),
        CommandKind::Test(words) => of_test(words),
        CommandKind::Simple(simple) => match test_words(simple) {
            Some(words) => of_test(&words).or_else(|| succeeds(command, simple, reader)),
            None => succeeds(command, simple, reader),
        },
        _ => None,
    }
}

/// The words between `[` and `]`, or after `test`.
pub(crate) fn test_words(simple: &Simple) -> Option<Vec<Word>> {
    if !simple.is_bare() {
        return None;
    }
    match (simple.name()?.as_str(), simple.words.split_last()?) {
        ("[", (last, words)) if last.is("]") => Some(words.get(1..)?.to_vec()),
        ("test", _) => Some(simple.words.get(1..)?.to_vec()),
        _ => None,
    }
}

fn of_test(words: &[Word]) -> Option<Condition> {
    match words {
        [not, rest @ ..] if not.is("!") && !rest.is_empty() => of_test(rest).map(Condition::negated),
        [word] => variable(word).map(|(name, _)| Condition::Set(name)),
        [operator, word] => match operator.literal()?.as_str() {
            "-n" => variable(word)
                .filter(|(_, otherwise)| otherwise.is_empty())
                .map(|(name, _)| Condition::Set(name)),
            "-z" => variable(word)
                .filter(|(_, otherwise)| otherwise.is_empty())
                .map(|(name, _)| Condition::NotSet(name)),
            "-e" | "-f" | "-d" => word.literal().map(Condition::Exists),
            "-r" => word.literal().map(Condition::Readable),
            _ => None,
        },
        [left, operator, right] => comparison(left, &operator.literal()?, right),
        _ => None,
    }
}

fn comparison(left: &Word, operator: &str, right: &Word) -> Option<Condition> {
    let value = right.literal()?;
    let is_equal = match operator {
        "=" | "==" | "-eq" => true,
        "!=" | "-ne" => false,
        _ => return None,
    };
    let condition = if is_uid(left) && value == "0" || is_user_name(left) && value == "root" {
        Condition::IsRoot
    } else {
        let (name, otherwise) = variable(left)?;
        if operator.starts_with('-') || otherwise == value && !value.is_empty() {
            return None;
        }
        match value.is_empty() {
            true => Condition::NotSet(name),
            false => Condition::Equals(name, value),
        }
    };
    Some(if is_equal { condition } else { condition.negated() })
}

/// The uid of the shell.
fn is_uid(word: &Word) -> bool {
    matches!(word.raw.trim_matches('"'), "$(id -u)" | "`id -u`" | "$EUID" | "$UID" | "${EUID}" | "${UID}")
}

fn is_user_name(word: &Word) -> bool {
    matches!(word.raw.trim_matches('"'), "$(whoami)" | "`whoami`" | "$(id -un)" | "`id -un`")
}

/// A word that is one variable: its name, and what replaces it if it is empty.
fn variable(word: &Word) -> Option<(String, String)> {
    let pieces = || word.pieces.iter().filter(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    match (pieces().next()?, pieces().count()) {
        (Piece::Variable { name, otherwise: Otherwise::Empty, .. }, 1) => Some((name.clone(), String::new())),
        (Piece::Variable { name, otherwise: Otherwise::IfEmpty(word), .. }, 1) => {
            Some((name.clone(), word.clone()))
        }
        (Piece::Variable { name, otherwise: Otherwise::IfUnset(word), .. }, 1) if word.is_empty() => {
            Some((name.clone(), word.clone()))
        }
        _ => None,
    }
}

/// A command that any shell reads alike.
fn succeeds(command: &Command, simple: &Simple, reader: &Reader<'_>) -> Option<Condition> {
    if reader.has_function(&command.programs) {
        return None;
    }
    let text = reader.text(&command.span);
    let is_plain =
        simple.words.iter().chain(simple.redirects.iter().map(|each| &each.target)).all(Word::is_simple)
            && simple.assignments.is_empty()
            && simple.redirects.iter().all(|each| each.operator != "&>" && each.operator != "<<<");
    let is_short = !text.contains('\n');
    (is_plain && is_short).then(|| Condition::Succeeds(text.to_string(), command.programs.clone()))
}
