//! The members of the outermost object.

use std::ops::Range;

use super::scanner::{NotRead, Scanner, ValueKind};
use super::string::decoded;

/// A member of the outermost object.
#[derive(Debug)]
pub(in crate::boot::instances) struct Member {
    /// The key, as returned by [`decoded`].
    pub(in crate::boot::instances) key: Vec<u8>,
    /// The kind of its value.
    pub(in crate::boot::instances) kind: ValueKind,
    /// The range of its value in the text.
    pub(in crate::boot::instances) value: Range<usize>,
}

/// The text without a byte order mark, which Python's `utf-8-sig` skips.
pub(in crate::boot::instances) fn text_of(bytes: &[u8]) -> Result<&str, NotRead> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|_| NotRead::Malformed)
}

/// Passes each member of the outermost object to `take`, and checks that nothing follows the object.
pub(in crate::boot::instances) fn members(text: &str, mut take: impl FnMut(Member)) -> Result<(), NotRead> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.skip_blanks();
    if scanner.peek() != Some(b'{') {
        scanner.skip_value()?;
        scanner.end()?;
        return Err(NotRead::NotObject);
    }
    scanner.at += 1;
    scanner.skip_blanks();
    if !scanner.eat(b'}') {
        loop {
            let key = scanner.skip_key()?;
            let start = scanner.at;
            let kind = scanner.skip_value()?;
            let value = start..scanner.at;
            take(Member { key: decoded(text.get(key).unwrap_or_default()), kind, value });
            scanner.skip_blanks();
            if scanner.eat(b'}') {
                break;
            }
            scanner.expect(b',')?;
            scanner.skip_blanks();
        }
    }
    scanner.end()
}
