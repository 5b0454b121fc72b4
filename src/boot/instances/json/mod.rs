//! JSON as Python's json module reads it, of which only the members of the outermost object are looked at.
//!
//! Beyond the standard that module accepts NaN, Infinity, -Infinity, numbers of any size, lone surrogates in
//! strings, and any key several times (the last one counts). serde_json refuses the first and, in strings, the
//! fourth. Nesting is held on the heap, one byte per level: no depth overflows the stack.

use std::ops::Range;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRead {
    /// Not UTF-8, or not JSON, or cut off.
    #[error("it is not a whole JSON text in UTF-8")]
    Malformed,
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotObject,
}

/// What kind of value a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string.
    Text,
    /// null
    Null,
    /// Anything else.
    Other,
}

/// A member of the outermost object.
#[derive(Debug)]
pub(super) struct Member {
    /// As [`decoded`] gives it.
    pub(super) key: Vec<u8>,
    /// What it has.
    pub(super) kind: Kind,
    /// Where its value stands in the text.
    pub(super) value: Range<usize>,
}

/// The text without a byte order mark: whoever reads with `utf-8-sig` passes over one.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, NotRead> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|_| NotRead::Malformed)
}

/// Gives each member of the outermost object in turn, then checks that nothing follows it.
pub(super) fn members(text: &str, mut take: impl FnMut(Member)) -> Result<(), NotRead> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.pass_blanks();
    if scanner.peek() != Some(b'{') {
        scanner.pass_value()?;
        scanner.end()?;
        return Err(NotRead::NotObject);
    }
    scanner.at += 1;
    scanner.pass_blanks();
    if !scanner.passes(b'}') {
        loop {
            let key = scanner.pass_key()?;
            let start = scanner.at;
            let kind = scanner.pass_value()?;
            let value = start..scanner.at;
            take(Member { key: decoded(text.get(key).unwrap_or_default()), kind, value });
            scanner.pass_blanks();
            if scanner.passes(b'}') {
                break;
            }
            scanner.expect(b',')?;
            scanner.pass_blanks();
        }
    }
    scanner.end()
}

/// What a string with its quotes stands for, in UTF-8; a lone surrogate is encoded as if it were a character
/// (WTF-8), so that it equals nothing but itself.
pub(super) fn decoded(string: &str) -> Vec<u8> {
    let inner = string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let length = match escape.as_bytes().get(1) {
            Some(b'u') => push_code(escape, &mut bytes),
            Some(byte) => {
                bytes.push(match byte {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    plain => *plain,
                });
                2
            }
            None => 1,
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Decodes `\uXXXX` at the beginning, with the second half of a pair if one follows; gives its length.
fn push_code(escape: &str, bytes: &mut Vec<u8>) -> usize {
    let unit = |text: Option<&str>| text.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let first = unit(escape.get(2..6)).unwrap_or_default();
    let second = match escape.get(6..8) {
        Some("\\u") => unit(escape.get(8..12)).filter(|unit| (0xDC00..0xE000).contains(unit)),
        _ => None,
    };
    let (code, length) = match second {
        Some(second) if (0xD800..0xDC00).contains(&first) => {
            (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    match char::from_u32(code) {
        Some(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => bytes.extend([0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F].map(low_byte)),
    }
    length
}

fn low_byte(code: u32) -> u8 {
    u8::try_from(code & 0xFF).unwrap_or_default()
}

/// What a value is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Array,
    Object,
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn passes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn passes_word(&mut self, word: &str) -> bool {
        let is_next = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotRead> {
        if self.passes(byte) { Ok(()) } else { Err(NotRead::Malformed) }
    }

    fn pass_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<(), NotRead> {
        self.pass_blanks();
        if self.at == self.bytes.len() { Ok(()) } else { Err(NotRead::Malformed) }
    }

    /// Passes a key and its colon; gives where the key stands, with its quotes.
    fn pass_key(&mut self) -> Result<Range<usize>, NotRead> {
        let start = self.at;
        self.expect(b'"')?;
        self.pass_string()?;
        let key = start..self.at;
        self.pass_blanks();
        self.expect(b':')?;
        self.pass_blanks();
        Ok(key)
    }

    /// Passes one value with all that is in it.
    fn pass_value(&mut self) -> Result<Kind, NotRead> {
        let mut inside: Vec<Inside> = Vec::new();
        let mut kind = None;
        loop {
            let begun = self.begin_value()?;
            kind.get_or_insert(begun.kind);
            if let Some(opened) = begun.opened {
                inside.push(opened);
                continue;
            }
            while let Some(innermost) = inside.last() {
                self.pass_blanks();
                let (close, is_object) = match innermost {
                    Inside::Array => (b']', false),
                    Inside::Object => (b'}', true),
                };
                if self.passes(close) {
                    inside.pop();
                    continue;
                }
                self.expect(b',')?;
                self.pass_blanks();
                if is_object {
                    self.pass_key()?;
                }
                break;
            }
            if let (true, Some(kind)) = (inside.is_empty(), kind) {
                return Ok(kind);
            }
        }
    }

    /// Passes a value without parts, or the opening of one that has some.
    fn begin_value(&mut self) -> Result<Begun, NotRead> {
        let whole = |kind| Ok(Begun { kind, opened: None });
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.pass_string()?;
                whole(Kind::Text)
            }
            Some(b'{') => self.open(b'}', Inside::Object),
            Some(b'[') => self.open(b']', Inside::Array),
            _ if self.passes_word("null") => whole(Kind::Null),
            _ if ["true", "false", "NaN", "Infinity", "-Infinity"]
                .iter()
                .any(|word| self.passes_word(word)) =>
            {
                whole(Kind::Other)
            }
            _ => {
                self.pass_number()?;
                whole(Kind::Other)
            }
        }
    }

    fn open(&mut self, close: u8, inside: Inside) -> Result<Begun, NotRead> {
        self.at += 1;
        self.pass_blanks();
        if self.passes(close) {
            return Ok(Begun { kind: Kind::Other, opened: None });
        }
        if inside == Inside::Object {
            self.pass_key()?;
        }
        Ok(Begun { kind: Kind::Other, opened: Some(inside) })
    }

    /// Passes the rest of a string, and its closing quote.
    fn pass_string(&mut self) -> Result<(), NotRead> {
        loop {
            let byte = self.peek().ok_or(NotRead::Malformed)?;
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.pass_escape()?,
                0..0x20 => return Err(NotRead::Malformed),
                _ => {}
            }
        }
    }

    fn pass_escape(&mut self) -> Result<(), NotRead> {
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

    fn pass_number(&mut self) -> Result<(), NotRead> {
        self.passes(b'-');
        if !self.passes(b'0') && !self.pass_digits() {
            return Err(NotRead::Malformed);
        }
        let whole = self.at;
        if self.passes(b'.') && !self.pass_digits() {
            // what follows is not part of the number, and will not be read
            self.at = whole;
        }
        let mantissa = self.at;
        if self.passes(b'e') || self.passes(b'E') {
            if !self.passes(b'-') {
                self.passes(b'+');
            }
            if !self.pass_digits() {
                self.at = mantissa;
            }
        }
        Ok(())
    }

    fn pass_digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }
}

/// What [`Scanner::begin_value`] has passed.
struct Begun {
    kind: Kind,
    /// Its parts follow.
    opened: Option<Inside>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Kind, String)>, NotRead> {
        let mut all = Vec::new();
        members(text, |member| {
            let value = text.get(member.value).expect("in the text").to_string();
            all.push((String::from_utf8_lossy(&member.key).into_owned(), member.kind, value));
        })?;
        Ok(all)
    }

    #[test]
    fn gives_the_members_in_order_with_their_values_as_written() {
        let text = " { \"a\" : [1, {\"a\": null}] ,\"\\u0062\":\"x\\n\",\"a\":null, \"c\":{} }\n";
        let expected = [
            ("a", Kind::Other, "[1, {\"a\": null}]"),
            ("b", Kind::Text, "\"x\\n\""),
            ("a", Kind::Null, "null"),
            ("c", Kind::Other, "{}"),
        ];
        let read = read(text).expect("read");
        let read: Vec<_> =
            read.iter().map(|(key, kind, value)| (key.as_str(), *kind, value.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn accepts_what_pythons_module_accepts() {
        for value in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-0",
            "0.5E-7",
            "18446744073709551616",
            "\"\\udcff\"",
            "\"\\ud800x\"",
            "\"\\ud83d\\ude00\"",
            "\"\u{7f}\u{2028}\"",
            "[]",
            "{}",
            "[[],{}]",
        ] {
            assert!(read(&format!("{{\"a\":{value}}}")).is_ok(), "{value}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert!(read(&deep).is_ok());
    }

    #[test]
    fn refuses_what_pythons_module_refuses() {
        for bad in [
            "",
            "{",
            "{}}",
            "{} x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":-}",
            "{\"a\":1e}",
            "{\"a\":-NaN}",
            "{\"a\":nul}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x41\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"",
            "{\"a\":[}",
            "{\"a\":{]}",
            "\u{feff}{}",
            "{\"a\":1}\0",
            "//\n{}",
        ] {
            assert_eq!(read(bad), Err(NotRead::Malformed), "{bad:?}");
        }
        for other in ["[]", "1", "null", "\"running\"", "[[1],{}] "] {
            assert_eq!(read(other), Err(NotRead::NotObject), "{other}");
        }
    }

    #[test]
    fn strings_are_decoded_and_lone_surrogates_equal_nothing_else() {
        assert_eq!(decoded("\"a\\u0062\\/\\t\\\\u\""), b"ab/\t\\u");
        assert_eq!(decoded("\"\\ud83d\\ude00\""), "\u{1f600}".as_bytes());
        assert_eq!(decoded("\"\\udcff\""), b"\xed\xb3\xbf");
        assert_eq!(decoded("\"\\ud800\\ud83d\\ude00\""), b"\xed\xa0\x80\xf0\x9f\x98\x80");
        assert_ne!(decoded("\"\\udcff\""), decoded("\"\u{fffd}\""));
    }
}
