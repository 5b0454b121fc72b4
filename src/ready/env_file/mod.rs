//! config.env: read as bash would read it, never executed.
//!
//! This reads plain assignments: `NAME=word` (several on a line, `;` and `export` too) with quotes of
//! all kinds, backslashes, comments and several lines in quotes. What depends on running or expanding
//! something (`$`, `` ` ``, a command) is refused with its line and the way to write it. All or
//! nothing: one refusal and no value of the file is used. A refusal never shows a value.

mod reader;
#[cfg(test)]
mod tests;

use reader::Reader;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A value that bash would give.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value; no NUL.
    pub value: Vec<u8>,
    /// Where the assignment begins, from 1.
    pub line: usize,
}

/// A place that cannot be read as bash would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From 1.
    pub line: usize,
    /// What is there, without a value.
    pub what: String,
    /// How to write it.
    pub remedy: String,
}

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
    pub fn oddity(&self) -> Option<&'static str> {
        match (self.has_bom, self.has_crlf) {
            (true, true) => Some("a byte order mark and line ends of CR LF are read as if absent"),
            (true, false) => Some("a byte order mark is read as if absent"),
            (false, true) => Some("line ends of CR LF are read as if they were LF"),
            (false, false) => None,
        }
    }
}

/// Reads a whole file; all refusals at once.
pub fn parse(bytes: &[u8]) -> Result<EnvFile, Vec<Refusal>> {
    let (bytes, has_bom) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let has_crlf = bytes.windows(2).any(|pair| pair == b"\r\n");
    let without_cr: Vec<u8>;
    let text = if has_crlf {
        without_cr = unix_lines(bytes);
        &without_cr
    } else {
        bytes
    };
    let assignments = Reader::new(text).read()?;
    Ok(EnvFile { assignments, has_bom, has_crlf })
}

/// The words of a text that is one shell command with nothing to expand: a run script's.
pub fn words(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Vec<Refusal>> {
    Reader::new(bytes).words()
}

fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let followed_by_lf = |index: usize| bytes.get(index + 1).is_none_or(|next| *next == b'\n');
    let kept = bytes.iter().enumerate().filter(|(index, byte)| **byte != b'\r' || !followed_by_lf(*index));
    kept.map(|(_, byte)| *byte).collect()
}
