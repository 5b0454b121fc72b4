//! A single command that depends on no variable, as in a run script.

use super::cursor::Cursor;
use super::refusal::Refusal;
use super::syntax::Part;
use super::words::{self, Context};

/// The words of a single command that makes up the whole text; a comment may follow.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Vec<Refusal>> {
    let mut cursor = Cursor::new(bytes);
    let mut words = Vec::new();
    let mut refusals = Vec::new();
    loop {
        cursor.skip_blanks();
        let line = cursor.line();
        match cursor.peek() {
            None => break,
            Some(b'#') => _ = cursor.skip_line(),
            Some(b'\n') if words.is_empty() => _ = cursor.skip_line(),
            Some(b'\n') => {
                skip_blank_lines(&mut cursor);
                if !cursor.at_end() {
                    refusals.push(Refusal::new(cursor.line(), "a second command", "keep only one command"));
                }
                break;
            }
            Some(b';') => {
                refusals.push(Refusal::new(line, "a ';'", "keep only one command"));
                break;
            }
            Some(_) => match words::word(&mut cursor, Context::Plain) {
                Ok(parts) => words.push(parts.iter().flat_map(Part::plain).copied().collect()),
                Err(refusal) => {
                    refusals.push(refusal);
                    cursor.skip_line();
                }
            },
        }
    }
    if refusals.is_empty() { Ok(words) } else { Err(refusals) }
}

fn skip_blank_lines(cursor: &mut Cursor<'_>) {
    loop {
        cursor.skip_blanks();
        match cursor.peek() {
            Some(b'#' | b'\n') => _ = cursor.skip_line(),
            _ => return,
        }
    }
}
