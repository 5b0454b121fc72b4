//! A shell script → statements, by the parser crate.

use rable::{ListItem, ListOperator, Node, NodeKind};

use super::programs;
use super::syntax::{Assignment, Command, CommandKind, Link, Redirect, Simple, Statement};
use crate::convert::finding::NotConverted;
use crate::convert::word::Word;

/// How deeply blocks are looked into; what is deeper is not understood.
const MAX_BLOCKS: usize = 16;
/// The parser recurses up to a thousand levels, each with large frames in a build without optimisation.
const STACK: usize = 256 << 20;

/// Parses a whole script, on a stack that is large enough for the parser's own limit.
pub(crate) fn parse(script: &str) -> Result<Vec<Statement>, NotConverted> {
    let refused = |why: &str| NotConverted::Syntax { line: 1, what: format!("unable to parse it: {why}") };
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(STACK);
        let parsing = parser.spawn_scoped(scope, || parse_here(script));
        let parsing = parsing.map_err(|error| refused(&crate::error::reason_of(&error)))?;
        parsing.join().unwrap_or_else(|_| Err(refused("the parser failed")))
    })
}

fn parse_here(script: &str) -> Result<Vec<Statement>, NotConverted> {
    let nodes = rable::parse(script, false).map_err(|error| NotConverted::Syntax {
        line: error.line(),
        what: error.message().chars().take(120).collect(),
    })?;
    // the parser counts characters
    let mut offsets: Vec<usize> = script.char_indices().map(|(at, _)| at).collect();
    offsets.push(script.len());
    let lowering = Lowering { script, offsets };
    let mut statements = Vec::new();
    nodes.iter().for_each(|node| lowering.statements(node, 0, &mut statements));
    Ok(statements)
}

struct Lowering<'s> {
    script: &'s str,
    /// The byte at which each character starts.
    offsets: Vec<usize>,
}

impl Lowering<'_> {
    fn span(&self, node: &Node) -> std::ops::Range<usize> {
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or(self.script.len());
        at(node.span.start)..at(node.span.end.max(node.span.start))
    }

    fn line(&self, at: usize) -> usize {
        1 + self.script.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// The statements of a node: a list is several.
    fn statements(&self, node: &Node, depth: usize, statements: &mut Vec<Statement>) {
        match &node.kind {
            NodeKind::List { items } => {
                let mut start = 0;
                for (index, item) in items.iter().enumerate() {
                    let ends = !matches!(item.operator, Some(ListOperator::And | ListOperator::Or));
                    if ends || index + 1 == items.len() {
                        if let Some(chain) = items.get(start..=index) {
                            self.chain(chain, depth, statements);
                        }
                        start = index + 1;
                    }
                }
            }
            NodeKind::Empty | NodeKind::Comment { .. } => {}
            _ => {
                let first = self.command(node, depth);
                let span = first.span.clone();
                let line = self.line(span.start);
                statements.push(Statement { line, span, first, rest: Vec::new(), is_background: false });
            }
        }
    }

    fn chain(&self, items: &[ListItem], depth: usize, statements: &mut Vec<Statement>) {
        if let [ListItem { command, operator }] = items
            && matches!(command.kind, NodeKind::List { .. })
            && *operator != Some(ListOperator::Background)
        {
            return self.statements(command, depth, statements);
        }
        let mut flat = Vec::new();
        flatten(items, &mut flat);
        let Some((head, tail)) = flat.split_first() else { return };
        let first = self.command(head.0, depth);
        let mut operator = head.1;
        let mut rest = Vec::new();
        for (node, next) in tail {
            let link = if operator == Some(ListOperator::Or) { Link::Or } else { Link::And };
            rest.push((link, self.command(node, depth)));
            operator = *next;
        }
        let end = rest.last().map_or(first.span.end, |(_, command)| command.span.end);
        let span = first.span.start..end.max(first.span.start);
        let is_background = operator == Some(ListOperator::Background);
        statements.push(Statement { line: self.line(span.start), span, first, rest, is_background });
    }

    fn command(&self, node: &Node, depth: usize) -> Command {
        let kind = match depth < MAX_BLOCKS {
            true => self.kind(node, depth + 1),
            false => CommandKind::Other("a block nested this deeply"),
        };
        Command { span: self.span(node), kind, programs: programs::of(node) }
    }

    fn block(&self, node: &Node, depth: usize) -> Vec<Statement> {
        let mut statements = Vec::new();
        self.statements(node, depth, &mut statements);
        statements
    }

    fn kind(&self, node: &Node, depth: usize) -> CommandKind {
        match &node.kind {
            NodeKind::Command { assignments, words, redirects } => self.simple(assignments, words, redirects),
            NodeKind::Negation { pipeline } => CommandKind::Not(Box::new(self.command(pipeline, depth))),
            NodeKind::If { condition, then_body, else_body, redirects } if redirects.is_empty() => {
                CommandKind::If {
                    condition: self.block(condition, depth),
                    then: self.block(then_body, depth),
                    otherwise: else_body.as_ref().map_or(Vec::new(), |body| self.block(body, depth)),
                }
            }
            NodeKind::While { condition, body, redirects }
            | NodeKind::Until { condition, body, redirects } => {
                let is_until = matches!(node.kind, NodeKind::Until { .. });
                self.repeated(self.block(condition, depth), is_until, body, redirects, depth)
            }
            NodeKind::ForArith { init, cond, incr, body, redirects }
                if [init, cond, incr].iter().all(|part| matches!(part.trim(), "" | "1")) =>
            {
                self.repeated(Vec::new(), false, body, redirects, depth)
            }
            NodeKind::BraceGroup { body, redirects } if redirects.is_empty() => {
                CommandKind::Group(self.block(body, depth))
            }
            NodeKind::Function { name, .. } => CommandKind::Function(name.clone()),
            NodeKind::ConditionalExpr { body, redirects } if redirects.is_empty() => match test_words(body) {
                Some(words) => CommandKind::Test(words),
                None => CommandKind::Other("a test of this form"),
            },
            NodeKind::ArithmeticCommand { raw_content, .. } if raw_content.trim() == "1" => {
                CommandKind::Test(vec![Word::of_text("1")])
            }
            NodeKind::Pipeline { .. } => CommandKind::Other("a pipeline"),
            NodeKind::Subshell { .. } => CommandKind::Other("a subshell"),
            NodeKind::Case { .. } => CommandKind::Other("a case command"),
            NodeKind::For { .. } | NodeKind::ForArith { .. } => CommandKind::Other("a for loop"),
            NodeKind::List { .. } => CommandKind::Group(self.block(node, depth)),
            _ => CommandKind::Other("a command of this form"),
        }
    }

    fn repeated(
        &self,
        condition: Vec<Statement>,
        is_until: bool,
        body: &Node,
        redirects: &[Node],
        depth: usize,
    ) -> CommandKind {
        match redirects.iter().map(redirect).collect() {
            Some(redirects) => {
                CommandKind::Loop { condition, is_until, body: self.block(body, depth), redirects }
            }
            None => CommandKind::Other("a redirection of this form"),
        }
    }

    fn simple(&self, assignments: &[Node], words: &[Node], redirects: &[Node]) -> CommandKind {
        let assignments: Option<Vec<Assignment>> =
            assignments.iter().map(|node| Assignment::read(&word(node)?)).collect();
        let words: Option<Vec<Word>> = words.iter().map(word).collect();
        match (assignments, words, redirects.iter().map(redirect).collect()) {
            (Some(assignments), Some(words), Some(redirects)) => {
                CommandKind::Simple(Simple { assignments, words, redirects })
            }
            (None, ..) => CommandKind::Other("an assignment of this form"),
            _ => CommandKind::Other("a redirection of this form"),
        }
    }
}

/// `a && b && c` may be a list in a list; only a list on the left side has the same meaning without it.
fn flatten<'n>(items: &'n [ListItem], flat: &mut Vec<(&'n Node, Option<ListOperator>)>) {
    for (index, item) in items.iter().enumerate() {
        match &item.command.kind {
            NodeKind::List { items: inner } if index == 0 && are_links(inner) => {
                flatten(inner, flat);
                if let Some((_, operator)) = flat.last_mut() {
                    *operator = item.operator;
                }
            }
            _ => flat.push((&item.command, item.operator)),
        }
    }
}

/// Whether `&&` and `||` join all of them.
fn are_links(items: &[ListItem]) -> bool {
    items.split_last().is_some_and(|(_, before)| {
        before.iter().all(|item| matches!(item.operator, Some(ListOperator::And | ListOperator::Or)))
    })
}

fn word(node: &Node) -> Option<Word> {
    match &node.kind {
        NodeKind::Word { value, .. } => Some(Word::read(value)),
        _ => None,
    }
}

fn redirect(node: &Node) -> Option<Redirect> {
    let NodeKind::Redirect { op, target, fd, varfd: None } = &node.kind else { return None };
    let fd = match (*fd, op.starts_with('<')) {
        (-1, true) => 0,
        (-1, false) => 1,
        (fd, _) => fd,
    };
    Some(Redirect { operator: op.clone(), fd, target: word(target)? })
}

/// The words of `[[ … ]]`, if `[` has the same meaning for them.
fn test_words(node: &Node) -> Option<Vec<Word>> {
    let term = |node: &Node| match &node.kind {
        NodeKind::CondTerm { value, .. } => Some(Word::read(value)),
        _ => None,
    };
    match &node.kind {
        NodeKind::UnaryTest { op, operand } => Some(vec![Word::of_text(op), term(operand)?]),
        NodeKind::BinaryTest { op, left, right } => {
            let right = term(right)?;
            // the right side is a pattern, or an expression
            right.literal().filter(|_| matches!(op.as_str(), "=" | "==" | "!=" | "-eq" | "-ne"))?;
            Some(vec![term(left)?, Word::of_text(op), right])
        }
        NodeKind::CondNot { operand } => {
            let mut words = test_words(operand)?;
            words.insert(0, Word::of_text("!"));
            Some(words)
        }
        // the clock is compared so
        NodeKind::CondAnd { left, right } => {
            let mut words = test_words(left)?;
            words.push(Word::of_text("-a"));
            words.extend(test_words(right)?);
            Some(words)
        }
        NodeKind::CondParen { inner } => test_words(inner),
        NodeKind::CondTerm { .. } => Some(vec![Word::of_text("-n"), term(node)?]),
        _ => None,
    }
}
