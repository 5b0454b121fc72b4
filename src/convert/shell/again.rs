//! A script that starts itself again, as a user.

use super::syntax::{CommandKind, Link, Statement};
use super::{Place, Reader, condition, simple};
use crate::convert::recognised::Recognised;
use crate::convert::step::{Condition, Step};
use crate::convert::word::Word;

/// `if [ "$(id -u)" = 0 ]; then exec su-exec abc "$0" "$@"; fi`, or the same with `&&`: all that follows runs as that
/// user. None if it is something else.
pub(super) fn steps(statement: &Statement, reader: &Reader<'_>) -> Option<Vec<Step>> {
    let (condition, command) = match (&statement.first.kind, statement.rest.as_slice()) {
        (CommandKind::If { condition, then, otherwise }, []) if otherwise.is_empty() => match then.as_slice()
        {
            [only] => (condition::of_statements(condition, reader)?, only.only()?),
            _ => return None,
        },
        (_, [(link, second)]) => {
            let condition = condition::of_command(&statement.first, reader)?;
            (if *link == Link::And { condition } else { condition.negated() }, second)
        }
        _ => return None,
    };
    let CommandKind::Simple(call) = &command.kind else { return None };
    if condition != Condition::IsRoot || statement.is_background || call.name()? != "exec" {
        return None;
    }
    let mut steps = simple::steps(call, command, Place::Last, reader).ok()?;
    let is_again = matches!(steps.pop()?, Step::Run(words) if is_this_script(&words));
    let becomes = |step: &Step| matches!(step, Step::User(_) | Step::LeftOut(_) | Step::Note(_));
    let is_user = steps.iter().any(|step| matches!(step, Step::User(_)));
    (is_again && is_user && steps.iter().all(becomes)).then_some(steps)
}

/// Whether what came before may run twice, as root and as the user: only what changes this shell alone.
pub(super) fn may_follow(before: &[Recognised]) -> bool {
    let is_of_shell = |step: &Step| {
        matches!(
            step,
            Step::StopOnFailure | Step::UnsetIsError | Step::ShellState | Step::LeftOut(_) | Step::Note(_)
        )
    };
    before.iter().all(|each| each.steps.as_ref().is_ok_and(|steps| steps.iter().all(is_of_shell)))
}

/// `"$0" "$@"`
fn is_this_script(words: &[Word]) -> bool {
    let raw: Vec<&str> = words.iter().map(|word| word.raw.as_str()).collect();
    matches!(raw.as_slice(), ["\"$0\"" | "$0" | "\"${0}\"", "\"$@\""])
}
