//! A scanner that skips JSON values.

use std::ops::Range;

/// Why a text is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::boot::instances) enum NotRead {
    /// Not UTF-8, or not JSON, or truncated.
    #[error("it is not valid JSON in UTF-8")]
    Malformed,
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotObject,
}

/// The kind of a member's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::boot::instances) enum ValueKind {
    /// A string.
    Text,
    /// null
    Null,
    /// Anything else.
    Other,
}

/// An enclosing array or object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Array,
    Object,
}

pub(super) struct Scanner<'t> {
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
}

impl Scanner<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotRead> {
        if self.eat(byte) { Ok(()) } else { Err(NotRead::Malformed) }
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn end(&mut self) -> Result<(), NotRead> {
        self.skip_blanks();
        if self.at == self.bytes.len() { Ok(()) } else { Err(NotRead::Malformed) }
    }

    /// Skips a key and its colon; returns the range of the key with its quotes.
    pub(super) fn skip_key(&mut self) -> Result<Range<usize>, NotRead> {
        let start = self.at;
        self.expect(b'"')?;
        self.skip_string()?;
        let key = start..self.at;
        self.skip_blanks();
        self.expect(b':')?;
        self.skip_blanks();
        Ok(key)
    }

    /// Skips one value, including nested ones.
    pub(super) fn skip_value(&mut self) -> Result<ValueKind, NotRead> {
        let mut inside: Vec<Inside> = Vec::new();
        let mut kind = None;
        loop {
            let started = self.start_value()?;
            kind.get_or_insert(started.kind);
            if let Some(opened) = started.opened {
                inside.push(opened);
                continue;
            }
            while let Some(innermost) = inside.last() {
                self.skip_blanks();
                let (close, is_object) = match innermost {
                    Inside::Array => (b']', false),
                    Inside::Object => (b'}', true),
                };
                if self.eat(close) {
                    inside.pop();
                    continue;
                }
                self.expect(b',')?;
                self.skip_blanks();
                if is_object {
                    self.skip_key()?;
                }
                break;
            }
            if let (true, Some(kind)) = (inside.is_empty(), kind) {
                return Ok(kind);
            }
        }
    }

    /// Skips a scalar, or the opening of an array or object.
    fn start_value(&mut self) -> Result<StartedValue, NotRead> {
        let whole = |kind| Ok(StartedValue { kind, opened: None });
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.skip_string()?;
                whole(ValueKind::Text)
            }
            Some(b'{') => self.open(b'}', Inside::Object),
            Some(b'[') => self.open(b']', Inside::Array),
            _ if self.eat_word("null") => whole(ValueKind::Null),
            _ if ["true", "false", "NaN", "Infinity", "-Infinity"].iter().any(|word| self.eat_word(word)) => {
                whole(ValueKind::Other)
            }
            _ => {
                self.skip_number()?;
                whole(ValueKind::Other)
            }
        }
    }

    fn open(&mut self, close: u8, inside: Inside) -> Result<StartedValue, NotRead> {
        self.at += 1;
        self.skip_blanks();
        if self.eat(close) {
            return Ok(StartedValue { kind: ValueKind::Other, opened: None });
        }
        if inside == Inside::Object {
            self.skip_key()?;
        }
        Ok(StartedValue { kind: ValueKind::Other, opened: Some(inside) })
    }

    /// Skips the rest of a string with its closing quote.
    fn skip_string(&mut self) -> Result<(), NotRead> {
        loop {
            let byte = self.peek().ok_or(NotRead::Malformed)?;
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.skip_escape()?,
                0..0x20 => return Err(NotRead::Malformed),
                _ => {}
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), NotRead> {
        let byte = self.peek().ok_or(NotRead::Malformed)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4).ok_or(NotRead::Malformed)?;
                self.at += 4;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(NotRead::Malformed) }
            }
            _ => Err(NotRead::Malformed),
        }
    }

    fn skip_number(&mut self) -> Result<(), NotRead> {
        self.eat(b'-');
        if !self.eat(b'0') && !self.skip_digits() {
            return Err(NotRead::Malformed);
        }
        let whole = self.at;
        if self.eat(b'.') && !self.skip_digits() {
            // the rest is not part of the number, and is rejected later
            self.at = whole;
        }
        let mantissa = self.at;
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            if !self.skip_digits() {
                self.at = mantissa;
            }
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }
}

/// The result of [`Scanner::start_value`].
struct StartedValue {
    kind: ValueKind,
    /// Set if the value's elements follow.
    opened: Option<Inside>,
}
