//! `--dotenv`: the dotenv dialect, with the same values as in Compose.
//!
//! statement.rs splits the file into statements, value.rs parses their values; both follow Compose. dotenvy would join
//! lines at a quote in a comment, cut names at an underscore and silently lose a `$`, so it gets one value at a time,
//! double-quoted with everything escaped, to decode and expand. Text that Compose and other dotenv programs read
//! differently is refused with its line; no message shows a value, or a word that may be part of one.

mod faults;
mod statement;
mod value;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use crate::env_file::{self, Assignment, MAX_VALUE, Refusal};
use crate::sys::environ::{self, ProcessEnvironment};
use faults::{Fault, NOT_TEXT, NOT_UTF_8, SET_BEFORE, TOO_LONG, TOO_MANY, TOO_MUCH, UNREADABLE, UNSET};
use statement::{Definition, Refused, Statement, Statements};
use value::{Piece, Value};

/// The maximum size of all values in a file: more than the kernel passes to a program.
const MAX_TOTAL: usize = 4 << 20;
/// With more variables than this, the path is probably a mistake.
const MAX_VARIABLES: usize = 4096;
/// After this many refusals the rest of the file is skipped.
const MAX_REFUSALS: usize = 100;

/// A file in the dotenv dialect.
#[derive(Default)]
pub struct Dotenv {
    /// The last assignment to a name wins.
    pub assignments: Vec<Assignment>,
    /// Lines with only a name, which stands for the inherited variable, where there is none.
    pub absent: Vec<usize>,
}

impl Dotenv {
    /// A warning about lines that set nothing.
    pub fn quirk(&self) -> Option<String> {
        const SHOWN: usize = 5;
        let lines = match self.absent.as_slice() {
            [] => return None,
            [line] => format!("line {line}"),
            lines => {
                let shown: Vec<String> = lines.iter().take(SHOWN).map(usize::to_string).collect();
                let more = if lines.len() > SHOWN { " and others" } else { "" };
                format!("lines {}{more}", shown.join(", "))
            }
        };
        Some(format!("{lines}: a name without '=' is not in the environment, and sets nothing"))
    }
}

/// Parses a whole file over `variables`, the environment so far; returns all refusals at once.
///
/// Requires a single-threaded process: dotenvy looks names up in the process's environment, which is temporarily
/// replaced by `variables` and the lines read so far.
pub fn parse<'a>(
    bytes: &[u8],
    variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)> + Clone,
) -> Result<Dotenv, Vec<Refusal>> {
    if let Some(refusal) = env_file::refuse_utf_16(bytes) {
        return Err(vec![refusal]);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        vec![refusal(line, NOT_UTF_8)]
    })?;
    let known = variables.clone().filter_map(|(name, value)| {
        let known = value.to_str().map_or(Known::NotText, |value| Known::Text(value.len()));
        Some((name.to_str()?.to_string(), known))
    });
    let known = known.collect();
    environ::with_environment(variables, |process| {
        let set_here = HashSet::new();
        let reader =
            Reader { process, known, set_here, file: Dotenv::default(), refusals: Vec::new(), total: 0 };
        reader.read(Statements::of(text))
    })
}

fn refusal(line: usize, (what, remedy): Fault) -> Refusal {
    Refusal::new(line, what, remedy)
}

/// What is known about a variable that a line may refer to.
#[derive(Clone, Copy)]
enum Known {
    /// The length of its value.
    Text(usize),
    /// Its value is not UTF-8.
    NotText,
    /// Its line was refused: references to it are not checked.
    Refused,
}

/// Why a statement sets nothing.
enum Undefined {
    /// The statement itself is at fault.
    Line(Fault),
    /// The file is too large: the rest is not read.
    File(Fault),
}

impl From<Fault> for Undefined {
    fn from(fault: Fault) -> Self {
        Undefined::Line(fault)
    }
}

struct Reader<'p> {
    process: &'p mut ProcessEnvironment,
    known: HashMap<String, Known>,
    set_here: HashSet<String>,
    file: Dotenv,
    refusals: Vec<Refusal>,
    total: usize,
}

impl Reader<'_> {
    fn read(mut self, statements: Statements<'_>) -> Result<Dotenv, Vec<Refusal>> {
        for statement in statements {
            if self.refusals.len() == MAX_REFUSALS {
                break;
            }
            let (line, name, fault) = match statement {
                Err(Refused { line, name, fault }) => (line, name, fault),
                Ok(Statement { line, name, definition }) => match self.define(line, name, definition) {
                    Ok(()) => continue,
                    Err(Undefined::Line(fault)) => (line, Some(name), fault),
                    Err(Undefined::File(fault)) => {
                        self.refusals.push(refusal(line, fault));
                        break;
                    }
                },
            };
            self.refusals.push(refusal(line, fault));
            if let Some(name) = name {
                self.known.insert(name.to_string(), Known::Refused);
            }
        }
        if self.refusals.is_empty() { Ok(self.file) } else { Err(self.refusals) }
    }

    fn define(&mut self, line: usize, name: &str, definition: Definition<'_>) -> Result<(), Undefined> {
        let value = match definition {
            Definition::Inherited => return Ok(self.inherit(line, name)?),
            Definition::Value(value) => value,
        };
        let Some(spelled) = self.spell(name, &value)? else {
            self.known.insert(name.to_string(), Known::Refused);
            return Ok(());
        };
        let value = decode(&spelled)?;
        self.total += value.len();
        if self.total > MAX_TOTAL {
            return Err(Undefined::File(TOO_MUCH));
        }
        if self.file.assignments.len() == MAX_VARIABLES {
            return Err(Undefined::File(TOO_MANY));
        }
        self.process.set(name, &value);
        self.set_here.insert(name.to_string());
        self.known.insert(name.to_string(), Known::Text(value.len()));
        self.file.assignments.push(Assignment { name: name.to_string(), value: value.into_bytes(), line });
        Ok(())
    }

    /// A name alone: the variable keeps its value, if any.
    fn inherit(&mut self, line: usize, name: &str) -> Result<(), Fault> {
        if self.set_here.contains(name) {
            return Err(SET_BEFORE);
        }
        if !self.known.contains_key(name) {
            self.file.absent.push(line);
        }
        Ok(())
    }

    /// The value in a form that dotenvy reads correctly; none if it depends on a refused line.
    fn spell(&self, name: &str, value: &Value<'_>) -> Result<Option<String>, Fault> {
        let mut length = name.len();
        let mut spelled = "V=\"".to_string();
        for piece in value {
            length += match piece {
                Piece::Text(text) => push_text(text, &mut spelled),
                Piece::Reference { name, otherwise } => match (self.known.get(*name), otherwise) {
                    (Some(Known::Refused), _) => return Ok(None),
                    (Some(Known::NotText), _) => return Err(NOT_TEXT),
                    (Some(Known::Text(0)), Some(otherwise)) if otherwise.also_if_empty => {
                        push_text(otherwise.word, &mut spelled)
                    }
                    (Some(Known::Text(length)), _) => {
                        spelled.push_str("${");
                        spelled.push_str(name);
                        spelled.push('}');
                        *length
                    }
                    (None, Some(otherwise)) => push_text(otherwise.word, &mut spelled),
                    (None, None) => return Err(UNSET),
                },
            };
            // before dotenvy makes it
            if length > MAX_VALUE {
                return Err(TOO_LONG);
            }
        }
        spelled.push('"');
        Ok(Some(spelled))
    }
}

/// Escapes the characters that are special to dotenvy in double quotes. Returns the text's length.
fn push_text(text: &str, spelled: &mut String) -> usize {
    for character in text.chars() {
        if matches!(character, '\\' | '"' | '$') {
            spelled.push('\\');
        }
        spelled.push(character);
    }
    text.len()
}

/// The value of one line as read by dotenvy.
fn decode(spelled: &str) -> Result<String, Fault> {
    match dotenvy::from_read_iter(spelled.as_bytes()).next() {
        Some(Ok((_, value))) => Ok(value),
        // its error would show the line
        Some(Err(_)) | None => Err(UNREADABLE),
    }
}
