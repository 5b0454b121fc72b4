//! A word of a shell script, in the parts that matter here: text, variables, and what only a shell can expand.

mod reader;

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
        Word { raw: raw.to_string(), pieces: reader::read(raw) }
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

    /// For an option that expands variables itself. `unset` is what the shell does with a missing variable.
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
