//! A word of a shell script, in the parts that matter here: text, variables, and what only a shell can expand.

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Plain text, quotes removed.
    Text(String),
    /// `$NAME`, `${NAME}`, `${NAME:-text}`
    Variable {
        /// The name.
        name: String,
        /// What replaces it.
        otherwise: Otherwise,
        /// Whether a shell would not split it.
        quoted: bool,
    },
    /// What a shell expands otherwise: a glob, `~`, braces.
    Pattern,
    /// A substitution, or an expansion that is not understood.
    Opaque,
}

/// What replaces a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// `$NAME`: nothing.
    Empty,
    /// `${NAME:-text}`: a text if it is missing or empty.
    IfEmpty(String),
    /// `${NAME-text}`: a text if it is missing.
    IfUnset(String),
    /// `${NAME:=text}`: likewise, and it is set.
    Set(String),
    /// `${NAME:?text}`: an error.
    Error,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written.
    pub(crate) raw: String,
    /// In parts.
    pub(crate) pieces: Vec<Piece>,
}

impl Word {
    /// Reads a word as written in a script.
    pub(crate) fn read(raw: &str) -> Self {
        let mut reader = WordReader { rest: raw, pieces: Vec::new() };
        reader.unquoted();
        Word { raw: raw.to_string(), pieces: reader.pieces }
    }

    /// A word that is this text.
    pub(crate) fn of_text(text: &str) -> Self {
        Word { raw: crate::shell_quote::shell_word(text), pieces: vec![Piece::Text(text.to_string())] }
    }

    /// Its text, if no shell is needed for it.
    pub(crate) fn literal(&self) -> Option<String> {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.pieces.iter().map(text).collect()
    }

    /// Whether it is this text.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.literal().as_deref() == Some(text)
    }

    /// The variables in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether any POSIX shell reads it alike, without running anything.
    pub(crate) fn is_simple(&self) -> bool {
        !self.pieces.contains(&Piece::Opaque)
    }

    /// For an option that expands variables itself. `unset` tells what the shell does with a missing variable.
    pub(crate) fn expandable(&self, unset: Unset) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(&plain.replace('$', "$$")),
                Piece::Variable { name, otherwise, .. } => match otherwise {
                    Otherwise::Empty if unset == Unset::Error || name == "PATH" => {
                        text.push_str(&format!("${{{name}}}"));
                    }
                    Otherwise::Empty => text.push_str(&format!("${{{name}:-}}")),
                    Otherwise::IfEmpty(word) if !word.contains(['$', '}', '{', '\\']) => {
                        text.push_str(&format!("${{{name}:-{word}}}"));
                    }
                    _ => return None,
                },
                Piece::Pattern | Piece::Opaque => return None,
            }
        }
        Some(text)
    }

    /// With known variables replaced.
    pub(crate) fn with(&self, known: &[(String, String)]) -> Word {
        let value = |name: &str| known.iter().rfind(|(each, _)| each == name).map(|(_, value)| value);
        let mut is_changed = false;
        let pieces: Vec<Piece> = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Variable { name, otherwise: Otherwise::Empty | Otherwise::IfEmpty(_), quoted } => {
                    match value(name) {
                        Some(value) if *quoted || is_one_word(value) => {
                            is_changed = true;
                            Piece::Text(value.clone())
                        }
                        _ => piece.clone(),
                    }
                }
                _ => piece.clone(),
            })
            .collect();
        let word = Word { raw: self.raw.clone(), pieces };
        match (is_changed, word.literal()) {
            (true, Some(text)) => Word::of_text(&text),
            (true, None) => Word { raw: requoted(&word.pieces).unwrap_or_else(|| self.raw.clone()), ..word },
            (false, _) => self.clone(),
        }
    }
}

/// The word again, after a variable in it was replaced by its value.
fn requoted(pieces: &[Piece]) -> Option<String> {
    let mut raw = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => raw.push_str(&crate::shell_quote::shell_word(text)),
            Piece::Variable { name, otherwise, quoted } => {
                let variable = match otherwise {
                    Otherwise::Empty => format!("${{{name}}}"),
                    Otherwise::IfEmpty(word) if is_one_word(word) => format!("${{{name}:-{word}}}"),
                    _ => return None,
                };
                raw.push_str(&if *quoted { format!("\"{variable}\"") } else { variable });
            }
            Piece::Pattern | Piece::Opaque => return None,
        }
    }
    Some(raw)
}

/// Whether a shell makes one word of this value, even without quotes.
pub(crate) fn is_one_word(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c))
}

/// What the shell does with a variable that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// It is empty.
    Empty,
    /// `set -u`: the script ends.
    Error,
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
