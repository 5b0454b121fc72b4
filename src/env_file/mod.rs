//! config.env: read as bash would read it, never executed.
//!
//! Plain assignments get the value that bash gives them: assignments and `export`, all kinds of quotes, `$NAME` and
//! the forms of `${NAME}`, tilde, `: "${NAME:=word}"`, `set -a`. Anything that would have to be run is refused, with
//! its line and a hint. After a single refusal no value of the file is used. A refusal never shows a value.
//!
//! reader.rs reads command by command; words.rs and parameter.rs parse words into syntax.rs; evaluate.rs turns them
//! into values; spelling.rs writes them back.

mod ansi_c;
mod assignment;
mod cursor;
mod encoding;
mod evaluate;
mod names;
mod operand;
mod parameter;
mod pattern;
mod plain_command;
mod reader;
mod refusal;
mod spelling;
mod syntax;
#[cfg(test)]
mod tests;
mod words;

use std::borrow::Cow;

pub(crate) use assignment::MAX_VALUE;
pub use assignment::{Assignment, Inherited};
pub use encoding::refuse_utf_16;
pub use names::is_name;
use reader::Reader;
pub use refusal::Refusal;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A file of plain assignments, in order.
#[derive(Default)]
pub struct EnvFile {
    /// The last assignment to a name wins.
    pub assignments: Vec<Assignment>,
    /// The file starts with a byte order mark.
    pub has_bom: bool,
    /// Lines ended with CR LF.
    pub has_crlf: bool,
}

impl EnvFile {
    /// What is ignored where bash would read it as text.
    pub fn quirk(&self) -> Option<&'static str> {
        match (self.has_bom, self.has_crlf) {
            (true, true) => Some("the byte order mark is ignored, and CR LF line endings are read as LF"),
            (true, false) => Some("the byte order mark is ignored"),
            (false, true) => Some("CR LF line endings are read as LF"),
            (false, false) => None,
        }
    }
}

/// Parses a whole file over the environment so far; returns all refusals at once.
pub fn parse<'e>(bytes: &[u8], inherited: Inherited<'e>) -> Result<EnvFile, Vec<Refusal>> {
    if let Some(refusal) = refuse_utf_16(bytes) {
        return Err(vec![refusal]);
    }
    let Plain { text, has_bom, has_crlf } = Plain::of(bytes);
    let assignments = Reader::new(&text, inherited).read()?;
    Ok(EnvFile { assignments, has_bom, has_crlf })
}

/// The canonical spelling of a file: one command per line, values in quotes, comments kept. It yields the same values
/// over the same environment, in bash as well; `None` if that is not possible.
pub fn spell<'e>(bytes: &[u8], inherited: Inherited<'e>) -> Result<Option<Vec<u8>>, Vec<Refusal>> {
    if let Some(refusal) = refuse_utf_16(bytes) {
        return Err(vec![refusal]);
    }
    let Plain { text, .. } = Plain::of(bytes);
    let spelled = Reader::new(&text, inherited).spell()?;
    let values = |text: &[u8]| -> Result<Vec<(String, Vec<u8>)>, Vec<Refusal>> {
        let assignments = Reader::new(text, inherited).read()?;
        Ok(assignments.into_iter().map(|Assignment { name, value, line: _ }| (name, value)).collect())
    };
    let wanted = values(&text)?;
    let is_same = values(&spelled).is_ok_and(|spelled| spelled == wanted);
    Ok(is_same.then_some(spelled))
}

/// A file without byte order mark and CR LF.
struct Plain<'a> {
    text: Cow<'a, [u8]>,
    has_bom: bool,
    has_crlf: bool,
}

impl<'a> Plain<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (bytes, has_bom) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (rest, true),
            None => (bytes, false),
        };
        let text = with_unix_lines(bytes);
        let has_crlf = matches!(text, Cow::Owned(_));
        Plain { text, has_bom, has_crlf }
    }
}

/// The words of a single shell command without expansions, as in a run script.
pub fn words(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Vec<Refusal>> {
    plain_command::read(bytes)
}

/// Text with CR LF (as saved by Windows editors) replaced by LF.
pub fn with_unix_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.windows(2).any(|pair| pair == b"\r\n") {
        true => Cow::Owned(unix_lines(bytes)),
        false => Cow::Borrowed(bytes),
    }
}

fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let followed_by_lf = |index: usize| bytes.get(index + 1).is_none_or(|next| *next == b'\n');
    let kept = bytes.iter().enumerate().filter(|(index, byte)| **byte != b'\r' || !followed_by_lf(*index));
    kept.map(|(_, byte)| *byte).collect()
}
