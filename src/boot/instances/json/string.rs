//! Decoding of JSON strings.

/// The value of a string with its quotes, in UTF-8. A lone surrogate is encoded as if it were a character
/// (WTF-8), so that it equals nothing but itself.
pub(in crate::boot::instances) fn decoded(string: &str) -> Vec<u8> {
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

/// Decodes the leading `\uXXXX`, and the second half of a surrogate pair if one follows; returns the length.
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
