//! `--dotenv`: the dotenv dialect (compose's `.env`), read by dotenvy.
//!
//! dotenvy's own errors show the line, which may hold a secret, and have no number; what it would read
//! as another value than was meant, without a word, is refused before.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::ready::env_file::{Assignment, Refusal};
use crate::sys::environ;

/// Gives out one line for each call: what dotenvy has asked for tells where it is.
struct Lines<'a> {
    rest: &'a [u8],
    taken: Rc<RefCell<Taken>>,
}

/// The lines given out since the last variable.
#[derive(Default)]
struct Taken {
    /// Before them.
    lines_before: usize,
    text: Vec<u8>,
}

impl Read for Lines<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let count = line.min(room.len());
        let (given, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        room.get_mut(..given.len()).unwrap_or_default().copy_from_slice(given);
        self.taken.borrow_mut().text.extend_from_slice(given);
        self.rest = rest;
        Ok(given.len())
    }
}

/// Reads a whole file; all refusals at once. `$NAME` is looked up among the lines before it, then in
/// `variables`: of dotenvy's two places, its own and the process's environment, the latter comes first,
/// so each line is put there.
pub(super) fn parse<'a>(
    bytes: &[u8],
    variables: impl Iterator<Item = (&'a std::ffi::OsStr, &'a std::ffi::OsStr)>,
) -> Result<Vec<Assignment>, Vec<Refusal>> {
    let mut bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).to_vec();
    if !bytes.ends_with(b"\n") {
        // else dotenvy refuses a last line with a blank at its end
        bytes.push(b'\n');
    }
    if let Err(error) = std::str::from_utf8(&bytes) {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        return Err(vec![Refusal::new(line, "a byte that is not UTF-8", "save the file as UTF-8")]);
    }
    let taken = Rc::new(RefCell::new(Taken::default()));
    let lines = Lines { rest: &bytes, taken: Rc::clone(&taken) };
    let (mut assignments, mut refusals) = (Vec::new(), Vec::new());
    environ::with_environment(variables, |process| {
        for item in dotenvy::from_read_iter(lines) {
            let (line, text) = next_lines(&taken);
            match (item, misread(&text)) {
                (Ok((name, value)), None) if !value.contains('\0') => {
                    process.set(&name, &value);
                    assignments.push(Assignment { name, value: value.into_bytes(), line });
                }
                (Ok(_), None) => refusals.push(Refusal::nul(line)),
                (_, Some((what, remedy))) => refusals.push(Refusal::new(line, what, remedy)),
                (Err(_), None) => refusals.push(Refusal::new(
                    line,
                    "not a line of the dotenv dialect",
                    "write NAME='value': in single quotes everything but a ' stands for itself",
                )),
            }
        }
    });
    if refusals.is_empty() { Ok(assignments) } else { Err(refusals) }
}

/// The lines of the variable that dotenvy has just given, without blank and comment lines before it,
/// and the number of the first.
fn next_lines(taken: &RefCell<Taken>) -> (usize, String) {
    let mut taken = taken.borrow_mut();
    let text = String::from_utf8_lossy(&std::mem::take(&mut taken.text)).into_owned();
    let is_idle = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let idle = text.split_inclusive('\n').take_while(is_idle).count();
    let line = taken.lines_before + idle + 1;
    taken.lines_before += text.matches('\n').count();
    (line, text.split_inclusive('\n').skip(idle).collect())
}

/// What dotenvy would take for another value without saying so.
fn misread(text: &str) -> Option<(&'static str, &'static str)> {
    let value = text.split_once('=')?.1;
    let trimmed = value.trim_start_matches([' ', '\t']);
    if trimmed.starts_with('#') && trimmed.len() == value.len() {
        return Some((
            "a '#' right behind the '='",
            "put the value in single quotes; a comment wants a blank",
        ));
    }
    let mut characters = value.chars().peekable();
    let (mut strong, mut weak, mut blank) = (false, false, true);
    while let Some(character) = characters.next() {
        match character {
            '\'' if !weak => strong = !strong,
            _ if strong => {}
            '"' => weak = !weak,
            '\\' => {
                if matches!(characters.next(), None | Some('\n' | '\r')) {
                    return Some((
                        "a backslash at the end of the line",
                        "remove it, or put the value in quotes",
                    ));
                }
            }
            // the rest is a comment
            '#' if blank && !weak => return None,
            '$' => {
                if let Some(refusal) = misread_dollar(&mut characters) {
                    return Some(refusal);
                }
            }
            _ => {}
        }
        blank = matches!(character, ' ' | '\t');
    }
    None
}

/// Behind a `$` that dotenvy looks at.
fn misread_dollar(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Option<(&'static str, &'static str)> {
    let is_name = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let braces = characters.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(character) = characters.next_if(is_name) {
        name.push(character);
    }
    if braces {
        return match characters.next() {
            Some('}') if !name.is_empty() => None,
            _ => Some(("'${' with something else than a name in it", "write the value out")),
        };
    }
    if name.is_empty() {
        return Some(("a '$' without a name", "write \\$, or put the value in single quotes"));
    }
    let is_cut = name.contains('_') || characters.peek().is_some_and(|next| next.is_alphanumeric());
    is_cut.then_some((
        "a '$NAME' that is cut at the first character that is no letter or digit",
        "write ${NAME}",
    ))
}
