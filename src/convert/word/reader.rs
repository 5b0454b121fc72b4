//! A word as written → its parts.

use super::{Otherwise, Piece};

/// Reads a word as written in a script.
pub(super) fn read(raw: &str) -> Vec<Piece> {
    let mut reader = WordReader { rest: raw, pieces: Vec::new() };
    reader.unquoted();
    reader.pieces
}

struct WordReader<'w> {
    rest: &'w str,
    pieces: Vec<Piece>,
}

impl WordReader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_string())),
        }
    }

    fn unquoted(&mut self) {
        if self.rest.starts_with('~') {
            self.pieces.push(Piece::Pattern);
        }
        let mut is_plain = true;
        while let Some(character) = self.next() {
            match character {
                '\'' => match self.rest.split_once('\'') {
                    Some((text, rest)) => {
                        self.text(text);
                        self.rest = rest;
                    }
                    None => return self.pieces.push(Piece::Opaque),
                },
                '"' => self.quoted(),
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(next) => self.text(next.encode_utf8(&mut [0; 4])),
                    None => self.text("\\"),
                },
                '$' if self.rest.starts_with(['\'', '"']) => return self.pieces.push(Piece::Opaque),
                '$' => self.dollar(false),
                '`' | '(' | ')' | '<' | '>' => return self.pieces.push(Piece::Opaque),
                '*' | '?' | '[' | '{' => {
                    let is_plain = match character {
                        '[' => !self.rest.contains(']'),
                        '{' => !self.rest.contains('}') || !self.rest.contains([',', '.']),
                        _ => false,
                    };
                    if !is_plain {
                        self.pieces.push(Piece::Pattern);
                    }
                    self.text(character.encode_utf8(&mut [0; 4]));
                }
                // a tilde after these is a directory in an assignment
                '~' if !is_plain => self.pieces.push(Piece::Pattern),
                _ => self.text(character.encode_utf8(&mut [0; 4])),
            }
            is_plain = !matches!(character, '=' | ':');
        }
        if self.pieces.is_empty() {
            self.pieces.push(Piece::Text(String::new()));
        }
    }

    fn quoted(&mut self) {
        self.text("");
        while let Some(character) = self.next() {
            match character {
                '"' => return,
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(next @ ('$' | '`' | '"' | '\\')) => self.text(next.encode_utf8(&mut [0; 4])),
                    Some(next) => self.text(&format!("\\{next}")),
                    None => return self.pieces.push(Piece::Opaque),
                },
                '$' => self.dollar(true),
                '`' => {
                    self.rest = "";
                    self.pieces.push(Piece::Opaque);
                }
                _ => self.text(character.encode_utf8(&mut [0; 4])),
            }
        }
        self.pieces.push(Piece::Opaque);
    }

    /// What follows a dollar.
    fn dollar(&mut self, quoted: bool) {
        let name_end =
            |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let is_name = |name: &str| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
        if let Some(inner) = self.rest.strip_prefix('{') {
            let (name, after) = inner.split_at(name_end(inner));
            if let Some((operand, rest)) = after.split_once('}').filter(|_| is_name(name))
                && let Some(otherwise) = otherwise(operand, quoted)
            {
                self.pieces.push(Piece::Variable { name: name.to_string(), otherwise, quoted });
                self.rest = rest;
                return;
            }
            self.rest = "";
            return self.pieces.push(Piece::Opaque);
        }
        let (name, rest) = self.rest.split_at(name_end(self.rest));
        if is_name(name) {
            self.rest = rest;
            let otherwise = Otherwise::Empty;
            return self.pieces.push(Piece::Variable { name: name.to_string(), otherwise, quoted });
        }
        match self.rest.chars().next() {
            Some(next) if next.is_ascii_digit() || "(@*#?$!-[{'".contains(next) => {
                self.rest = "";
                self.pieces.push(Piece::Opaque);
            }
            _ => self.text("$"),
        }
    }
}

/// What follows the name in `${NAME…}`: only a plain word, whose quotes mean nothing.
fn otherwise(operand: &str, quoted: bool) -> Option<Otherwise> {
    if operand.is_empty() {
        return Some(Otherwise::Empty);
    }
    let (kind, word) = ["-", ":-", "=", ":=", ":?", "?"]
        .into_iter()
        .find_map(|kind| operand.strip_prefix(kind).map(|word| (kind, word)))?;
    if matches!(kind, ":?") && !word.contains(['$', '`', '\\', '"', '\'', '{']) {
        return Some(Otherwise::Error);
    }
    let inner =
        |mark: char| word.strip_prefix(mark).and_then(|word| word.strip_suffix(mark)).map(str::to_string);
    let is_plain = |word: &str| !word.contains(['$', '`', '\\', '"', '\'', '{', '~', '*', '?', '[']);
    let word = match word {
        word if is_plain(word) => word.to_string(),
        // within double quotes single ones stay
        _ if !quoted => inner('\'').or_else(|| inner('"')).filter(|word| is_plain(word))?,
        _ => return None,
    };
    // what is not quoted is split
    if !quoted && word.contains(char::is_whitespace) {
        return None;
    }
    match kind {
        ":-" => Some(Otherwise::IfEmpty(word)),
        "-" => Some(Otherwise::IfUnset(word)),
        ":=" => Some(Otherwise::Set(word)),
        _ => None,
    }
}
