//! Text in an encoding that is not read.

use super::refusal::Refusal;
use crate::sys;

/// Refuses a file in UTF-16, of which each character would be refused otherwise.
pub fn refuse_utf_16(bytes: &[u8]) -> Option<Refusal> {
    sys::file::is_utf_16(bytes)
        .then(|| Refusal::new(1, "the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8"))
}
