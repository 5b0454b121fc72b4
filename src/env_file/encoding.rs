//! Text in an unsupported encoding.

use super::refusal::Refusal;
use crate::sys;

/// Refuses a file in UTF-16 as a whole, instead of every character in it.
pub fn refuse_utf_16(bytes: &[u8]) -> Option<Refusal> {
    sys::file::is_utf_16(bytes)
        .then(|| Refusal::new(1, "the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8"))
}
