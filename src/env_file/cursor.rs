//! A position in the bytes, and its line.

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0, line: 1 }
    }

    /// The line of the next byte, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    /// All bytes up to the first that satisfies `ends`.
    pub(super) fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len());
        let (taken, _) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.at += length;
        self.line += taken.iter().filter(|byte| **byte == b'\n').count();
        taken
    }

    /// The next byte if it is this one.
    pub(super) fn take(&mut self, expected: u8) -> bool {
        let is_there = self.peek() == Some(expected);
        if is_there {
            self.next();
        }
        is_there
    }

    /// Skips line continuations: a shell removes them everywhere except in single quotes.
    pub(super) fn join(&mut self) {
        while self.rest().starts_with(b"\\\n") {
            self.next();
            self.next();
        }
    }

    /// Skips blanks and line continuations between words.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.join();
            if !matches!(self.peek(), Some(b' ' | b'\t')) {
                return;
            }
            self.next();
        }
    }

    /// Moves to the start of the next line; returns the rest of this one.
    pub(super) fn skip_line(&mut self) -> &'a [u8] {
        let line = self.take_until(|byte| byte == b'\n');
        self.next();
        line
    }

    /// Takes the bytes of a name, over line continuations.
    pub(super) fn name(&mut self) -> String {
        let run = |cursor: &mut Self| {
            cursor.join();
            cursor.take_until(|byte| !super::names::is_name_byte(byte))
        };
        let mut name = String::from_utf8_lossy(run(self)).into_owned();
        while self.rest().starts_with(b"\\\n") {
            name.push_str(&String::from_utf8_lossy(run(self)));
        }
        name
    }
}
