//! Words and blocks of execlineb.

use std::ops::Range;

use crate::convert::finding::NotConverted;

/// How deeply blocks may be nested.
const MAX_BLOCKS: usize = 64;

/// A word or block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The place in the script, in bytes.
    pub(crate) span: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word, quotes removed.
    Word(String),
    /// `{ … }`
    Block(Vec<Token>),
}

/// Reads a whole script.
pub(crate) fn tokens(script: &str) -> Result<Vec<Token>, NotConverted> {
    let mut lexer = Lexer { script, at: 0, line: 1 };
    let mut open: Vec<(Vec<Token>, usize, usize)> = Vec::new();
    let mut tokens = Vec::new();
    while let Some((start, line, word, is_quoted)) = lexer.word()? {
        let span = start..lexer.at;
        match (word.as_str(), is_quoted) {
            ("{", false) => {
                if open.len() >= MAX_BLOCKS {
                    return Err(NotConverted::TooDeep(line));
                }
                open.push((std::mem::take(&mut tokens), start, line));
            }
            ("}", false) => {
                let Some((outer, start, line)) = open.pop() else {
                    return Err(syntax(line, "a closing brace without an opening one"));
                };
                let block = TokenKind::Block(std::mem::replace(&mut tokens, outer));
                tokens.push(Token { kind: block, line, span: start..lexer.at });
            }
            _ => tokens.push(Token { kind: TokenKind::Word(word), line, span }),
        }
    }
    match open.last() {
        Some((_, _, line)) => Err(syntax(*line, "a block that is not closed")),
        None => Ok(tokens),
    }
}

fn syntax(line: usize, what: &str) -> NotConverted {
    NotConverted::Syntax { line, what: what.to_string() }
}

struct Lexer<'s> {
    script: &'s str,
    at: usize,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.script.get(self.at..)?.chars().next()?;
        self.at += next.len_utf8();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    /// The next word: where it starts, its line, its text, and whether any of it was quoted.
    fn word(&mut self) -> Result<Option<(usize, usize, String, bool)>, NotConverted> {
        let mut is_comment = false;
        let (start, line, mut next) = loop {
            let (start, line) = (self.at, self.line);
            match self.next() {
                None => return Ok(None),
                Some('\n') => is_comment = false,
                Some(_) if is_comment => {}
                Some('#') => is_comment = true,
                Some(' ' | '\t' | '\r') => {}
                Some(next) => break (start, line, Some(next)),
            }
        };
        let (mut word, mut is_quoted) = (String::new(), false);
        while let Some(character) = next {
            match character {
                '"' => {
                    is_quoted = true;
                    self.quoted(&mut word, line)?;
                }
                '\\' => {
                    is_quoted = true;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(next) => word.push(next),
                    }
                }
                _ => word.push(character),
            }
            let before = (self.at, self.line);
            next = self.next();
            if next.is_some_and(|next| matches!(next, ' ' | '\t' | '\r' | '\n')) {
                (self.at, self.line) = before;
                break;
            }
        }
        Ok(Some((start, line, word, is_quoted)))
    }

    /// What follows a double quote.
    fn quoted(&mut self, word: &mut String, line: usize) -> Result<(), NotConverted> {
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('n') => word.push('\n'),
                    Some('t') => word.push('\t'),
                    Some('\n') => {}
                    Some(next) if next.is_ascii_alphanumeric() => {
                        return Err(syntax(self.line, "an escape that is not understood"));
                    }
                    Some(next) => word.push(next),
                    None => return Err(syntax(line, "a quote that is not closed")),
                },
                Some(character) => word.push(character),
                None => return Err(syntax(line, "a quote that is not closed")),
            }
        }
    }
}
