//! Which programs a part of a script may run, for the question whether it matters as whom it runs.

use rable::{Node, NodeKind};

/// Stands for a program whose name is computed, or syntax that is not looked into.
pub(crate) const UNKNOWN: &str = "?";

/// What starts a program that is named in its arguments.
const STARTERS: [&str; 20] = [
    "exec",
    "command",
    "builtin",
    "env",
    "nice",
    "nohup",
    "timeout",
    "xargs",
    "eval",
    "flock",
    "sudo",
    "su",
    "setpriv",
    "chpst",
    "s6-setuidgid",
    "setuidgid",
    "su-exec",
    "gosu",
    "runuser",
    "setsid",
];

/// The names of programs, builtins and functions in a node, with those in substitutions.
pub(crate) fn of(node: &Node) -> Vec<String> {
    let mut programs = Vec::new();
    collect(node, &mut programs);
    programs.sort_unstable();
    programs.dedup();
    programs
}

fn collect(node: &Node, programs: &mut Vec<String>) {
    let mut all = |nodes: &[Node]| nodes.iter().for_each(|node| collect(node, programs));
    match &node.kind {
        NodeKind::Command { assignments, words, redirects } => {
            all(assignments);
            all(words);
            redirects.iter().for_each(|node| redirect(node, programs));
            if let Some(Node { kind: NodeKind::Word { value, .. }, .. }) = words.first() {
                programs.push(if value.contains('$') { UNKNOWN.to_string() } else { value.clone() });
                if STARTERS.contains(&value.as_str()) && !is_search(words) {
                    programs.extend(words.iter().skip(1).filter_map(plain));
                }
            }
        }
        NodeKind::Word { parts, value, .. } => {
            all(parts);
            if value.contains('`') {
                programs.push(UNKNOWN.to_string());
            }
        }
        NodeKind::Pipeline { commands, .. } => all(commands),
        NodeKind::List { items } => items.iter().for_each(|item| collect(&item.command, programs)),
        NodeKind::If { condition, then_body, else_body, redirects } => {
            collect(condition, programs);
            collect(then_body, programs);
            else_body.iter().for_each(|body| collect(body, programs));
            redirects.iter().for_each(|node| redirect(node, programs));
        }
        NodeKind::Case { word, patterns, redirects } => {
            collect(word, programs);
            patterns
                .iter()
                .filter_map(|pattern| pattern.body.as_ref())
                .for_each(|body| collect(body, programs));
            redirects.iter().for_each(|node| redirect(node, programs));
        }
        NodeKind::Negation { pipeline } => collect(pipeline, programs),
        NodeKind::BraceGroup { body, redirects } | NodeKind::Subshell { body, redirects } => {
            collect(body, programs);
            redirects.iter().for_each(|node| redirect(node, programs));
        }
        NodeKind::CommandSubstitution { command, .. } => collect(command, programs),
        NodeKind::While { condition, body, redirects } | NodeKind::Until { condition, body, redirects } => {
            collect(condition, programs);
            collect(body, programs);
            redirects.iter().for_each(|node| redirect(node, programs));
        }
        NodeKind::For { words, body, redirects, .. } => {
            words.iter().flatten().for_each(|word| collect(word, programs));
            collect(body, programs);
            redirects.iter().for_each(|node| redirect(node, programs));
        }
        NodeKind::Function { body, .. } => collect(body, programs),
        NodeKind::ConditionalExpr { body, .. } => {
            if format!("{body:?}").contains("CommandSub") {
                programs.push(UNKNOWN.to_string());
            }
            programs.push("[[".to_string());
        }
        NodeKind::WordLiteral { .. }
        | NodeKind::ParamExpansion { arg: None, .. }
        | NodeKind::AnsiCQuote { .. }
        | NodeKind::ParamLength { .. }
        | NodeKind::Empty
        | NodeKind::Comment { .. } => {}
        NodeKind::ParamExpansion { arg: Some(arg), .. } if !arg.contains(['$', '`']) => {}
        NodeKind::ArithmeticExpansion { .. } | NodeKind::ArithmeticCommand { .. }
            if !format!("{node:?}").contains("CommandSub") => {}
        _ => programs.push(UNKNOWN.to_string()),
    }
}

/// A file that is written or read matters; /dev/null and other descriptors do not.
fn redirect(node: &Node, programs: &mut Vec<String>) {
    let is_harmless = match &node.kind {
        NodeKind::Redirect { op, target, .. } => {
            op.ends_with('&')
                || matches!(&target.kind, NodeKind::Word { value, .. } if value == "/dev/null" || op == "<<<")
        }
        _ => false,
    };
    if !is_harmless {
        programs.push(UNKNOWN.to_string());
    }
}

/// `command -v NAME` starts nothing.
fn is_search(words: &[Node]) -> bool {
    let is = |at: usize, texts: &[&str]| matches!(words.get(at), Some(Node { kind: NodeKind::Word { value, .. }, .. }) if texts.contains(&value.as_str()));
    is(0, &["command"]) && is(1, &["-v", "-V"])
}

/// A word that may be a program's name.
fn plain(node: &Node) -> Option<String> {
    let NodeKind::Word { value, .. } = &node.kind else { return None };
    value.starts_with(|c: char| c.is_ascii_lowercase()).then(|| value.clone())
}
