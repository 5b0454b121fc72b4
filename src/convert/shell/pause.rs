//! A loop as it is written, and its pause.

use super::syntax::{CommandKind, Redirect, Simple, Statement};
use crate::convert::word::Word;

/// A loop.
pub(crate) struct Repeated<'s> {
    pub(crate) condition: &'s [Statement],
    pub(crate) is_until: bool,
    pub(crate) body: &'s [Statement],
    pub(crate) redirects: &'s [Redirect],
}

/// `sleep N`: how long.
pub(crate) fn pause(statement: &Statement) -> Option<Word> {
    simple_pause(statement.simple()?)
}

/// The same with `&`.
pub(crate) fn background_pause(statement: &Statement) -> Option<Word> {
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
