//! The commands of a shell script, as far as they matter here: what the parser's tree is reduced to.

use std::ops::Range;

use crate::convert::word::Word;

/// A command with what follows it by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its place in the script, in bytes.
    pub(crate) span: Range<usize>,
    /// The first command.
    pub(crate) first: Command,
    /// The others.
    pub(crate) rest: Vec<(Link, Command)>,
    /// Whether the shell goes on without waiting (`&`).
    pub(crate) is_background: bool,
}

/// `&&` or `||`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// A command, and its place in the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// In bytes.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) kind: CommandKind,
    /// Names of all programs and functions that it may run; `?` for those that are computed.
    pub(crate) programs: Vec<String>,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandKind {
    /// A simple command.
    Simple(Simple),
    /// `[[ … ]]`, as the words of `[ … ]`.
    Test(Vec<Word>),
    /// `! …`
    Not(Box<Command>),
    /// `if`; an `elif` is an `if` in `otherwise`.
    If {
        /// The condition.
        condition: Vec<Statement>,
        /// The first branch.
        then: Vec<Statement>,
        /// The other one.
        otherwise: Vec<Statement>,
    },
    /// `while`, `until` and the endless `for`.
    Loop {
        /// What is checked before each round; empty for an endless one.
        condition: Vec<Statement>,
        /// Whether the condition ends it when it is true.
        is_until: bool,
        /// The body.
        body: Vec<Statement>,
        /// Of the whole loop.
        redirects: Vec<Redirect>,
    },
    /// `{ …; }`
    Group(Vec<Statement>),
    /// A function, by name.
    Function(String),
    /// Everything else, by name.
    Other(&'static str),
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// `NAME=value` before the words.
    pub(crate) assignments: Vec<Assignment>,
    /// The words.
    pub(crate) words: Vec<Word>,
    /// The redirections, in order.
    pub(crate) redirects: Vec<Redirect>,
}

/// `NAME=value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Word,
}

impl Assignment {
    /// Reads a word; none if it is not a plain assignment.
    pub(crate) fn read(word: &Word) -> Option<Assignment> {
        let (name, value) = word.raw.split_once('=')?;
        let is_plain = crate::env_file::is_name(name.as_bytes()) && !value.starts_with('(');
        is_plain.then(|| Assignment { name: name.to_string(), value: Word::read(value) })
    }
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// `>`, `>>`, `>&`, `<`, …
    pub(crate) operator: String,
    /// The descriptor.
    pub(crate) fd: i32,
    /// The file or descriptor.
    pub(crate) target: Word,
}

impl Statement {
    /// Its only command.
    pub(crate) fn only(&self) -> Option<&Command> {
        (self.rest.is_empty() && !self.is_background).then_some(&self.first)
    }

    /// Its words, if it is a simple command and nothing else.
    pub(crate) fn simple(&self) -> Option<&Simple> {
        match &self.only()?.kind {
            CommandKind::Simple(simple) => Some(simple),
            _ => None,
        }
    }

    /// All its commands.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, command)| command))
    }
}

impl Simple {
    /// The words as plain text.
    pub(crate) fn literals(&self) -> Option<Vec<String>> {
        self.words.iter().map(Word::literal).collect()
    }

    /// Its first word.
    pub(crate) fn name(&self) -> Option<String> {
        self.words.first().and_then(Word::literal)
    }

    /// Whether it has words only.
    pub(crate) fn is_bare(&self) -> bool {
        self.assignments.is_empty() && self.redirects.is_empty()
    }
}
