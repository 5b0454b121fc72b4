//! Text in the encoding that some editors of Windows call "Unicode".

use super::Refusal;

/// Refuses a file in UTF-16: one that begins with its byte order mark, or with an ASCII character in it.
pub fn refuse_utf_16(bytes: &[u8]) -> Option<Refusal> {
    let is_utf_16 = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    };
    is_utf_16.then(|| Refusal::new(1, "the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8"))
}
