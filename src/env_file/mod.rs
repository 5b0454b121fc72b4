//! config.env: read as bash would read it, never executed.
//!
//! What bash gives a plain value to is given that value: assignments and `export`, quotes of all kinds,
//! `$NAME` and the forms of `${NAME}`, tilde, `: "${NAME:=word}"`, `set -a`. What depends on running
//! something is refused with its line and the way to write it. All or nothing: one refusal and no
//! value of the file is used. A refusal never shows a value.
//!
//! reader.rs goes from command to command; words.rs and parameter.rs read words into syntax.rs;
//! evaluate.rs makes values of them; spelling.rs writes them again.

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
    /// The last of a name wins.
    pub assignments: Vec<Assignment>,
    /// The file began with a byte order mark.
    pub has_bom: bool,
    /// Lines ended with CR LF.
    pub has_crlf: bool,
}

impl EnvFile {
    /// What is read as if absent, where bash would have taken it for text.
    pub fn quirk(&self) -> Option<&'static str> {
        match (self.has_bom, self.has_crlf) {
            (true, true) => Some("a byte order mark and line ends of CR LF are read as if absent"),
            (true, false) => Some("a byte order mark is read as if absent"),
            (false, true) => Some("line ends of CR LF are read as if they were LF"),
            (false, false) => None,
        }
    }
}

/// Reads a whole file over the environment so far; all refusals at once.
pub fn parse<'e>(bytes: &[u8], inherited: Inherited<'e>) -> Result<EnvFile, Vec<Refusal>> {
    if let Some(refusal) = refuse_utf_16(bytes) {
        return Err(vec![refusal]);
    }
    let Plain { text, has_bom, has_crlf } = Plain::of(bytes);
    let assignments = Reader::new(&text, inherited).read()?;
    Ok(EnvFile { assignments, has_bom, has_crlf })
}

/// The canonical spelling of a file: one command per line, values in quotes, comments kept. Gives the same
/// values over the same environment, for bash too; `None` if that cannot be had.
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

/// The words of a text that is one shell command with nothing to expand: a run script's.
pub fn words(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Vec<Refusal>> {
    plain_command::read(bytes)
}

/// A text with LF where it has CR LF, as an editor of Windows saves it.
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
