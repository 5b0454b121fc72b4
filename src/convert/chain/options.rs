//! Short options of the programs that execute others.

use super::Unclear;
use crate::convert::word::Word;

/// Reads options up to the first word that is none.
pub(crate) struct Options<'w> {
    words: &'w [Word],
    /// What is left of a group such as `-du`.
    group: String,
}

impl<'w> Options<'w> {
    pub(crate) fn new(words: &'w [Word]) -> Self {
        Options { words, group: String::new() }
    }

    /// The next option: one letter with its dash, or a long one as a whole.
    pub(crate) fn next_option(&mut self) -> Result<Option<String>, Unclear> {
        let mut group = self.group.chars();
        if let Some(letter) = group.next() {
            self.group = group.as_str().to_string();
            return Ok(Some(format!("-{letter}")));
        }
        let Some((word, rest)) = self.words.split_first() else { return Ok(None) };
        let Some(text) = word.literal() else { return Ok(None) };
        match text.strip_prefix('-') {
            None | Some("") => Ok(None),
            Some("-") => {
                self.words = rest;
                Ok(None)
            }
            Some(long) if long.starts_with('-') => {
                self.words = rest;
                Ok(Some(text))
            }
            Some(letters) => {
                self.words = rest;
                self.group = letters.to_string();
                self.next_option()
            }
        }
    }

    /// The value of the option just read: the rest of its word, or the next one.
    pub(crate) fn value(&mut self) -> Result<String, Unclear> {
        let group = std::mem::take(&mut self.group);
        if !group.is_empty() {
            return Ok(group);
        }
        let (word, rest) = self.words.split_first().ok_or("an option without its value")?;
        self.words = rest;
        word.literal().ok_or_else(|| "an option whose value the shell would have to expand".to_string())
    }

    /// What is not read yet.
    pub(crate) fn rest(self) -> Vec<Word> {
        self.words.to_vec()
    }

    /// The next word, which is not an option.
    pub(crate) fn operand(&mut self) -> Result<String, Unclear> {
        self.value()
    }
}
