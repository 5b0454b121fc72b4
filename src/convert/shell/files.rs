//! mkdir, touch, chown, chmod before the start.

use super::syntax::Simple;
use crate::convert::step::Step;

/// The steps of such a program; none if it is another one, or has other options.
pub(crate) fn steps(simple: &Simple) -> Option<Vec<Step>> {
    let is_silent = simple.redirects.iter().all(|each| each.target.is("/dev/null") || each.target.is("1"));
    if !is_silent || !simple.assignments.is_empty() {
        return None;
    }
    let words = simple.literals()?;
    let (name, arguments) = words.split_first()?;
    let mut operands = Vec::new();
    let mut mode = None;
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match (name.as_str(), word.as_str()) {
            (_, "--") => {}
            ("mkdir", "-p" | "-v" | "-pv")
            | ("chown" | "chmod", "-R" | "-f" | "-Rf" | "-h" | "-v")
            | ("touch", "-a" | "-c") => {}
            ("mkdir", "-m") | ("install", "-m") => mode = Some(rest.next()?.clone()),
            ("mkdir", "-pm") => mode = Some(rest.next()?.clone()),
            ("install", "-d") => {}
            (_, option) if option.starts_with('-') => return None,
            (_, operand) => operands.push(operand.to_string()),
        }
    }
    let made = |path: &String| Step::Make { path: path.clone(), mode: mode.clone() };
    let (first, others) = operands.split_first()?;
    match name.as_str() {
        "mkdir" => Some(operands.iter().map(made).collect()),
        "install" if arguments.iter().any(|word| word == "-d") => Some(operands.iter().map(made).collect()),
        "touch" => Some(operands.iter().cloned().map(Step::Touch).collect()),
        "chown" | "chmod" if others.is_empty() => None,
        "chown" => Some(others.iter().map(|path| Step::Owner(first.clone(), path.clone())).collect()),
        "chmod" => Some(others.iter().map(|path| Step::Mode(first.clone(), path.clone())).collect()),
        _ => None,
    }
}
