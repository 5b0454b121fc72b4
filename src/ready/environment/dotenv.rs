//! `--dotenv`: the dotenv dialect (compose's `.env`), read by dotenvy.
//!
//! dotenvy's own errors show the line, which may hold a secret, and have no number; what it would read
//! as another value than was meant, without a word, is refused before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::rc::Rc;

use crate::ready::env_file::{Assignment, Refusal};
use crate::sys::environ;

/// The longest value, in bytes: what the kernel passes in one variable.
const MAX_VALUE: usize = 128 << 10;
/// All values of a file together: more than the kernel passes to a program.
const MAX_TOTAL: usize = 4 << 20;
/// More variables than this are a mistake of the path.
const MAX_VARIABLES: usize = 4096;

/// What is wrong, and how to write it.
type Because = (&'static str, &'static str);

const TOO_LONG: Because = ("a value of over 128 KiB", "the kernel passes no longer one: put it in a file");
const TOO_MUCH: Because = ("the values of the file come to more than 4 MiB", "put less into it");

const TOO_MANY: Because = ("more than 4096 variables", "is this the file that was meant?");

/// The variables that a line may refer to, by name: the length of a value, if it is UTF-8.
type Lengths = HashMap<String, Option<usize>>;

/// Gives out one line for each call: what dotenvy has asked for tells where it is.
struct Lines<'a> {
    rest: &'a [u8],
    progress: Rc<RefCell<Progress>>,
}

/// What the line that is given out belongs to.
#[derive(PartialEq, Eq)]
enum Within {
    Blank,
    Comment,
    /// To the end of its last line, which only dotenvy knows.
    Variable,
}

/// How far dotenvy has come.
struct Progress {
    /// Lines before those of `text`.
    lines_before: usize,
    /// The lines given out since the last variable.
    text: Vec<u8>,
    within: Within,
    /// What the variable's lines come to, with everything they refer to.
    length: usize,
    lengths: Lengths,
}

impl Read for Lines<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let count = line.min(room.len());
        let (given, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        let mut progress = self.progress.borrow_mut();
        progress.text.extend_from_slice(given);
        if !progress.take_to_variable(given) {
            return Err(io::Error::other(TOO_LONG.0));
        }
        room.get_mut(..given.len()).unwrap_or_default().copy_from_slice(given);
        self.rest = rest;
        Ok(given.len())
    }
}

/// What the variables that a text refers to come to. Of a name that dotenvy would cut, both count.
fn lengths_of_references(text: &[u8], lengths: &Lengths) -> usize {
    let length = |name: &[u8]| {
        let name = std::str::from_utf8(name).ok();
        name.and_then(|name| lengths.get(name).copied().flatten()).unwrap_or(0)
    };
    text.split(|byte| *byte == b'$')
        .skip(1)
        .map(|behind| {
            let behind = behind.strip_prefix(b"{").unwrap_or(behind);
            let run = |counts: fn(&u8) -> bool| {
                let end = behind.iter().position(|byte| !counts(byte)).unwrap_or(behind.len());
                behind.get(..end).unwrap_or_default()
            };
            let (cut, whole) = (run(u8::is_ascii_alphanumeric), run(is_name_byte));
            length(whole) + if cut == whole { 0 } else { length(cut) }
        })
        .fold(0, usize::saturating_add)
}

impl Progress {
    /// Counts a piece before dotenvy expands it; tells whether the variable is still of a length that
    /// is read.
    fn take_to_variable(&mut self, piece: &[u8]) -> bool {
        if self.within == Within::Blank {
            self.within = match piece.trim_ascii_start().first() {
                None => Within::Blank,
                Some(b'#') => Within::Comment,
                Some(_) => Within::Variable,
            };
        }
        if self.within == Within::Variable {
            let more = piece.len().saturating_add(lengths_of_references(piece, &self.lengths));
            self.length = self.length.saturating_add(more);
        } else if piece.ends_with(b"\n") {
            self.within = Within::Blank;
        }
        self.length <= MAX_VALUE
    }

    /// The lines of the variable that dotenvy has just given, without blank and comment lines before it,
    /// and the number of the first.
    fn next(&mut self) -> (usize, String) {
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.text)).into_owned();
        let is_idle = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let idle = text.split_inclusive('\n').take_while(is_idle).count();
        let line = self.lines_before + idle + 1;
        self.lines_before += text.matches('\n').count();
        self.length = 0;
        self.within = Within::Blank;
        (line, text.split_inclusive('\n').skip(idle).collect())
    }
}

/// Reads a whole file; all refusals at once. `$NAME` is looked up among the lines before it, then in
/// `variables`: of dotenvy's two places, its own and the process's environment, the latter comes first,
/// so each line is put there.
pub(super) fn parse<'a>(
    bytes: &[u8],
    variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)> + Clone,
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
    let lengths = variables
        .clone()
        .filter_map(|(name, value)| Some((name.to_str()?.to_string(), value.to_str().map(str::len))));
    let progress = Progress {
        lines_before: 0,
        text: Vec::new(),
        within: Within::Blank,
        length: 0,
        lengths: lengths.collect(),
    };
    let progress = Rc::new(RefCell::new(progress));
    let lines = Lines { rest: &bytes, progress: Rc::clone(&progress) };
    let (mut assignments, mut refusals) = (Vec::new(), Vec::new());
    let mut total = 0_usize;
    environ::with_environment(variables, |process| {
        for item in dotenvy::from_read_iter(lines) {
            let mut progress = progress.borrow_mut();
            let (line, text) = progress.next();
            let mut refuse = |(what, remedy): Because| refusals.push(Refusal::new(line, what, remedy));
            match (item, misread(&text, &progress.lengths)) {
                (Err(dotenvy::Error::Io(_)), _) => {
                    refuse(TOO_LONG);
                    break;
                }
                (_, Some(because)) => refuse(because),
                (Ok((_, value)), None) if value.contains('\0') => refusals.push(Refusal::nul(line)),
                (Ok((name, value)), None) => {
                    total = total.saturating_add(value.len());
                    if total > MAX_TOTAL {
                        refuse(TOO_MUCH);
                        break;
                    }
                    if assignments.len() == MAX_VARIABLES {
                        refuse(TOO_MANY);
                        break;
                    }
                    process.set(&name, &value);
                    progress.lengths.insert(name.clone(), Some(value.len()));
                    assignments.push(Assignment { name, value: value.into_bytes(), line });
                }
                (Err(_), None) => refuse((
                    "not a line of the dotenv dialect",
                    "write NAME='value': in single quotes everything but a ' stands for itself",
                )),
            }
        }
    });
    if refusals.is_empty() { Ok(assignments) } else { Err(refusals) }
}

fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

/// What dotenvy would take for another value without saying so.
fn misread(text: &str, lengths: &Lengths) -> Option<Because> {
    let value = text.split_once('=')?.1;
    if value.starts_with('#') {
        return Some((
            "a '#' right behind the '='",
            "put the value in single quotes; a comment wants a blank",
        ));
    }
    let value = value.trim_start_matches([' ', '\t']);
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split_once('\'').and_then(|(_, behind)| misread_behind_quote(behind));
    }
    let quoted = value.starts_with('"');
    let mut characters = value.chars().skip(usize::from(quoted)).peekable();
    let mut blank = !quoted;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted => return misread_behind_quote(&characters.collect::<String>()),
            '\\' if quoted => _ = characters.next(),
            '"' | '\'' if !quoted => {
                return Some(("a quote inside an unquoted value", "put the whole value in quotes"));
            }
            '\\' => return Some(("a backslash in an unquoted value", "put the value in single quotes")),
            // the rest is a comment
            '#' if blank => return None,
            '$' => {
                let because = misread_dollar(&mut characters, lengths);
                if because.is_some() {
                    return because;
                }
            }
            _ => {}
        }
        blank = !quoted && matches!(character, ' ' | '\t');
    }
    None
}

fn misread_behind_quote(behind: &str) -> Option<Because> {
    let line = behind.lines().next().unwrap_or_default();
    let is_good = line.is_empty() || line.starts_with([' ', '\t', '\r']);
    (!is_good).then_some(("something right behind the closing quote", "put the whole value in quotes"))
}

/// Behind a `$` that dotenvy looks at.
fn misread_dollar(
    characters: &mut std::iter::Peekable<impl Iterator<Item = char>>,
    lengths: &Lengths,
) -> Option<Because> {
    let is_name = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let braces = characters.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(character) = characters.next_if(is_name) {
        name.push(character);
    }
    if lengths.get(&name) == Some(&None) {
        return Some(("a variable that is not UTF-8", "write the value out, or set it elsewhere"));
    }
    if braces {
        return match characters.next() {
            Some('}') if !name.is_empty() => None,
            _ => Some(("'${' with something else than a name in it", "write the value out")),
        };
    }
    if name.is_empty() {
        return Some((
            "a '$' without a name",
            "write \\$ in double quotes, or put the value in single quotes",
        ));
    }
    // what is behind it loses its meaning, or the name is cut
    let is_plain = |next: &char| next.is_ascii() && "$/.:,-@=+%~\r\n".contains(*next);
    let is_misread = name.contains('_') || characters.peek().is_some_and(|next| !is_plain(next));
    is_misread.then_some(("a '$NAME' that dotenv programs read otherwise", "write ${NAME}"))
}
