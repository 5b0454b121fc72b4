//! Rust source as words and marks: without comments, literals and tests.

use std::collections::BTreeSet;

/// A word or a mark of the source; `::` is one mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    pub text: &'t str,
    /// Counted from 1.
    pub line: usize,
}

/// Source without its test items.
pub struct Code<'t> {
    pub tokens: Vec<Token<'t>>,
    /// The modules that `#[cfg(test)] mod NAME;` declares: files that are tests.
    pub test_modules: BTreeSet<&'t str>,
}

/// What the source has outside of `#[cfg(test)]` items.
pub fn code(source: &str) -> Code<'_> {
    const MARKER: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let all = tokens(source);
    let mut code = Code { tokens: Vec::new(), test_modules: BTreeSet::new() };
    let mut at = 0;
    while at < all.len() {
        let rest = &all[at..];
        if rest.len() < MARKER.len() || rest.iter().zip(MARKER).any(|(token, word)| token.text != word) {
            code.tokens.push(all[at]);
            at += 1;
            continue;
        }
        let item = &rest[..end_of_item(rest)];
        code.test_modules.extend(
            item.windows(3)
                .filter(|words| words[0].text == "mod" && words[2].text == ";")
                .map(|words| words[1].text),
        );
        at += item.len();
    }
    code
}

/// How many tokens the first item has, its attributes included.
fn end_of_item(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text, "}" | ";") {
            return at + 1;
        }
    }
    tokens.len()
}

/// The index after the bracket that closes the one at `open`.
pub fn after_closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// All words and marks of the source.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped(rest, first);
        let length = skipped.unwrap_or_else(|| match word(rest) {
            "" if rest.starts_with("::") => 2,
            "" => first.len_utf8(),
            word => word.len(),
        });
        let (text, after) = rest.split_at(length);
        if skipped.is_none() {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// How many bytes of blanks, comment, literal or lifetime come first.
fn skipped(rest: &str, first: char) -> Option<usize> {
    if first.is_whitespace() {
        return Some(first.len_utf8());
    }
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let prefix = word(rest);
    if !["", "b", "c", "r", "br", "cr"].contains(&prefix) {
        return None;
    }
    let literal = &rest[prefix.len()..];
    let hashes = literal.len() - literal.trim_start_matches('#').len();
    let length = match literal.chars().nth(hashes)? {
        '"' if prefix.ends_with('r') => {
            let end = format!("\"{}", &literal[..hashes]);
            let body = hashes + 1;
            literal[body..].find(&end).map_or(literal.len(), |at| body + at + end.len())
        }
        '"' if hashes == 0 => quoted(literal),
        '\'' if hashes == 0 => character_or_lifetime(literal),
        _ => return None,
    };
    Some(prefix.len() + length)
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        match here {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Up to the closing quote, whichever character the quote is.
fn quoted(literal: &str) -> usize {
    let bytes = literal.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != bytes[0] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn character_or_lifetime(literal: &str) -> usize {
    let mut characters = literal.chars().skip(1);
    let (first, second) = (characters.next(), characters.next());
    if first == Some('\\') || second == Some('\'') {
        return quoted(literal);
    }
    1 + word(&literal[1..]).len()
}

/// The word that comes first; empty before a mark.
fn word(rest: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
}
