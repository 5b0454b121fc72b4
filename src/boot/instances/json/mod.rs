//! JSON as Python's json module reads it; only the members of the outermost object are returned.
//!
//! Beyond the standard that module accepts NaN, Infinity, -Infinity, numbers of any size, lone surrogates in
//! strings, and duplicate keys (the last one counts). serde_json rejects the first and, in strings, the fourth.
//! Nesting is kept on the heap, one byte per level, so that no depth overflows the stack.

mod scanner;
mod string;

use std::ops::Range;

use scanner::Scanner;
pub(super) use string::decoded;

/// Why a text is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRead {
    /// Not UTF-8, or not JSON, or truncated.
    #[error("it is not a whole JSON text in UTF-8")]
    Malformed,
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotObject,
}

/// The kind of a member's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
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
    /// As [`decoded`] returns it.
    pub(super) key: Vec<u8>,
    /// The kind of its value.
    pub(super) kind: ValueKind,
    /// The range of its value in the text.
    pub(super) value: Range<usize>,
}

/// The text without a byte order mark, which Python's `utf-8-sig` skips.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, NotRead> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|_| NotRead::Malformed)
}

/// Passes each member of the outermost object to `take`, then checks that nothing follows the object.
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

#[cfg(test)]
mod tests;
